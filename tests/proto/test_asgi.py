"""An exchange as the messages of ASGI."""

from __future__ import annotations

import pytest

from bento_proto import ConnectionLost, Exchange, InternalServerError, Limits, Progress, RemoteProtocolError, Request
from bento_proto.asgi import ASGIExchange, ASGIMessage
from bento_proto.exchange import State
from bento_proto.http import FilePart, Origin, Segment
from bento_proto.response._readers import content_reader, whole_reader

HERE = Origin("http", "service", 80)
START: ASGIMessage = {"type": "http.response.start", "status": 200, "headers": [(b"Content-Length", b"3")]}


def exchange_of(*body: Segment, target: str = "/") -> Exchange[bytes]:
    return Exchange(Request("POST", HERE, target, (("X-Mine", "1"),), body), whole_reader(bytes, 100), Limits())


def test_the_scope() -> None:
    scope = ASGIExchange(exchange_of(b"abc", target="/%C3%BCber%20alles?a=b%20c")).scope({"model": "loaded"})
    assert (scope["method"], scope["path"], scope["raw_path"], scope["query_string"]) == (
        "POST",
        "/über alles",
        b"/%C3%BCber%20alles",
        b"a=b%20c",
    )
    assert scope["headers"] == [(b"host", b"service"), (b"x-mine", b"1"), (b"content-length", b"3")]
    assert (scope["server"], scope["state"]) == (("service", 80), {"model": "loaded"})


@pytest.mark.parametrize(
    ("body", "field"),
    [((), []), ((FilePart("pipe", None),), [(b"transfer-encoding", b"chunked")])],
    ids=["none", "of unknown length"],
)
def test_the_header_of_a_body(body: tuple[Segment, ...], field: list[tuple[bytes, bytes]]) -> None:
    scope = ASGIExchange(exchange_of(*body)).scope({})
    assert scope["headers"] == [(b"host", b"service"), (b"x-mine", b"1"), *field]


@pytest.mark.parametrize("is_counted", [True, False])
def test_the_request_is_counted_if_somebody_wants_to_know(is_counted: bool) -> None:
    told: list[Progress] = []
    exchange = exchange_of(b"abc", b"de")
    if is_counted:
        exchange.measure(told.append)
    asgi = ASGIExchange(exchange)
    messages = [asgi.request(b"abc"), asgi.request(b"de"), asgi.request_end()]
    assert [(message["body"], message["more_body"]) for message in messages] == [
        (b"abc", True),
        (b"de", True),
        (b"", False),
    ]
    assert [(progress.done, progress.total) for progress in told] == ([(0, 5), (5, 5)] if is_counted else [])


def test_a_response() -> None:
    exchange = exchange_of()
    asgi = ASGIExchange(exchange)
    asgi.receive(START)
    asgi.receive({"type": "http.response.body", "body": b"ab", "more_body": True})
    assert not exchange.is_over
    asgi.receive({"type": "http.response.body", "body": b"c"})
    assert exchange.result == b"abc"


def test_a_response_without_a_body() -> None:
    exchange = exchange_of()
    asgi = ASGIExchange(exchange)
    asgi.receive({"type": "http.response.start", "status": 200})
    asgi.receive({"type": "http.response.body"})
    assert exchange.result == b""


def test_items_that_are_the_callers() -> None:
    exchange = Exchange(Request("POST", HERE, "/"), content_reader(), Limits())
    asgi = ASGIExchange(exchange)
    assert list(asgi.receive(START)) == []
    assert list(asgi.receive({"type": "http.response.body", "body": b"abc", "more_body": True})) == [b"abc"]


def test_a_redirect_takes_no_body() -> None:
    exchange = exchange_of()
    asgi = ASGIExchange(exchange)
    asgi.receive({"type": "http.response.start", "status": 307, "headers": [(b"location", b"/there")]})
    assert exchange.state is State.REDIRECTED


@pytest.mark.parametrize("kind", ["http.response.body", "http.response.trailers"])
def test_a_message_out_of_turn(kind: str) -> None:
    exchange = exchange_of()
    ASGIExchange(exchange).receive({"type": kind})
    assert isinstance(exchange.error, RemoteProtocolError)
    assert exchange.error.message == f"the application sent {kind!r} out of turn"


def test_a_second_head_is_out_of_turn() -> None:
    exchange = exchange_of()
    asgi = ASGIExchange(exchange)
    asgi.receive(START)
    asgi.receive(START)
    assert isinstance(exchange.error, RemoteProtocolError)


def test_a_body_that_completes_the_exchange_needs_no_end() -> None:
    exchange = Exchange(Request("POST", HERE, "/"), whole_reader(bytes, 2), Limits())
    asgi = ASGIExchange(exchange)
    asgi.receive(START)
    asgi.receive({"type": "http.response.body", "body": b"abc"})  # over the limit
    assert isinstance(exchange.error, RemoteProtocolError)


def test_an_application_that_raises_before_its_response() -> None:
    exchange, cause = exchange_of(), ZeroDivisionError()
    ASGIExchange(exchange).application_ended(cause)
    assert isinstance(exchange.error, InternalServerError)
    assert exchange.error.__cause__ is cause


def test_an_application_that_ends_amid_its_response() -> None:
    exchange = exchange_of()
    asgi = ASGIExchange(exchange)
    asgi.receive(START)
    asgi.application_ended(None)
    assert isinstance(exchange.error, ConnectionLost)
