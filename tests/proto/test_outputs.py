"""Reading responses: by the schema of the endpoint and by their content."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping

import numpy as np
import pytest

from bento_proto import (
    JSON,
    Data,
    End,
    Exchange,
    Head,
    Limits,
    RemoteProtocolError,
    Request,
    ResultKind,
    ServerSentEvent,
)
from bento_proto.exchange import Reader
from bento_proto.http import Origin
from bento_proto.response._readers import event_reader, stream_reader, value_reader, whole_reader
from tests.proto.play import splits
from tests.proto.shapes import endpoint

REQUEST = Request("POST", Origin("http", "h", 80), "/")
LIMITS = Limits(body=100, item=20)
NULL: JSON = {"type": "null"}
TEXT: JSON = {"type": "string"}
BYTES: JSON = {"type": "string", "format": "binary"}
FILE: JSON = {"type": "file", "format": "binary"}
IMAGE: JSON = {"type": "file", "format": "image", "pil": True}


def union(*members: JSON) -> dict[str, JSON]:
    return {"anyOf": list(members)}


def answer(
    reader: Reader[object], pieces: list[bytes], status: int = 200, headers: Mapping[str, str] | None = None
) -> tuple[Exchange[object], list[object]]:
    exchange = Exchange(REQUEST, reader, LIMITS)
    exchange.receive(Head(status, tuple((headers or {}).items())))
    items = [item for piece in pieces for item in exchange.receive(Data(piece))]
    if exchange.error is None:
        items += exchange.receive(End())
    return exchange, items


def value(output: JSON, body: bytes, status: int = 200, content_type: str = "application/json") -> object:
    """The result, which must be the same for any split of the body."""
    reader = value_reader(endpoint(output=output).output, LIMITS)
    found: list[object] = []
    for pieces in splits(body) if body else [[]]:
        exchange, _ = answer(reader, pieces, status, {"content-type": content_type})
        if exchange.error is not None:
            raise exchange.error
        found.append(exchange.result)
    assert len({repr(each) for each in found}) == 1
    return found[0]


# --- values


@pytest.mark.parametrize(
    ("output", "body", "expected"),
    [
        ({"type": "integer"}, b"5", 5),
        ({"type": "number"}, b"-Infinity", -math.inf),
        ({"type": "null"}, b"null", None),
        ({"type": "object"}, '{"a": "é"}'.encode(), {"a": "é"}),
        ({"type": "array"}, b'[1, "\\u00e9"]', [1, "é"]),
        ({"type": "integer"}, b"", None),
        (TEXT, b"5", "5"),
        (TEXT, b"null", "null"),
        (TEXT, b'"quoted"', '"quoted"'),
        (TEXT, b"", ""),
        (BYTES, b"\xff\x00", b"\xff\x00"),
        (BYTES, b"", b""),
        # an Enum, a date or a UUID comes in quotes, a Literal or a str Enum with the same schema without
        ({"type": "string", "enum": ["blue"]}, b'"blue"', "blue"),
        ({"type": "string", "enum": ["blue"]}, b"blue", "blue"),
        ({"type": "string", "format": "date-time"}, b'"2024-01-02T03:04:05"', "2024-01-02T03:04:05"),
        ({"type": "string", "format": "uuid"}, b'"', '"'),
        ({"type": "string", "enum": ["x"]}, b'"a" and "b"', '"a" and "b"'),
        ({"type": "string", "enum": ["x"]}, b'"\xc3\xa9"', "é"),
    ],
)
def test_values(output: JSON, body: bytes, expected: object) -> None:
    assert value(output, body) == expected


@pytest.mark.parametrize(
    ("output", "body", "expected"),
    [
        # untyped: JSON, text, bytes, whatever it is first
        ({}, b'{"a": 1}', {"a": 1}),
        ({}, b"some text", "some text"),
        ({}, b"", ""),
        ({}, b"\xff\x00", b"\xff\x00"),
        ({}, b"5", 5),
        # a text goes out as it is, so JSON of a type that the union has not is a text
        (union(TEXT, NULL), b"null", None),
        (union(TEXT, NULL), b"5", "5"),
        (union(TEXT, NULL), b'{"answer": 42}', '{"answer": 42}'),
        (union(TEXT, NULL), b'"quoted"', '"quoted"'),
        (union(TEXT, NULL), b"NaN", "NaN"),
        (union(TEXT, NULL), b"\xff", b"\xff"),
        (union({"type": "integer"}, TEXT), b"5", 5),
        (union({"type": "integer"}, TEXT), b"5.0", "5.0"),
        (union({"type": "integer"}, TEXT), b"true", "true"),
        (union({"type": "integer"}, TEXT), b"null", "null"),
        (union({"type": "boolean"}, TEXT, NULL), b"true", True),
        (union({"type": "boolean"}, TEXT, NULL), b"1", "1"),
        (union({"type": "array"}, {"type": "object"}, TEXT), b"[1]", [1]),
        (union({"type": "array"}, {"type": "object"}, TEXT), b'{"a": 1}', {"a": 1}),
        (union({"type": "array"}, TEXT), b"{}", "{}"),
        (union({"type": "string", "format": "date-time"}, NULL), b'"2024-01-02"', "2024-01-02"),
        (union({"type": "string", "enum": ["1"]}, NULL), b"1", "1"),
        (union({"type": "number"}, TEXT), b'"1.10"', "1.10"),  # a Decimal
        (union({"type": "number"}, TEXT), b"1.5", 1.5),
        ({"anyOf": [{"$ref": "#/$defs/E"}, NULL], "$defs": {"E": {"enum": ["1"], "type": "string"}}}, b"1", "1"),
        ({"anyOf": [{"$ref": "#/$defs/E"}, NULL], "$defs": {"E": {"enum": ["1"]}}}, b"1", "1"),
        ({"anyOf": [{"$ref": "#/$defs/M"}, TEXT], "$defs": {"M": {"properties": {}}}}, b"1", "1"),
        ({"anyOf": [{"$ref": "#/$defs/M"}, TEXT], "$defs": {"M": {"properties": {}}}}, b"{}", {}),
        (union({"const": "1"}, NULL), b"1", "1"),
        (union(union({"const": 1}, NULL), TEXT), b"1", 1),
        ({"type": "string", "nullable": True}, b"1", "1"),
        ({"allOf": [{"$ref": "#/$defs/E"}], "nullable": True, "$defs": {"E": {"enum": ["1"]}}}, b"1", "1"),
        # bytes are never text
        (union(BYTES, NULL), b"abc", b"abc"),
        (union(BYTES, NULL), b"null", None),
        (union(BYTES, NULL), b"[1]", b"[1]"),
        (union(BYTES, TEXT), b"abc", "abc"),
        # who knows
        (union({"$ref": "#/$defs/Gone"}, TEXT), b"[1]", [1]),
        (union({}, TEXT), b"5", 5),
        (union({"type": ["string", "integer"]}, NULL), b"5", 5),
        ({"oneOf": [TEXT, NULL]}, b"5", "5"),
    ],
)
def test_values_that_may_be_text(output: JSON, body: bytes, expected: object) -> None:
    found = value(output, body)
    assert found == expected
    assert type(found) is type(expected)


def test_a_declared_charset_is_used() -> None:
    assert value(TEXT, b"caf\xe9", content_type="text/plain; charset=iso-8859-1") == "café"
    assert value(union(TEXT, NULL), b"caf\xe9", content_type="text/plain; charset=iso-8859-1") == "café"
    with pytest.raises(RemoteProtocolError, match="can't be decoded") as caught:
        value(TEXT, b"caf\xe9")
    assert caught.value.body == b"caf\xe9"


@pytest.mark.parametrize("output", [{"type": "integer"}, {"type": "object"}, {"type": "tensor"}])
@pytest.mark.parametrize("body", [b"{", b"\xff", b"some text", b"Multipart response is not supported yet"])
def test_invalid_json_is_an_error(output: JSON, body: bytes) -> None:
    with pytest.raises(RemoteProtocolError, match="not JSON") as caught:
        value(output, body)
    assert caught.value.body == body


def test_arrays_and_frames() -> None:
    tensor: JSON = {"type": "tensor", "format": "numpy-array"}
    for output in (tensor, union(tensor, NULL), union(tensor, TEXT)):
        array = value(output, b"[1.5, 2.5]")
        assert isinstance(array, np.ndarray)
        assert array.tolist() == [1.5, 2.5]
    assert value(union(tensor, TEXT), b"text") == "text"
    assert value(tensor, b"") is None
    with pytest.raises(RemoteProtocolError, match="fit"):
        value({"type": "tensor", "shape": [3]}, b"[1, 2]")


@pytest.mark.parametrize("status", [204, 205, 304])
@pytest.mark.parametrize("output", [TEXT, BYTES, FILE, IMAGE, {}, {"type": "integer"}])
def test_a_status_without_content_has_none(status: int, output: JSON) -> None:
    assert value(output, b"", status) is None
    assert value(output, b"ignored", status) is None


def test_the_limit_of_a_value() -> None:
    assert value(TEXT, b"x" * 100) == "x" * 100
    with pytest.raises(RemoteProtocolError, match="over 100 bytes"):
        value(TEXT, b"x" * 101)


# --- files and images

JSON_TYPE = {"content-type": "application/json"}
NAMED = {"content-type": "application/json", "content-disposition": 'attachment; filename="a.json"'}
PNG = {"content-type": "image/png"}


@pytest.mark.parametrize(
    ("output", "headers", "result_kind"),
    [
        (FILE, {}, ResultKind.FILE),
        (FILE, JSON_TYPE, ResultKind.FILE),
        (IMAGE, PNG, ResultKind.IMAGE),
        (IMAGE, {}, ResultKind.IMAGE),
        (union(FILE, NULL), PNG, ResultKind.FILE),
        (union(FILE, NULL), NAMED, ResultKind.FILE),
        (union(FILE, NULL), JSON_TYPE, ResultKind.VALUE),  # None
        (union(IMAGE, NULL), PNG, ResultKind.IMAGE),
        (union(IMAGE, NULL), JSON_TYPE, ResultKind.VALUE),
        ({}, JSON_TYPE, ResultKind.VALUE),
        ({}, NAMED, ResultKind.FILE),
        ({}, PNG, ResultKind.IMAGE),
        (TEXT, PNG, ResultKind.VALUE),
        ({"type": "object"}, NAMED, ResultKind.VALUE),
    ],
)
def test_result_kinds(output: JSON, headers: dict[str, str], result_kind: ResultKind) -> None:
    reader = value_reader(endpoint(output=output).output, LIMITS)
    exchange, items = answer(reader, [b"nu", b"ll"], headers=headers)
    assert exchange.result_kind is result_kind
    if result_kind is ResultKind.VALUE:
        assert items == []
        assert exchange.result == ("null" if output == TEXT else None)
    else:
        assert items == [b"nu", b"ll"]


def test_files_have_no_limit() -> None:
    _, items = answer(value_reader(endpoint(output=FILE).output, LIMITS), [b"x" * 80] * 3)
    assert items == [b"x" * 80] * 3


# --- streams


def streamed(output: dict[str, JSON], pieces: list[bytes], content_type: str = "text/event-stream") -> list[object]:
    reader = stream_reader(endpoint(output={**output, "is_stream": True}).output, LIMITS)
    exchange, items = answer(reader, pieces, headers={"content-type": content_type})
    assert exchange.result_kind is ResultKind.ITEMS
    if exchange.error is not None:
        raise exchange.error
    return items


def test_streams() -> None:
    assert streamed({"type": "string"}, [b"a", b"\xc3", b"\xbc", b"b"]) == ["a", "ü", "b"]
    assert streamed({"type": "string"}, [b"\xfc"], "text/plain; charset=latin-1") == ["ü"]
    assert streamed({"type": "string", "format": "binary"}, [b"a", b"\xff"]) == [b"a", b"\xff"]
    assert streamed({"type": "object"}, [b'{"a":', b"1}{}"]) == [{"a": 1}, {}]
    assert streamed({"type": "integer"}, [b"1 2"]) == [1, 2]
    assert streamed({}, [b"text ", b"null"]) == ["text ", "null"]
    assert streamed(union(TEXT, NULL), [b"a", b"null"]) == ["a", "null"]
    assert streamed(union(BYTES, NULL), [b"\xff"]) == [b"\xff"]
    assert streamed({"type": "array", "items": TEXT, "media_type": "text/event-stream"}, [b"data: x\n\n"]) == [
        "data: x\n\n"
    ]  # an annotated generator of text, described as a list of it
    (item,) = streamed({"type": "tensor"}, [b"[1,", b"2]"])
    assert isinstance(item, np.ndarray)


LISTS: dict[str, JSON] = {"type": "array", "items": TEXT, "media_type": "text/event-stream"}


@pytest.mark.parametrize(
    ("body", "items"),
    [
        (b'["Hel", "lo"]["x"]', [["Hel", "lo"], ["x"]]),
        (b' \n["a"]\n[]["b"]', [["a"], [], ["b"]]),
        (b"[]", [[]]),
        ('["é"]'.encode(), [["é"]]),
        (b"", []),
    ],
)
def test_streams_of_lists_of_text(body: bytes, items: list[object]) -> None:
    for pieces in splits(body) if body else [[]]:
        assert streamed(LISTS, pieces) == items


@pytest.mark.parametrize(
    "text",
    [
        "ab", " ", "data: 1\n\n", "[1] says", '["quoted" text', '["a", 1]', '["a"', "[", "[[", "1 2", '{"a": 1}', '"a"',
        "é", '["' + "x" * 30, '["' + "x" * 30 + '"]',
    ],
)  # fmt: skip
def test_streams_of_text_that_could_be_lists(text: str) -> None:
    for pieces in splits(text.encode()):
        assert "".join(map(str, streamed(LISTS, pieces))) == text


def test_a_stream_of_lists_ends_with_what_is_none() -> None:
    reader = stream_reader(endpoint(output={**LISTS, "is_stream": True}).output, LIMITS)
    for pieces in ([b'["a"]?'], [b'["a"]', b"?"], [b'["a', b'"]?']):
        exchange, items = answer(reader, pieces)
        assert items == [["a"]]
        assert isinstance(exchange.error, RemoteProtocolError)


def test_chunks_of_a_stream_of_lists_or_text() -> None:
    decoder = stream_reader(endpoint(output={**LISTS, "is_stream": True}).output, LIMITS)(Head(200))
    assert decoder.boundary() == ()
    assert decoder.feed(b'["a"]') == [["a"]]
    assert decoder.boundary() == ()


def test_what_says_more_of_a_stream_of_lists() -> None:
    unique = {**LISTS, "uniqueItems": True}
    assert streamed(unique, [b'["a"]']) == [["a"]]
    assert streamed({**LISTS, "media_type": "text/plain"}, [b'["a"]']) == ['["a"]']
    pair: dict[str, JSON] = {
        "type": "array",
        "prefixItems": [TEXT, TEXT],
        "maxItems": 2,
        "media_type": "text/event-stream",
    }
    assert streamed(pair, [b'["a", "b"]']) == [["a", "b"]]
    assert streamed({"type": "array", "items": {"enum": ["a"]}, "media_type": "text/event-stream"}, [b'["a"]']) == [
        ["a"]
    ]


@pytest.mark.parametrize("body", [b'"' + b"x" * 30 + b'"', b"[" * 21, b"?"])
def test_a_stream_endpoint_without_items(body: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        streamed({"type": "object"}, [body])


def test_any_stream_can_be_read_as_events() -> None:
    exchange, items = answer(event_reader(LIMITS), [b"data: a\n", b"\n", b"data: " + b"x" * 20])
    assert items == [ServerSentEvent("a")]
    assert exchange.result_kind is ResultKind.ITEMS
    assert isinstance(exchange.error, RemoteProtocolError)


def test_one_value_by_a_function() -> None:
    def parse(data: bytes) -> object:
        return dt.date.fromisoformat(data.decode())

    exchange, _ = answer(whole_reader(parse, 10), [b"2024", b"-01-02"])
    assert exchange.result == dt.date(2024, 1, 2)
