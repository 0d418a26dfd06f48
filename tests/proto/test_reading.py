"""Responses of endpoints, read without a session."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from bento_proto import (
    JSON,
    BentoMLException,
    ConnectionLost,
    Data,
    End,
    Endpoint,
    File,
    Head,
    InvalidArgument,
    LimitExceeded,
    Limits,
    LocalProtocolError,
    RemoteProtocolError,
    Request,
    ResultKind,
    TooManyRequests,
)
from bento_proto.http import Origin
from bento_proto.http11 import HTTP11Exchange
from bento_proto.response import exchange_for, read_response
from tests.proto.play import splits
from tests.proto.shapes import FILE, TEXT, endpoint

NUMBERS: JSON = {"type": "array", "items": {"type": "integer"}}
WORDS = endpoint(output={"type": "string", "is_stream": True})
COUNTS = endpoint(output={"type": "integer", "is_stream": True})
ROWS = endpoint(output={"type": "object", "is_stream": True})
IMAGE = endpoint(output={"type": "file", "format": "image", "pil": True})


def read_in_pieces(endpoint: Endpoint, status: int, headers: dict[str, str], pieces: list[bytes]) -> object:
    """All items or the value, and the error as text, of a body in pieces."""
    exchange = exchange_for(endpoint)
    exchange.receive(Head(status, tuple(headers.items())))
    items: list[Any] = []
    events: list[Data | End] = [*map(Data, pieces), End()]
    for event in events:
        if not exchange.is_over:
            items += exchange.receive(event)
    if exchange.error is not None:
        return items, str(exchange.error)
    return exchange.result if exchange.result_kind is ResultKind.VALUE else items


@pytest.mark.parametrize(
    ("endpoint", "headers", "body", "value"),
    [
        (endpoint(output=NUMBERS), {}, b"[1, 2]", [1, 2]),
        (endpoint(output=TEXT), {"content-type": "text/plain; charset=latin-1"}, b"\xfc", "ü"),
        (endpoint(output={"type": "null"}), {}, b"null", None),
        (ROWS, {"content-type": "application/json"}, b'{"a":1}{"b":2}', [{"a": 1}, {"b": 2}]),
        (
            endpoint(output=FILE),
            {"Content-Type": "text/csv", "Content-Disposition": 'attachment; filename="../a.csv"'},
            b"a,b",
            File(b"a,b", "a.csv", "text/csv"),
        ),
        (IMAGE, {"content-type": "image/png"}, b"\x89PNG", File(b"\x89PNG", None, "image/png")),
    ],
)
def test_results(endpoint: Endpoint, headers: dict[str, str], body: bytes, value: object) -> None:
    response = read_response(endpoint, 200, tuple(headers.items()), body)
    assert response.value == value
    assert response.status_code == 200
    assert dict(response.headers) == {name.lower(): said for name, said in headers.items()}
    assert (response.curl, response.trace_id, response.elapsed, response.attempts) == (None, None, 0.0, ())


def test_a_response_in_pieces_is_the_whole_one() -> None:
    body = b'{"a": 1}{"b": "\xe2\x82\xac"}'
    for pieces in splits(body):
        assert read_in_pieces(ROWS, 200, {}, pieces) == [{"a": 1}, {"b": "€"}]
        assert read_in_pieces(endpoint(output={"type": "object"}), 200, {}, pieces) == (
            [], "the response is not JSON: Extra data: line 1 column 9 (char 8)"
        )  # fmt: skip
        assert read_in_pieces(ROWS, 429, {}, pieces)[1] == read_in_pieces(ROWS, 429, {}, [body])[1]  # type: ignore[index]


def test_bare_numbers_need_the_ends_of_chunks() -> None:
    exchange = exchange_for(COUNTS)
    exchange.receive(Head(200))
    assert [*exchange.receive(Data(b"1", ends_chunk=True)), *exchange.receive(Data(b"2", ends_chunk=True))] == [1, 2]
    exchange.receive(End())
    assert read_response(COUNTS, 200, (), b"12").value == [12]


def test_bytes_of_http11_need_no_session_either() -> None:
    response = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n1\r\n1\r\n2\r\n0\r\n\r\n"
    for pieces in splits(response):
        wire = HTTP11Exchange(exchange_for(COUNTS))
        wire.data_to_send()
        assert [item for piece in pieces if piece for item in wire.receive(piece)] == [1, 2]


@pytest.mark.parametrize(
    ("status", "body", "kind", "message", "detail"),
    [
        (400, [{"error": "no", "detail": [{"loc": ["a"]}]}], InvalidArgument, "no", [{"loc": ["a"]}]),
        (429, [{"error": "busy"}], TooManyRequests, "busy", None),
        (418, "tea", BentoMLException, "tea", None),
        (200, "text", RemoteProtocolError, None, None),
    ],
)
def test_errors(status: int, body: JSON, kind: type[BentoMLException], message: str | None, detail: JSON) -> None:
    data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    with pytest.raises(kind) as caught:
        read_response(endpoint(output=NUMBERS), status, [("X-BentoML-Request-ID", "7")], data)
    assert type(caught.value) is kind
    assert caught.value.request_id == "7"
    assert message is None or (caught.value.message, caught.value.error_code) == (message, status)
    assert caught.value.detail == detail


def test_a_redirect_is_an_error() -> None:
    with pytest.raises(BentoMLException, match="the server responded with status 307") as caught:
        read_response(ROWS, 307, [("location", "/elsewhere")], b"page")
    assert caught.value.error_code == 307


def test_a_body_of_another_length_is_an_error() -> None:
    with pytest.raises(ConnectionLost, match="ended 2 bytes before its Content-Length"):
        read_response(endpoint(output=NUMBERS), 200, [("content-length", "5")], b"[1]")
    with pytest.raises(RemoteProtocolError, match="longer than its Content-Length"):
        read_response(WORDS, 200, [("content-length", "2")], b"abc")


def test_a_compressed_body_and_one_that_was() -> None:
    body = gzip.compress(b"[1]")
    fields = [("Content-Encoding", "gzip"), ("Content-Length", str(len(body)))]
    assert read_response(endpoint(output=NUMBERS), 200, fields, body).value == [1]
    assert read_response(endpoint(output=NUMBERS), 200, fields, b"[1]", decoded=True).value == [1]


def test_limits() -> None:
    with pytest.raises(LimitExceeded):
        read_response(endpoint(output=TEXT), 200, (), b"abc", limits=Limits(body=2))


def test_a_request_that_is_known_is_named() -> None:
    exchange = exchange_for(ROWS, request=Request("POST", Origin("https", "api", 443), "/f"))
    exchange.receive(Head(200))
    exchange.receive(Data(b"{"))
    exchange.receive(End())
    assert exchange.error is not None
    assert "https://api/f" in exchange.error.__notes__[0]
    assert exchange.error.curl is not None


@pytest.mark.parametrize("headers", [{"a": "b"}, None, [("a", 1)]])
def test_misuse(headers: Any) -> None:
    with pytest.raises(LocalProtocolError):
        read_response(ROWS, 200, headers, b"")
