"""Kilobytes stay kilobytes: for each byte that comes, a bounded amount of memory and of work, whatever the bytes are.

`FACTOR` is the one that SECURITY.md states. A compressed body counts as what `Limits.expansion` lets it become.
"""

from __future__ import annotations

import gzip
import json
import math
import sys
import tracemalloc
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from bento_proto import JSON, BentoMLException, Data, End, Exchange, Head, LimitExceeded, Limits, Request, ResultKind
from bento_proto.exchange import Reader
from bento_proto.http import Origin
from bento_proto.http11 import HTTP11Exchange
from bento_proto.response import RawDecoder, WholeDecoder
from bento_proto.response._readers import event_reader, stream_reader, value_reader
from bento_proto.schema import Kind, Output, Schema, parse_service
from bento_proto.testing import Recorder

FACTOR = 100
"""Bytes of memory for a byte received."""

SIZE = 50_000
REQUEST = Request("POST", Origin("http", "h", 80), "/f")
HELD = (np.ndarray, pd.DataFrame)  # both are imported before anything is measured

Receive = Callable[[bytes], object]


def whole(head: bytes, piece: bytes, tail: bytes = b"") -> Callable[[int], bytes]:
    """A body of about that size of equal pieces."""
    return lambda size: head + piece * (size // len(piece)) + tail


def array(*pieces: bytes) -> Callable[[int], bytes]:
    """A JSON array of about that size of equal elements."""
    joined = b",".join(pieces)
    return lambda size: b"[" + b",".join([joined] * (size // (len(joined) + 1))) + b"]"


def exchange(reader: Reader[object], *fields: tuple[str, str], status: int = 200) -> Receive:
    def receive(body: bytes) -> object:
        made = Exchange(REQUEST, reader, Limits())
        made.receive(Head(status, fields))
        items = [made.receive(Data(body))] if not made.is_over else []
        if not made.is_over:
            items.append(made.receive(End()))
        if made.error is not None:
            return made.error, str(made.error), repr(made.error)
        return items, made.result if made.result_kind is ResultKind.VALUE else None

    return receive


def value(kind: Kind, schema: Schema) -> Receive:
    return exchange(value_reader(Output(schema, kind, False), Limits()))


def stream(kind: Kind, schema: Schema | None = None) -> Receive:
    return exchange(stream_reader(Output(schema or {}, kind, True), Limits()))


def wire(data: bytes) -> object:
    made = Exchange(REQUEST, lambda head: WholeDecoder(bytes, 1 << 30), Limits(head=1 << 30))
    http11 = HTTP11Exchange(made)
    list(http11.segments())
    held = [http11.receive(data[at : at + 65536]) for at in range(0, len(data), 65536)]
    return held, made.head and (dict(made.head.first), made.head.headers)


def recorded(body: bytes) -> object:
    recorder = Recorder("http://h/")
    made = Exchange(REQUEST, lambda head: RawDecoder(ResultKind.FILE), Limits())
    recorder.watch(made, b"", lambda: 0.0)
    made.receive(Head(200))
    for at in range(0, len(body), 1000):
        made.receive(Data(body[at : at + 1000], ends_chunk=True))
    return recorder.text()


def wide_rows(size: int) -> bytes:
    return json.dumps([{str(number): 1} for number in range(size // 12)]).encode()


def wide_columns(size: int) -> bytes:
    return json.dumps({str(number): {str(number): 1} for number in range(size // 20)}).encode()


def one_long_row(size: int) -> bytes:
    return json.dumps([[1] * (size // 6), *([[]] * (size // 8))]).encode()


def one_long_column(size: int) -> bytes:
    return json.dumps({"a": [1] * (size // 6), **{str(number): 1 for number in range(size // 22)}}).encode()


def many_columns(size: int) -> bytes:
    return json.dumps({str(number): [] for number in range(size // 12)}).encode()


def one_long_text(size: int) -> bytes:
    return json.dumps(["A" * (size // 2), *([""] * (size // 8))]).encode()


def long_text_in_rows(size: int) -> bytes:
    return json.dumps([["A" * (size // 2), 1], *([["", 2.5]] * (size // 18))]).encode()


SPARSE = json.dumps([{str(number): 1} for number in range(250)]).encode()
TEXTS = json.dumps(["A" * 250, *([""] * 250)]).encode()


def routes(size: int) -> bytes:
    found = [{"name": f"a{number}", "route": f"/{number}"} for number in range(size // 32)]
    return json.dumps({"name": "S", "routes": found}).encode()


def described(parameters: dict[str, JSON], definition: JSON = None) -> bytes:
    """A schema whose one endpoint has these parameters, which may refer to the definition."""
    given: JSON = {"properties": parameters, "$defs": {"A": definition}}
    return json.dumps({"routes": [{"name": "a", "route": "/a", "input": given}]}).encode()


def references(count: int) -> dict[str, JSON]:
    return {str(number): {"$ref": "#/$defs/A", "title": ""} for number in range(count)}


def references_to_keywords(size: int) -> bytes:
    return described(references(size // 100), {str(number): 1 for number in range(size // 22)})


def references_to_a_union(size: int) -> bytes:
    nulls: list[JSON] = [{"type": "null"}] * (size // 40)
    return described(references(size // 100), {"anyOf": nulls})


def references_to_an_enum(size: int) -> bytes:
    return described(references(size // 100), {"enum": [*range(size // 14)]})


def types_and_keywords(size: int) -> bytes:
    kinds: list[JSON] = ["string"] * (size // 24)
    return described({"x": {"type": kinds, **{str(number): 1 for number in range(size // 22)}}})


def errors(size: int) -> bytes:
    return json.dumps({"detail": [{"loc": [0], "msg": "x"}] * (size // 26)}).encode()


OK = b"HTTP/1.1 200 OK\r\n"
TENSOR: Schema = {"type": "tensor"}
FLOATS: Schema = {"type": "tensor", "dtype": "float64"}
WORDS: Schema = {"type": "tensor", "dtype": "str"}
FRAME: Schema = {"type": "dataframe"}
TENSORS: Schema = {"type": "array", "items": {"type": "tensor"}}
FRAMES: Schema = {"type": "array", "items": {"type": "dataframe"}}

CASES: dict[str, tuple[Receive, Callable[[int], bytes]]] = {
    "JSON: empty arrays": (value(Kind.JSON, {}), array(b"[]")),
    "JSON: empty objects": (value(Kind.JSON, {}), array(b"{}")),
    "JSON: small arrays": (value(Kind.JSON, {}), array(b"[0]")),
    "JSON: small objects": (value(Kind.JSON, {}), array(b'{"":0}')),
    "JSON: deep": (value(Kind.JSON, {}), array(b"[" * 100 + b"]" * 100)),
    "JSON: deep objects": (value(Kind.JSON, {}), array(b'{"":' * 100 + b"0" + b"}" * 100)),
    "JSON: numbers": (value(Kind.JSON, {}), array(b"300")),
    "JSON: floats": (value(Kind.JSON, {}), array(b"1e9")),
    "JSON: texts": (value(Kind.JSON, {}), array('"é€"'.encode())),
    "JSON: one wide character": (value(Kind.JSON, {}), whole('["😀'.encode(), b"x", b'"]')),
    "JSON: escapes": (value(Kind.JSON, {}), whole(b'"', b"\\n", b'"')),
    "JSON or text": (value(Kind.EITHER, {}), array(b"[]")),
    "text": (value(Kind.TEXT, {}), whole("😀".encode(), b"x")),
    "bytes": (value(Kind.BYTES, {}), whole(b"", b"x")),
    "tensor: numbers": (value(Kind.JSON, TENSOR), array(b"0")),
    "tensor: declared numbers": (value(Kind.JSON, FLOATS), array(b"0")),
    "tensor: rows": (value(Kind.JSON, TENSOR), array(b"[0]")),
    "tensor: complex numbers": (value(Kind.JSON, {**TENSOR, "dtype": "complex128"}), array(b"0")),
    "tensor: large numbers": (value(Kind.JSON, TENSOR), array(b"99999999999999999999")),
    "tensor: one long text": (value(Kind.JSON, TENSOR), one_long_text),
    "tensor: one long declared text": (value(Kind.JSON, WORDS), one_long_text),
    "tensor: one long text in rows": (value(Kind.JSON, TENSOR), long_text_in_rows),
    "tensor: numbers and a text": (value(Kind.JSON, TENSOR), whole(b'["A"', b",0", b"]")),
    "frame: rows of other columns": (value(Kind.JSON, FRAME), wide_rows),
    "frame: columns of other rows": (value(Kind.JSON, FRAME), wide_columns),
    "frame: one long row": (value(Kind.JSON, FRAME), one_long_row),
    "frame: one long column": (value(Kind.JSON, FRAME), one_long_column),
    "frame: one value": (value(Kind.JSON, FRAME), array(b'{"a":1}')),
    "frame: many columns": (value(Kind.JSON, FRAME), many_columns),
    "frames: empty": (value(Kind.JSON, FRAMES), array(b"[]")),
    "frames: of one value": (value(Kind.JSON, FRAMES), array(b'[{"":0}]')),
    "frames: sparse": (value(Kind.JSON, FRAMES), array(SPARSE)),
    "tensors: one number": (value(Kind.JSON, TENSORS), array(b"0")),
    "tensors: one long text each": (value(Kind.JSON, TENSORS), array(TEXTS)),
    "stream: frames": (stream(Kind.JSON, FRAME), whole(b"", b"[]")),
    "stream: sparse frames": (stream(Kind.JSON, FRAME), whole(b"", SPARSE)),
    "stream: tensors": (stream(Kind.JSON, TENSOR), whole(b"", b"[]")),
    "stream: empty arrays": (stream(Kind.JSON), whole(b"", b"[]")),
    "stream: numbers": (stream(Kind.JSON), whole(b"", b"0 ")),
    "stream: one item": (stream(Kind.JSON), array(b"[]")),
    "stream: text": (stream(Kind.TEXT), whole(b"", "é".encode())),
    "events": (exchange(event_reader(Limits())), whole(b"", b"data\n\n")),
    "events: lines": (exchange(event_reader(Limits())), whole(b"", b"data\n", b"\n")),
    "events: empty lines": (exchange(event_reader(Limits())), whole(b"", b"\n")),
    "error": (exchange(value_reader(Output({}, Kind.JSON, False), Limits()), status=500), array(b"[]")),
    "error: fields": (exchange(value_reader(Output({}, Kind.JSON, False), Limits()), status=400), errors),
    "error: text": (exchange(value_reader(Output({}, Kind.JSON, False), Limits()), status=500), whole(b"", b"\x1b")),
    "schema: routes": (parse_service, routes),
    "schema: a deep route": (
        parse_service,
        whole(b'{"routes":[{"name":"a","route":"/","input":{"properties":{', b'"":{},', b'"x":{}}}}]}'),
    ),
    "schema: references to keywords": (parse_service, references_to_keywords),
    "schema: references to a union": (parse_service, references_to_a_union),
    "schema: references to an enum": (parse_service, references_to_an_enum),
    "schema: types and keywords": (parse_service, types_and_keywords),
    "head: fields": (wire, whole(OK, b"a:\r\n", b"\r\n")),
    "head: cookies": (wire, whole(OK, b"set-cookie:a=b\r\n", b"\r\n")),
    "chunks": (wire, whole(OK + b"transfer-encoding: chunked\r\n\r\n", b"1\r\n0\r\n", b"0\r\n\r\n")),
    "recording": (recorded, whole(b"", b"\xff")),
    "recording: control characters": (recorded, whole(b"", b"\0")),
}  # fmt: skip


def peak(receive: Receive, data: bytes) -> int:
    """The most memory that receiving the data takes, its result included."""
    tracemalloc.start()
    try:
        held = settled(receive, data)
        found = tracemalloc.get_traced_memory()[1]
        del held
        return found
    finally:
        tracemalloc.stop()


def settled(receive: Receive, data: bytes) -> object:
    try:
        return receive(data)
    except BentoMLException as exc:
        return exc.with_traceback(None)


def work(receive: Receive, data: bytes) -> int:
    """How many functions, of Python and of C, receiving the data calls."""
    calls = 0

    def count(frame: object, event: str, argument: object) -> None:
        nonlocal calls
        calls += 1

    sys.setprofile(count)
    try:
        settled(receive, data)
    finally:
        sys.setprofile(None)
    return calls


@pytest.mark.parametrize("case", CASES)
def test_memory_is_within_a_factor_of_what_came(case: str) -> None:
    receive, make = CASES[case]
    data = make(SIZE)
    assert 0.5 * SIZE < len(data) < 2 * SIZE
    settled(receive, make(5_000))
    assert peak(receive, data) < FACTOR * len(data)


@pytest.mark.parametrize("case", CASES)
def test_work_is_proportional_to_what_came(case: str) -> None:
    receive, make = CASES[case]
    settled(receive, make(5_000))
    assert work(receive, make(40_000)) < 2.5 * work(receive, make(20_000)) + 1000


SCHEMAS: dict[str, Callable[[int], JSON]] = {
    "a union of many": lambda size: {
        "anyOf": [{} if number < size else {"type": "tensor"} for number in range(size + 1)]
    },
    "a shape of many": lambda size: {"type": "tensor", "shape": [None for _ in range(size)]},
    "a chain of references": lambda size: {"$ref": "#/$defs/0"},
}


@pytest.mark.parametrize("case", SCHEMAS)
def test_what_a_schema_says_of_a_place_is_found_once(case: str) -> None:
    """Both are the server's: a long schema must not be gone through again for each value of a long result."""
    defs: dict[str, JSON] = {str(number): {"$ref": f"#/$defs/{number + 1}"} for number in range(800)}
    defs["800"] = {"type": "tensor"}

    def spent(size: int) -> int:
        schema: Schema = {"type": "array", "items": SCHEMAS[case](size), "$defs": defs}
        return work(value(Kind.JSON, schema), array(b"0")(2_000))

    spent(10)
    assert spent(800) < 100_000


# --- what comes compressed

MIB = 1 << 20


def compressed(
    reader: Reader[object],
    body: bytes,
    expansion: float = 100,
    status: int = 200,
    coding: str = "gzip",
    pack: Callable[[bytes], bytes] = gzip.compress,
) -> tuple[Exchange[object], int]:
    """The exchange that received the compressed body, and the size of the items that came of it."""
    made = Exchange(REQUEST, reader, Limits(expansion=expansion))
    made.receive(Head(status, (("content-encoding", coding),)))
    size, packed = 0, pack(body)
    for at in range(0, len(packed), 1000):
        if not made.is_over:
            size += sum(map(_size, made.receive(Data(packed[at : at + 1000]))))
    if not made.is_over:
        size += sum(map(_size, made.receive(End())))
    return made, size


def _size(item: object) -> int:
    return len(item) if isinstance(item, (bytes, str, list)) else 1


JSON_VALUE = value_reader(Output({}, Kind.JSON, False), Limits())
JSON_ITEMS = stream_reader(Output({}, Kind.JSON, True), Limits())
BOMB = b"[" + b"[]," * (MIB // 2) + b"[]]"


@pytest.mark.parametrize(
    ("reader", "body"),
    [
        (JSON_VALUE, BOMB),
        (JSON_ITEMS, BOMB),
        (JSON_ITEMS, b'1 2 "' + bytes(3 * MIB)),
        (event_reader(Limits()), b"data: " + b"x" * (3 * MIB)),
        (value_reader(Output({}, Kind.TEXT, False), Limits()), b"x" * (3 * MIB)),
        (lambda head: RawDecoder(ResultKind.IMAGE), bytes(3 * MIB)),
    ],
    ids=["JSON", "stream of JSON", "item after others", "events", "text", "image"],
)
def test_a_decompression_bomb_is_refused_where_its_bytes_would_be_held(reader: Reader[object], body: bytes) -> None:
    made, _ = compressed(reader, body)
    assert isinstance(made.error, LimitExceeded)
    assert "over 100 times" in str(made.error)
    assert "Limits(expansion=" in str(made.error)
    unlimited, _ = compressed(reader, body, math.inf)
    assert not isinstance(unlimited.error, LimitExceeded)


@pytest.mark.parametrize(
    ("reader", "body", "size"),
    [
        (JSON_VALUE, json.dumps("x" * (MIB - 2)).encode(), 0),
        (JSON_ITEMS, b"[1]\n" * (MIB // 2), MIB // 2),
        (JSON_ITEMS, b" \n" * (3 * MIB) + b"[1]", 1),
        (stream_reader(Output({}, Kind.TEXT, True), Limits()), b"x" * (3 * MIB), 3 * MIB),
        (lambda head: RawDecoder(ResultKind.FILE), bytes(3 * MIB), 3 * MIB),
    ],
    ids=["a mebibyte", "many small items", "white space", "stream of text", "file"],
)
def test_what_is_small_or_handed_on_may_be_compressed_any_number_of_times(
    reader: Reader[object], body: bytes, size: int
) -> None:
    made, found = compressed(reader, body)
    assert made.error is None
    assert found == size


def test_a_compressed_error_is_the_error_of_its_status() -> None:
    made, _ = compressed(JSON_VALUE, b"x" * (3 * MIB), expansion=1, status=500)
    assert isinstance(made.error, BentoMLException)
    assert made.error.error_code == 500


def test_values_that_compress_less_may_have_any_size() -> None:
    numbers = json.dumps(list(range(400_000))).encode()
    assert len(numbers) > 2 * MIB
    assert compressed(JSON_VALUE, numbers)[0].error is None
