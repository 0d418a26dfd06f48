"""Large JSON documents: parsed piece by piece, to what `json` makes of them, in steps and work that are bounded."""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable, Sequence
from typing import cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bento_proto import JSON, BentoMLException, Data, End, Exchange, Head, Limits, RemoteProtocolError, Request
from bento_proto.http import Origin
from bento_proto.response import _document
from bento_proto.response._arrays import NumberArrays
from bento_proto.response._document import DocumentParser
from bento_proto.response._readers import value_reader
from bento_proto.response._text_parser import TextParser
from bento_proto.schema import Kind, Output, Schema

STEP = 1 << 16
BROKEN = "not JSON"


def parsed(data: bytes, size: int, step: int) -> object:
    parser = DocumentParser(step=step)
    for at in range(0, len(data), size):
        parser.feed(data[at : at + size])
    value = parser.finish()
    return BROKEN if parser.is_broken else value


def expected(data: bytes) -> object:
    try:
        return json.loads(data.decode().removeprefix("\ufeff"))
    except (ValueError, RecursionError):
        return BROKEN


TEXTS = st.text(st.sampled_from('ab",:[]{}\\ é😀\n'), max_size=12)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=12) | st.dictionaries(TEXTS, inner, max_size=12), max_leaves=60
)
SEPARATORS = st.sampled_from([(",", ":"), (", ", ": "), (" ,\n", " :\t")])


@given(VALUES, SEPARATORS, st.booleans(), st.sampled_from([1, 3, 17, 1000]), st.sampled_from([16, 64, STEP]))
def test_a_document_is_what_json_makes_of_it(
    value: JSON, separators: tuple[str, str], ascii_only: bool, size: int, step: int
) -> None:
    data = json.dumps(value, separators=separators, ensure_ascii=ascii_only).encode()
    assert parsed(data, size, step) == value
    assert parsed(b" \n" + data + b"\t ", size, step) == value


@given(VALUES, st.binary(min_size=1, max_size=3), st.integers(0, 10_000), st.sampled_from([1, 17, 1000]))
def test_a_document_with_a_fault_is_what_json_makes_of_it(value: JSON, fault: bytes, at: int, size: int) -> None:
    data = json.dumps(value).encode()
    at %= len(data)
    for broken in (data[:at] + fault + data[at + 1 :], data[:at], data + fault, data[:at] + data[at + 1 :]):
        assert repr(parsed(broken, size, 32)) == repr(expected(broken))


SMALL = [
    "", " ", "1", "-2.5e+10", "[1.5e-3,2]", "nul", "[1,]", "[,1]", '{"a":}', '{"a" 1}', "{1:2}", '{"a":1,}', "]",
    "[1}", '{"a":1]', "[1] 2", "[NaN,-Infinity]", '"a\\', '"\\ud83d\\ude00"', '["\\u00', "\ufeff[1]", "[1]\ufeff",
    '{"a":1,"b":2,"a":3}', "truex", "[       ]", "{       }", "[[1]],[2],[3]]",
]  # fmt: skip


@pytest.mark.parametrize("text", SMALL)
def test_small_documents(text: str) -> None:
    for step in (2, 8, STEP):
        for size in (1, 2, 100):
            assert repr(parsed(text.encode(), size, step)) == repr(expected(text.encode()))


def test_elements_of_two_lists_are_not_taken_for_those_of_one() -> None:
    elements = [{"x": number} for number in range(100)]
    data = json.dumps({"a": elements, "b": elements}, separators=(",", ":")).encode()
    for size in (10, 700, len(data)):
        assert parsed(data, size, 64) == json.loads(data)


def test_what_is_nested_deeply_is_left_to_json() -> None:
    assert parsed(b"[" * 5000 + b"]" * 5000, 100, 64) == BROKEN
    assert parsed(b'{"a":' * 5000 + b"1" + b"}" * 5000, 100, 64) == BROKEN
    nested = b"[" * 500 + b"]" * 500
    assert parsed(nested, 100, 64) == expected(nested)


# --- work


def records(size: int) -> bytes:
    return json.dumps([{"id": number, "name": f"n{number}", "v": [1, 2, 3]} for number in range(size // 45)]).encode()


def members(size: int) -> bytes:
    return json.dumps({"a": {"b": {f"key{number}": number for number in range(size // 20)}}}).encode()


def mixed(size: int) -> bytes:
    choice = random.Random(1).choice
    return json.dumps([choice([1, "a", None, [1], {"a": 1}]) for _ in range(size // 5)]).encode()


LARGE: dict[str, Callable[[int], bytes]] = {
    "numbers": lambda size: json.dumps([*range(size // 7)]).encode(),
    "compact numbers": lambda size: json.dumps([*range(size // 6)], separators=(",", ":")).encode(),
    "rows": lambda size: json.dumps([[number] * 1000 for number in range(size // 6000)]).encode(),
    "one row": lambda size: json.dumps([[[*range(size // 7)]]]).encode(),
    "texts": lambda size: json.dumps([f"word{number}" for number in range(size // 12)]).encode(),
    "long texts": lambda size: json.dumps(["x" * 50_000] * (size // 50_000)).encode(),
    "texts like JSON": lambda size: json.dumps(['","', "],[", '},"'] * (size // 27)).encode(),
    "one text": lambda size: json.dumps("x" * size).encode(),
    "one text of quotes": lambda size: json.dumps('"\\' * (size // 4)).encode(),
    "one key": lambda size: json.dumps({"x" * size: 1}).encode(),
    "records": records,
    "members": members,
    "mixed": mixed,
    "deep": lambda size: b"[" * 500 + json.dumps([*range(size // 7)]).encode() + b"]" * 500,
    "deep objects": lambda size: b'{"a":' * 500 + json.dumps([*range(size // 7)]).encode() + b"}" * 500,
    "empty lists": lambda size: b"[" + b",".join([b"[]"] * (size // 3)) + b"]",
    "towers": lambda size: b"[" + b",".join([b"[" * 50 + b"]" * 50] * (size // 101)) + b"]",
    "white space": lambda size: b"[1," + b" " * size + b"2]",
    "cut": lambda size: json.dumps([[number] * 1000 for number in range(size // 6000)]).encode()[:-3],
    "a fault at the end": lambda size: json.dumps([*range(size // 7)]).encode()[:-9] + b"x, 1, 2]",
}


@pytest.mark.parametrize("case", LARGE)
def test_each_step_and_all_of_them_parse_a_bounded_number_of_characters(
    case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = LARGE[case](1 << 19)
    read: list[int] = []
    plain = _document._raw_decode

    def decode(text: str, at: int) -> tuple[JSON, int]:
        try:
            value, end = plain(text, at)
        except ValueError as exc:
            read[-1] += cast("json.JSONDecodeError", exc).pos - at
            raise
        read[-1] += end - at
        return value, end

    monkeypatch.setattr(_document, "_raw_decode", decode)
    for size in (4096, STEP, 1 << 20):
        parser = DocumentParser()
        read.append(0)
        for at in range(0, len(data), size):
            parser.feed(data[at : at + size])
            read.append(0)
        value = parser.finish()
        assert sum(read) <= 3 * len(data)
        if size <= STEP:
            assert max(read) <= 5 * STEP
        assert parser.is_broken is (case in ("cut", "a fault at the end"))
        assert parser.is_broken or value == expected(data)
        read.clear()


STRINGS = [
    "\\n" * 40,
    "\\\\" * 40,
    '\\"' * 40,
    "\\ud83d\\ude00" * 20,
    "\\ud800" * 20,
    "\\\\ud83d\\\\ude00" * 20,
    "\\ud800\\ud83d\\ude00é" * 20,
    "x" * 40 + "\\ud800",
    "\\u00e9" * 20 + "\\",
    "\\u00e9" * 20 + "\\u00",
    "\\uD83D" + "x" * 40,
    "\\u12" + "x" * 40,
    "\\x" * 40,
    "\n" * 40,
]


@pytest.mark.parametrize("step", [16, 17, 23, 64])
@pytest.mark.parametrize("text", STRINGS)
def test_a_long_string_is_decoded_while_it_comes(text: str, step: int) -> None:
    for document in (f'"{text}"', f'["{text}",1]', f'{{"{text}":"{text}"}}', f'"{text}'):
        for size in (1, 5, 16, 1000):
            assert parsed(document.encode(), size, step) == expected(document.encode())


def test_the_escapes_of_a_long_string_are_not_looked_at_one_by_one() -> None:
    def work(size: int) -> int:
        calls = 0

        def count(frame: object, event: str, argument: object) -> None:
            nonlocal calls
            calls += 1

        parser, data = DocumentParser(), b'"' + b"\\n" * size
        sys.setprofile(count)
        parser.feed(data)
        sys.setprofile(None)
        return calls

    assert work(1 << 17) < 1000


# --- as results

REQUEST = Request("POST", Origin("http", "h", 80), "/f")


@pytest.mark.parametrize(
    ("name", "text"),
    [("utf-8", "日本é😀\n"), ("utf-16", "日本é😀\n"), ("iso-8859-1", "naïve"), ("iso-2022-jp", "日本 abc\n")],
)
def test_a_large_text_is_decoded_while_it_comes(name: str, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text *= 1 << 17
    data = text.encode(name)
    decoded: list[str] = []
    plain = TextParser.finish

    def finish(parser: TextParser) -> str:
        decoded.append(plain(parser))
        return decoded[-1]

    monkeypatch.setattr(TextParser, "finish", finish)
    for size in (1000, STEP + 1, len(data)):
        assert text_result(data, name, size) == (None, text)
    assert decoded == [text] * 3


def test_a_large_text_that_cannot_be_decoded_is_the_same_error_as_a_small_one() -> None:
    for fault in (b"\xff" + b"x" * (1 << 19), b"x" * (1 << 19) + b"\xff\xff", b"x" * (1 << 19) + b"\xc3"):
        error, _ = text_result(fault, "utf-8", 1000)
        with pytest.raises(UnicodeDecodeError) as whole:
            fault.decode()
        assert str(error) == f"the response's text can't be decoded: {whole.value}"
        assert isinstance(error, RemoteProtocolError)
        assert error.body == fault


def text_result(data: bytes, charset: str, size: int) -> tuple[BentoMLException | None, object]:
    exchange = Exchange(REQUEST, value_reader(Output({"type": "string"}, Kind.TEXT, False), Limits()), Limits())
    exchange.receive(Head(200, (("content-type", f"text/plain; charset={charset}"),)))
    for at in range(0, len(data), size):
        exchange.receive(Data(data[at : at + size]))
    exchange.receive(End())
    return exchange.error, exchange.result if exchange.error is None else None


def result(schema: Schema, data: bytes, size: int, kind: Kind = Kind.JSON) -> object:
    made = Exchange(REQUEST, value_reader(Output(schema, kind, False), Limits()), Limits())
    made.receive(Head(200))
    for at in range(0, len(data), size):
        made.receive(Data(data[at : at + size]))
    made.receive(End())
    if made.error is not None:
        return made.error
    return made.result


SIZES = (1 << 12, 1 << 16, 1 << 23)


@pytest.mark.parametrize("size", SIZES)
def test_large_results(size: int) -> None:
    value = {"a": [*range(100_000)], "b": "é" * 1000}
    assert result({}, json.dumps(value).encode(), size) == value
    assert result({}, json.dumps(value).encode(), size, Kind.EITHER) == value
    text = "not JSON " * 50_000
    assert result({}, text.encode(), size, Kind.EITHER) == text


@pytest.mark.parametrize("size", SIZES)
def test_a_large_result_that_is_not_json_is_the_same_error_as_a_small_one(size: int) -> None:
    data = json.dumps([*range(100_000)]).encode()
    for broken, message in ((data[:-1], "Expecting ',' delimiter"), (data + b"\xff", "can't decode byte 0xff")):
        error = result({}, broken, size)
        assert isinstance(error, RemoteProtocolError)
        assert "the response is not JSON" in str(error)
        assert message in str(error)
        assert error.body == broken


ARRAYS: dict[str, tuple[Schema, object]] = {
    "floats": ({"type": "tensor", "dtype": "float64"}, np.random.default_rng(1).random(40_000)),
    "float32": ({"type": "tensor", "dtype": "float32"}, np.random.default_rng(1).random((1, 40_000))),
    "rows": ({"type": "tensor", "dtype": "float64", "shape": [-1, 100]}, np.random.default_rng(1).random((500, 100))),
    "one image": ({"type": "tensor"}, np.random.default_rng(1).random((1, 3, 120, 120))),
    "integers": ({"type": "tensor"}, np.arange(80_000) * 7 - 5),
    "integers that are floats": ({"type": "tensor", "dtype": "float64"}, np.arange(80_000)),
    "large integers": ({"type": "tensor"}, np.arange(80_000) + 2**62),
    "integers, then floats": ({"type": "tensor"}, [*range(80_000), 0.5]),
    "booleans": ({"type": "tensor", "dtype": "bool"}, np.arange(80_000) % 3 == 0),
    "complex": ({"type": "tensor", "dtype": "complex128"}, np.arange(80_000)),
    "not a number": ({"type": "tensor"}, [float("nan"), *range(80_000), float("inf")]),
    "texts": ({"type": "tensor"}, [f"word{number}" for number in range(40_000)]),
    "huge integers": ({"type": "tensor"}, [10**30 + number for number in range(20_000)]),
    "numbers and a text": ({"type": "tensor"}, [*range(80_000), "x"]),
    "numbers and None": ({"type": "tensor"}, [*range(80_000), None]),
    "inside": ({"properties": {"a": {"type": "tensor"}}}, {"a": [*range(80_000)]}),
    "ragged": ({"type": "tensor"}, [[0.5] * 100] * 800 + [[0.5] * 99]),
    "ragged inside": ({"type": "tensor"}, [[[0.5] * 40_000], [[0.5] * 39_999]]),
    "too large": ({"type": "tensor", "dtype": "int8"}, [1, 300] * 40_000),
    "another shape": ({"type": "tensor", "shape": [7, 7]}, [*range(80_000)]),
    "unknown dtype": ({"type": "tensor", "dtype": "nonsense"}, [*range(80_000)]),
}


@pytest.mark.filterwarnings("ignore:NumPy will stop allowing")  # before NumPy 2
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("case", ARRAYS)
def test_a_large_tensor_is_what_numpy_makes_of_the_whole(case: str, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    schema, value = ARRAYS[case]
    data = json.dumps(value.tolist() if isinstance(value, np.ndarray) else value).encode()
    assert len(data) > 1 << 18
    found = result(schema, data, size)
    monkeypatch.setattr("bento_proto.response._whole._LARGE", 1 << 30)
    whole = result(schema, data, size)
    assert type(found) is type(whole)
    if isinstance(whole, np.ndarray) and isinstance(found, np.ndarray):
        assert (found.dtype, found.shape) == (whole.dtype, whole.shape)
        assert np.array_equal(found, whole, equal_nan=whole.dtype.kind == "f")
    elif isinstance(whole, BentoMLException):
        assert str(found) == str(whole)
    else:
        assert repr(found) == repr(whole)


def test_arrays_are_made_while_the_document_comes() -> None:
    made: list[int] = []

    class Watched(NumberArrays):
        def make(self, elements: list[JSON], /) -> object:
            made.append(len(elements))
            return super().make(elements)

    parser = DocumentParser(Watched(None))
    data = json.dumps([[*range(100_000)]]).encode()
    for at in range(0, len(data), STEP):
        parser.feed(data[at : at + STEP])
    assert sum(made) > 90_000
    assert max(made) < 20_000
    (row,) = cast("Sequence[np.ndarray[tuple[int, ...], np.dtype[np.int64]]]", parser.finish())
    assert np.array_equal(row, np.arange(100_000))
