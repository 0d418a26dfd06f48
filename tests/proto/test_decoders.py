"""Decoders: any split of the bytes gives the same items."""

from __future__ import annotations

import json
import math
import tracemalloc
from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bento_proto import JSON, LimitExceeded, RemoteProtocolError
from bento_proto.exchange import Decoder, LargeItem
from bento_proto.json import parse_json
from bento_proto.response import EventStreamDecoder, JSONStreamDecoder, RawDecoder, TextDecoder, WholeDecoder
from bento_proto.response import _json_stream as _items
from bento_proto.response._readers import ListsOrTextDecoder
from tests.proto.play import cut, splits

Fault: TypeAlias = "type[RemoteProtocolError] | None"


def drained(decoder: Decoder[object], pieces: Iterable[bytes], boundaries: bool = False) -> tuple[list[object], Fault]:
    """All items, and the class of the error that ended them."""
    items: list[object] = []
    try:
        for piece in pieces:
            items += decoder.feed(piece)
            if boundaries:
                items += decoder.boundary()
        items += decoder.finish()
    except RemoteProtocolError as error:
        return [*items, *error.items], type(error)
    return items, None


def same(value: JSON) -> JSON:
    return value


def json_items(limit: int = 1 << 30) -> JSONStreamDecoder[JSON]:
    return JSONStreamDecoder(same, limit)


# --- one item; bytes; text


@pytest.mark.parametrize(("limit", "fault"), [(5, None), (4, LimitExceeded)])
def test_the_whole_body(limit: int, fault: Fault) -> None:
    expected = ([b"abcde"], None) if fault is None else ([], fault)
    for pieces in splits(b"abcde"):
        assert drained(WholeDecoder(bytes, limit), pieces) == expected
        assert drained(WholeDecoder(bytes, limit), pieces, boundaries=True) == expected
    assert drained(WholeDecoder(bytes, 0), []) == ([b""], None)


def test_an_error_of_the_parser() -> None:
    def parse(data: bytes) -> str:
        raise LimitExceeded(data.decode())

    assert drained(WholeDecoder(parse, 9), [b"a"]) == ([], LimitExceeded)


def test_bytes() -> None:
    for pieces in splits(bytes(range(256))):
        items, fault = drained(RawDecoder(), pieces, boundaries=True)
        assert b"".join(item for item in items if isinstance(item, bytes)) == bytes(range(256))
        assert b"" not in items
        assert fault is None


WORDS = "naïve €5 – 日本語 🍱 \x85\u2028 end"


@pytest.mark.parametrize(
    ("charset", "text"),
    [
        ("utf-8", WORDS),
        ("utf-16", WORDS),
        ("utf-32-be", WORDS),
        ("iso-8859-1", "Grüße"),
        ("shift_jis", "日本語のテキスト"),
        ("iso2022_jp", "日本 and 語"),
        ("gb18030", WORDS),
        ("hz", "日本 and 人"),
        ("utf-8-sig", WORDS),
        ("ascii", "plain"),
    ],
)
def test_text(charset: str, text: str) -> None:
    for pieces in splits(text.encode(charset)):
        items, fault = drained(TextDecoder(charset), pieces, boundaries=True)
        assert "".join(map(str, items)) == text
        assert "" not in items
        assert fault is None


@pytest.mark.parametrize(
    ("charset", "data", "before"),
    [
        ("utf-8", b"fine \xc3\xbc\xff fine", "fine ü"),
        ("utf-8", "cut off 日".encode()[:-1], "cut off "),
        ("ascii", b"a\x80", "a"),
        ("shift_jis", "日本".encode("shift_jis") + b"\xff\xff", "日本"),
        ("utf-16-le", "ab".encode("utf-16-le") + b"c", "ab"),
    ],
)
def test_invalid_or_incomplete_text_is_an_error_behind_what_came(charset: str, data: bytes, before: str) -> None:
    for pieces in splits(data):
        items, fault = drained(TextDecoder(charset), pieces)
        assert "".join(map(str, items)) == before
        assert fault is RemoteProtocolError


def test_the_error_has_the_bytes() -> None:
    with pytest.raises(RemoteProtocolError, match="can't be decoded") as caught:
        TextDecoder().feed(b"\xff")
    assert caught.value.body == b"\xff"
    assert isinstance(caught.value.__cause__, UnicodeDecodeError)


# --- JSON items

STREAMS: dict[bytes, list[JSON]] = {
    b"": [],
    b" \r\n\t ": [],
    b'{"i":0}{"i": 1}[ ] [1,[2]]"s"""': [{"i": 0}, {"i": 1}, [], [1, [2]], "s", ""],
    b'"\\"" "\\\\" "]}" {"}": "{[\\\\\\"" }["[",{"a":"]"}]': ['"', "\\", "]}", {"}": '{[\\"'}, ["[", {"a": "]"}]],
    '"ü€日🍱"{"日":"\u2028"}"\\ud83c\\udf71\\u0000"'.encode(): ["ü€日🍱", {"日": "\u2028"}, "🍱\0"],
    b"nulltruefalsenull": [None, True, False, None],
    b"1 -2.5\n3e2,"[:-1] + b" 0": [1, -2.5, 300.0, 0],
    b"1null2[3]4true5": [1, None, 2, [3], 4, True, 5],
    b"-1-2.5-3": [-1, -2.5, -3],
    b"1.5e-3-1E+2-0": [0.0015, -100.0, 0],
    b"-Infinity Infinity-Infinity1": [-math.inf, math.inf, -math.inf, 1],
    b"12345678901234567890": [12345678901234567890],
    b"0." + b"1" * 4990 + b" 2": [float("0." + "1" * 4990), 2],
}

FAULTS: dict[bytes, list[JSON]] = {
    b"[1][2": [[1]],
    b'{"a":1}{"b"': [{"a": 1}],
    b'"a""b': ["a"],
    b'"a""b\\"': ["a"],
    b"1 nul": [1],
    b"1-": [1],
    b"[1]2.": [[1]],
    b"[1]2.5e": [[1]],
    b"[1][2]}": [[1], [2]],
    b"[1]{]": [[1]],
    b'[1]{"a":}[2]': [[1]],
    b'[1]"\\q"[2]': [[1]],
    b'[1]"\x01"[2]': [[1]],
    b"[1],[2]": [[1]],
    b"[1]abcdefgh": [[1]],
    b"[1]nil ": [[1]],
    b"[1]+1 ": [[1]],
    b"[1].5": [[1]],
    b"[1]01 ": [[1]],
    b"1.5.3": [1.5],
    "[1]٣".encode(): [[1]],
    b"[1]\xff[2]": [[1]],
    b"[1]\xe6\x97": [[1]],
    b"[1]?\xff": [[1]],
    b"[1]" + b"9" * 4400 + b" ": [[1]],
    b"[1]0." + b"1" * 5000 + b" ": [[1]],
    b"[" * 100_000: [],
    b"[1]" + b"[" * 100_000 + b"]" * 100_000: [[1]],
}


@pytest.mark.parametrize("body", STREAMS, ids=lambda body: repr(body[:20]))
def test_json_items(body: bytes) -> None:
    for pieces in splits(body):
        assert drained(json_items(), pieces) == (STREAMS[body], None)


@pytest.mark.parametrize("body", FAULTS, ids=lambda body: f"{body[:20]!r}{len(body)}")
def test_invalid_json_is_an_error_behind_earlier_items(body: bytes) -> None:
    for number, pieces in enumerate(splits(body)):
        assert drained(json_items(), pieces) == (FAULTS[body], RemoteProtocolError)
        if number == 2 and len(body) > 10_000:
            break


def test_nan_and_infinity() -> None:
    for pieces in splits(b"NaN 1NaN"):
        items, fault = drained(json_items(), pieces)
        assert (str(items), fault) == ("[nan, 1, nan]", None)


@pytest.mark.parametrize(
    ("chunks", "items"),
    [
        ([b"0", b"1", b"23"], [0, 1, 23]),
        ([b"-1.5", b"2e3", b"-4", b" 5 "], [-1.5, 2000.0, -4, 5]),
        ([b"1-2", b"3"], [1, -2, 3]),
        ([b"nu", b"ll", b"1."], RemoteProtocolError),
        ([b"nu", b"ll1", b"[1", b",2]3", b""], [None, 1, [1, 2], 3]),
        ([b'"1', b'2"', b"-", b"Infinity"], ["12", -math.inf]),
    ],
)
def test_a_bare_number_ends_with_the_chunk(chunks: list[bytes], items: list[JSON] | type[Exception]) -> None:
    found, fault = drained(json_items(), chunks, boundaries=True)
    assert (fault or found) == items


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=10,
)
cuts = st.lists(st.floats(0, 1), max_size=12).map(sorted)


@given(st.lists(values, max_size=5), st.sampled_from(["", " ", "\r\n\t"]), st.booleans(), cuts)
def test_any_values_in_any_pieces(items: list[JSON], between: str, ascii_only: bool, places: list[float]) -> None:
    texts = [json.dumps(item, ensure_ascii=ascii_only) for item in items]
    for at in range(1, len(texts)):
        if not between and texts[at - 1][-1].isdigit() and texts[at][0].isdigit():
            texts[at] = " " + texts[at]  # nothing can tell these apart
    body = between.join(texts).encode(errors="surrogatepass")
    pieces = cut(body, [int(place * len(body)) for place in places])
    try:
        body.decode()
    except UnicodeDecodeError:
        assert drained(json_items(), pieces)[1] is RemoteProtocolError
    else:
        assert drained(json_items(), pieces) == (items, None)


@given(st.lists(st.sampled_from([*'[]{}",:\\ 1-.eE+', "nul", "true", '"a"', "NaN"]), max_size=20).map("".join), cuts)
def test_any_bytes_in_any_pieces_give_the_same(text: str, places: list[float]) -> None:
    body = text.encode()
    pieces = cut(body, [int(place * len(body)) for place in places])
    assert repr(drained(json_items(), pieces)) == repr(drained(json_items(), [body]))


@pytest.mark.parametrize("item", [b'"12345678"', b"[123,45,6]", b'{"a":"bc"}'])
def test_the_limit_is_for_one_item(item: bytes) -> None:
    for pieces in splits(item * 3):
        items, fault = drained(json_items(10), pieces)
        assert (len(items), fault) == (3, None)
    for pieces in splits(b"[1]" + item):
        assert drained(json_items(9), pieces) == ([[1]], LimitExceeded)


def test_an_error_of_the_conversion() -> None:
    def positive(value: JSON) -> JSON:
        if value == [0]:
            raise RemoteProtocolError("not positive")
        return value

    for pieces in splits(b"[1][2][0][3]"):
        assert drained(JSONStreamDecoder(positive, 9), pieces) == ([[1], [2]], RemoteProtocolError)


# --- what it costs


def test_a_large_item_takes_linear_time(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at = 0
    parse: Callable[[str, int], object] = _items._raw_decode

    def counting_parse(text: str, start: int) -> object:
        nonlocal looked_at
        looked_at += len(text) - start
        return parse(text, start)

    class Counting(JSONStreamDecoder[JSON]):
        def _scan(self, text: str, position: int) -> int:
            nonlocal looked_at
            looked_at += len(text) - position
            return super()._scan(text, position)

    monkeypatch.setattr(_items, "_raw_decode", counting_parse)
    value: JSON = {"text": 'x\\y"z' * 400_000, "numbers": list(range(300_000))}
    body = json.dumps(value).encode()
    assert len(body) > 4_000_000
    items, _ = drained(Counting(same, 1 << 30), [body[at : at + 1024] for at in range(0, len(body), 1024)])
    assert items == [value]
    assert looked_at < 2 * len(body)


@pytest.mark.parametrize(
    "make",
    [lambda: WholeDecoder(bytes, 1 << 20), lambda: json_items(1 << 20)],
    ids=["Whole", "JSONItems"],
)
def test_single_bytes_take_little_more_memory_than_their_size(make: Callable[[], Decoder[object]]) -> None:
    crumbs: Sequence[bytes] = [b'"a'] + [b"%03d" % (number % 1000) for number in range(100_000)]
    decoder = make()
    tracemalloc.start()
    try:
        for crumb in crumbs:
            decoder.feed(crumb)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 1.5 * sum(map(len, crumbs))


# --- errors


def _numbers() -> Decoder[object]:
    return WholeDecoder[object](parse_json, 100)


BROKEN: dict[str, tuple[Callable[[], Decoder[object]], list[bytes]]] = {
    "too large": (_numbers, [b"1" * 101]),
    "no JSON": (_numbers, [b"[1,"]),
    "a large document that is no JSON": (
        lambda: WholeDecoder[object](parse_json, 1 << 20, lambda document: document.value()),
        [b"[" + b"1," * 200_000],
    ),
    "no UTF-8": (TextDecoder, [b"a\xff"]),
    "half a character": (TextDecoder, ["é".encode()[:1]]),
    "no item": (lambda: JSONStreamDecoder[object](lambda item: item, 100), [b"1 x "]),
    "too large an item": (lambda: JSONStreamDecoder[object](lambda item: item, 100), [b'1 "' + b"x" * 200]),
    "half an item": (lambda: JSONStreamDecoder[object](lambda item: item, 100), [b"1 [2"]),
    "a bad number": (lambda: JSONStreamDecoder[object](lambda item: item, 100), [b"01"]),
    "a stream that is no UTF-8": (lambda: JSONStreamDecoder[object](lambda item: item, 100), [b"1 \xff"]),
    "too large an event": (lambda: EventStreamDecoder(100), [b"data: 1\n\ndata: " + b"x" * 200]),
    "lists": (
        lambda: ListsOrTextDecoder(JSONStreamDecoder[object](lambda item: item, 100), TextDecoder(), 100),
        [b'["a"]x '],
    ),
    "text": (
        lambda: ListsOrTextDecoder(JSONStreamDecoder[object](lambda item: item, 100), TextDecoder(), 100),
        [b"text \xff"],
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_decoder_that_has_raised_raises_the_same_again(case: str) -> None:
    make, pieces = BROKEN[case]
    decoder = make()
    with pytest.raises(RemoteProtocolError) as first:
        for piece in pieces:
            decoder.feed(piece)
        decoder.boundary()
        decoder.finish()
    calls: list[Callable[[], object]] = [
        lambda: decoder.feed(b"1 "),
        lambda: decoder.boundary(),
        lambda: decoder.finish(),
        lambda: decoder.feed(b""),
    ]
    for call in calls:
        with pytest.raises(type(first.value)) as again:
            call()
        assert str(again.value) == str(first.value)
        assert list(again.value.items) == []


def test_large_items_may_be_left_to_convert() -> None:
    value = ["a" * (1 << 18)]
    data = json.dumps(value).encode()
    decoder = json_items()
    decoder.defer()
    items: list[object] = [*decoder.feed(data[:9])]
    items += [*decoder.feed(data[9:] + b"[1]" + data), *decoder.feed(b"[2]3 ")]
    assert [isinstance(item, LargeItem) for item in items] == [True, False, True, False, False]
    converted = [item.convert() if isinstance(item, LargeItem) else item for item in items]
    assert converted == [value, [1], value, [2], 3]
