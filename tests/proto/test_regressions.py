"""What fuzzing found, each as the shortest case. The inputs themselves are in ``fuzz/corpus``."""

from __future__ import annotations

import gzip

import pytest

from bento_proto import (
    ConnectionFailed,
    Data,
    End,
    Exchange,
    FailureKind,
    Head,
    Limits,
    RemoteProtocolError,
    Request,
    RetryPolicy,
    ServerSentEvent,
)
from bento_proto.exchange import Decoder, State
from bento_proto.exchange._failures import refusal
from bento_proto.http import Origin, safe_name
from bento_proto.http._content_headers import charset
from bento_proto.http11 import HTTP11Exchange
from bento_proto.policy._tasks import parse_task_id
from bento_proto.response import EventStreamDecoder, JSONStreamDecoder, RawDecoder, TextDecoder, WholeDecoder
from bento_proto.response._readers import value_reader
from bento_proto.schema import parse_service


def _open(decoder: Decoder[object], **fields: str) -> Exchange[object]:
    """An exchange whose answer has begun, with items that the decoder makes."""
    request = Request("POST", Origin("http", "here", 80), "/")
    exchange = Exchange(request, lambda head: decoder, Limits())
    exchange.receive(_head(**fields))
    return exchange


def _head(**fields: str) -> Head:
    return Head(200, tuple((name.replace("_", "-"), value) for name, value in fields.items()))


@pytest.mark.parametrize("unknown", ["utf-I8", "hex", "undefined", "x" * 100])
def test_a_charset_that_python_cannot_read_is_utf_8(unknown: str) -> None:
    # b"".decode("utf-I8") is "": only a text that is not empty has its coding looked up
    assert charset(_head(content_type=f"text/plain; charset={unknown}")) == "utf-8"


@pytest.mark.parametrize("endless", ["utf-7", "U7", "idna", "punycode", "unicode_escape", "raw-unicode-escape"])
def test_a_charset_that_buffers_without_limit_is_utf_8(endless: str) -> None:
    assert charset(_head(content_type=f"text/plain; charset={endless}")) == "utf-8"


@pytest.mark.parametrize(
    ("decoder", "body", "items"),
    [
        (JSONStreamDecoder(lambda value: value, 100), b'{"a": 1} [2] ?', [{"a": 1}, [2]]),
        (JSONStreamDecoder(lambda value: value, 100), b"[1][2]\xff", [[1], [2]]),
        (JSONStreamDecoder(lambda value: value, 5), b"[1]" + b'"123456"', [[1]]),
        (TextDecoder(), b"t\xc3\xb6k\xff.", ["t", "ö", "k"]),
        (EventStreamDecoder(10), b"data: 1\n\ndata: 12345678\n\n", [ServerSentEvent("1")]),
    ],
)
def test_items_before_an_error_in_the_same_bytes_are_returned(
    decoder: Decoder[object], body: bytes, items: list[object]
) -> None:
    exchange = _open(decoder)
    assert list(exchange.receive(Data(body))) == items
    assert isinstance(exchange.error, RemoteProtocolError)


def test_items_before_an_error_of_the_compression_are_returned() -> None:
    exchange = _open(TextDecoder(), content_encoding="gzip")
    assert list(exchange.receive(Data(gzip.compress(b"whole") + b"no gzip"))) == ["whole"]
    assert isinstance(exchange.error, RemoteProtocolError)


def test_items_before_a_number_that_is_too_long_are_returned() -> None:
    exchange = _open(JSONStreamDecoder(lambda value: value, 100))
    assert list(exchange.receive(Data(b"[1]" + b"9" * 4500, ends_chunk=True))) == [[1]]
    assert isinstance(exchange.error, RemoteProtocolError)


def test_the_end_after_an_error_is_no_second_error() -> None:
    decoder = JSONStreamDecoder(lambda value: value, 100)
    exchange = _open(decoder)
    assert list(exchange.receive(Data(b"12"))) == []
    assert list(exchange.receive(End())) == [12]
    assert exchange.error is None


@pytest.mark.parametrize(
    ("given", "safe"),
    [
        ("COM1 .txt", "_COM1 .txt"),
        ("conin$", "_conin$"),
        ("lpt\xb9.x", "_lpt\xb9.x"),
        ("COM1" + " " * 200 + "x.txt", "_COM1.txt"),
        ("a" * 199 + " " + "b" * 50, "a" * 199),
        ("a\u2003.", "a"),
    ],
)
def test_a_safe_name_is_no_device_and_has_no_trailing_dot_or_space(given: str, safe: str) -> None:
    assert safe_name(given) == safe
    assert safe_name(safe) == safe


def test_a_name_without_safe_characters_is_none() -> None:
    assert safe_name("_" * 250 + "g") is None


def test_the_wait_of_many_attempts_does_not_overflow() -> None:
    exchange = Exchange(
        Request("GET", Origin("http", "here", 80), "/"),
        lambda head: RawDecoder(),
        Limits(),
    )
    exchange.receive(ConnectionFailed(FailureKind.CONNECT, "refused"))
    assert RetryPolicy(attempts=5000).wait(exchange, 2000, lambda: 0.0) == RetryPolicy().max_backoff


@pytest.mark.parametrize("interim", [b"", b"HTTP/1.1 103 Early Hints\r\n\r\n" * 3])
@pytest.mark.parametrize(("size", "state"), [(100, State.DONE), (101, State.FAILED)])
def test_the_limit_of_a_head_that_comes_at_once(interim: bytes, size: int, state: State) -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nx: "
    head += b"y" * (size - len(head) - 4) + b"\r\n\r\n"
    for pieces in ([interim + head + b"{}"], [interim, head, b"{}"], [bytes([b]) for b in interim + head + b"{}"]):
        exchange = Exchange(
            Request("GET", Origin("http", "here", 80), "/"),
            lambda head: WholeDecoder(bytes, 2),
            Limits(head=100),
        )
        wire = HTTP11Exchange(exchange)
        for piece in pieces:
            wire.receive(piece) if piece else None
        assert exchange.state is state


def test_an_error_can_be_shown_however_deep_its_detail_and_the_callers_stack_are() -> None:
    body = b'{"error": "no", "detail": [{"loc": ["a", 0, %b], "msg": "bad"}]}' % (b"[" * 800 + b"]" * 800)
    error = refusal(_head(), body)

    def shown(depth: int) -> str:
        return shown(depth - 1) if depth else str(error)

    assert shown(300) == "no: a.0: bad"


@pytest.mark.parametrize("dtype", ["(,,)i4,i4", "(1000000000,)i1", "S1000000000", "U99", "i4,i4", "nope", ""])
def test_a_dtype_that_is_not_numeric_is_refused(dtype: str) -> None:
    pytest.importorskip("numpy")
    service = parse_service(
        {"routes": [{"name": "a", "route": "/a", "output": {"type": "tensor", "dtype": dtype}}]},
    )
    reader = value_reader(service.endpoints["a"].output, Limits())
    exchange = Exchange(Request("POST", Origin("http", "here", 80), "/a"), reader, Limits())
    for event in (Head(200), Data(b"[1, 2]"), End()):
        exchange.receive(event)
    assert isinstance(exchange.error, RemoteProtocolError)


def test_a_task_id_with_surrogates_is_refused() -> None:
    with pytest.raises(RemoteProtocolError, match="has no task id"):
        parse_task_id(b'{"task_id": "\\ud800"}')


def test_an_error_body_in_tiny_pieces_is_not_copied_for_each() -> None:
    exchange = Exchange(
        Request("GET", Origin("http", "here", 80), "/"),
        lambda head: RawDecoder(),
        Limits(),
    )
    exchange.receive(Head(500))
    body = exchange._error_body
    for _ in range(10):
        exchange.receive(Data(b"xy"))
    assert exchange._error_body is body
    exchange.receive(End())
    assert exchange.error is not None
    assert exchange.error.message == "xy" * 10
