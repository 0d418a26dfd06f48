"""Answers that are not HTTP, or contradict themselves, or have no end."""

from __future__ import annotations

import threading

import pytest

from bento_sync import (
    BentoMLException,
    ConnectionLost,
    InternalServerError,
    LimitExceeded,
    Limits,
    RemoteProtocolError,
    RetryPolicy,
    SyncHTTPClient,
)
from tests.parity.faces import Connect
from tests.waiting import HANGS

from .promises import READS, assert_right, within
from .server import Peer, Server, answer, flood, send

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"

GARBAGE = {
    "noise": bytes(range(256)) * 40,
    "zeros": bytes(10_000),
    "another protocol": b"220 mail.example ESMTP\r\n\r\n",
    "a TLS alert": b"\x15\x03\x01\x00\x02\x02\x50",
    "HTTP/0.9": b"<html>hello</html>\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a request": b"GET / HTTP/1.1\r\nHost: me\r\n\r\n",
    "no status": b"HTTP/1.1 OK\r\n\r\n",
    "a long status": b"HTTP/1.1 2000 OK\r\n\r\n",
    "a low status": b"HTTP/1.1 099 Low\r\nContent-Length: 2\r\n\r\n{}",
    "a negative status": b"HTTP/1.1 -20 OK\r\n\r\n",
    "a header without a colon": OK + b"no colon here\r\n\r\n",
    "a header without a name": OK + b": nameless\r\n\r\n",
    "a space before the colon": OK + b"Content-Length : 2\r\n\r\n{}",
    "a NUL in a header": OK + b"X: a\0b\r\n\r\n",
    "a bare CR in a header": OK + b"X: a\rb\r\n\r\n",
    "a line break before the first header": OK + b" folded: first\r\n\r\n",
    "switching protocols": b"HTTP/1.1 101 Switch\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n\x81\x00",
    "lengths that differ": OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    "lengths that differ in one field": OK + b"Content-Length: 2, 3\r\n\r\n{}",
    "a negative length": OK + b"Content-Length: -1\r\n\r\n{}",
    "a signed length": OK + b"Content-Length: +2\r\n\r\n{}",
    "a length in hex": OK + b"Content-Length: 0x2\r\n\r\n{}",
    "a length in other digits": OK + b"Content-Length: \xb2\r\n\r\n{}",
    "an enormous length": OK + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n{}",
    "an unknown transfer coding": OK + b"Transfer-Encoding: gzip\r\n\r\n{}",
    "two transfer codings": OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "a chunk size that is none": CHUNKED + b"zz\r\n{}\r\n0\r\n\r\n",
    "a negative chunk size": CHUNKED + b"-2\r\n{}\r\n0\r\n\r\n",
    "a chunk size with a prefix": CHUNKED + b"0x2\r\n{}\r\n0\r\n\r\n",
    "an enormous chunk size": CHUNKED + b"f" * 50 + b"\r\n{}\r\n0\r\n\r\n",
    "a chunk longer than it says": CHUNKED + b"1\r\n{}\r\n0\r\n\r\n",
    "a trailer that is none": CHUNKED + b"2\r\n{}\r\n0\r\nno colon\r\n\r\n",
}


@pytest.mark.parametrize("garbage", GARBAGE)
@pytest.mark.parametrize("read", ["json", "file", "stream of objects", "request"])
def test_what_is_not_http_is_refused(client: SyncHTTPClient, server: Server, read: str, garbage: str) -> None:
    server.script(Peer.request, send(GARBAGE[garbage]), Peer.stall)
    with within(4), pytest.raises(RemoteProtocolError):  # well before the wait for more would end
        READS[read](client)
    server.settle()
    assert len(server.requests) == 1
    assert_right(client)


@pytest.mark.parametrize(
    "whole",
    {
        "HTTP/1.0": b"HTTP/1.0 200 OK\r\n\r\nx",
        "HTTP/1.0 with a length": b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx",
        "no reason": b"HTTP/1.1 200\r\nContent-Length: 1\r\n\r\nx",
        "bare line feeds": b"HTTP/1.1 200 OK\nContent-Length: 1\n\nx",
        "one length twice": OK + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\nx",
        "both lengths": OK + b"Content-Length: 99\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
        "chunk extensions": CHUNKED + b'1;a=b;c="d"\r\nx\r\n0;z\r\n\r\n',
        "trailers": CHUNKED + b"1\r\nx\r\n0\r\nX-Sum: 1\r\n\r\n",
        "leading zeros": OK + b"Content-Length: 0000001\r\n\r\nx",
        "until the end": OK + b"\r\nx",
        "closing": OK + b"Connection: close\r\nContent-Length: 1\r\n\r\nx",
        "closing, among others": OK + b"Connection: keep-alive, Close\r\nContent-Length: 1\r\n\r\nx",
        "interim responses": b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: </a>\r\n\r\n" + answer(b"x"),
        "folded lines": OK + b"X-Long: a\r\n  b\r\nContent-Length: 1\r\n\r\nx",
        "names in capitals": b"HTTP/1.1 200 OK\r\nCONTENT-LENGTH: 1\r\n\r\nx",
    }.items(),
    ids=lambda whole: whole[0],
)
@pytest.mark.parametrize("pause", [None, 0.0], ids=["at once", "byte by byte"])
def test_what_is_unusual_but_allowed_is_read(
    client: SyncHTTPClient, server: Server, whole: tuple[str, bytes], pause: float | None
) -> None:
    server.script(Peer.request, send(whole[1], pause=pause), Peer.half_close, Peer.stall)
    assert client.echo() == "x"
    # The end of the connection may come while the next request is sent, which then may be repeated.
    assert_right(client.with_options(retries=RetryPolicy(idempotent=True)))


@pytest.mark.parametrize(
    "endless",
    {
        "head": (OK, b"X-Header: of which there are many\r\n"),
        "status line": (b"HTTP/1.1 200 ", b"O" * 4096),
        "header line": (OK + b"X: ", b"y" * 4096),
        "header name": (OK, b"y" * 4096),
        "folded line": (OK + b"X: a\r\n", b" b\r\n" * 100),
        "empty lines": (b"", b"\r\n" * 1000),
        "interim responses": (b"", b"HTTP/1.1 102 Processing\r\n\r\n"),
        "chunk size": (CHUNKED, b"0" * 4096),
        "chunk extension": (CHUNKED + b"1;", b"e" * 4096),
        "trailers": (CHUNKED + b"0\r\n", b"X-T: 1\r\n" * 100),
        "trailer line": (CHUNKED + b"0\r\nX-T: ", b"y" * 4096),
    }.items(),
    ids=lambda endless: endless[0],
)
@pytest.mark.parametrize("read", ["text", "stream of text"])
def test_what_has_no_end_meets_a_limit(
    client: SyncHTTPClient, server: Server, endless: tuple[str, tuple[bytes, bytes]], read: str
) -> None:
    start, rest = endless[1]
    server.script(Peer.request, send(start), flood(rest))
    with within(60), pytest.raises(RemoteProtocolError):
        READS[read](client)
    server.settle()
    assert_right(client)


@pytest.mark.parametrize("read", ["text", "json", "bytes", "image", "request"])
def test_an_endless_body_meets_the_limit_of_the_body(connect: Connect, server: Server, read: str) -> None:
    client = connect(limits=Limits(body=1 << 20))
    server.script(Peer.request, send(OK + b"\r\n"), flood(b"x" * 65536))
    with within(60), pytest.raises(LimitExceeded):
        READS[read](client)
    assert_right(client)


@pytest.mark.parametrize("item", [b'{"a": 1, ', b'"' + b"x" * 100, b"[[[[[[", b"1" * 100])
def test_an_endless_item_meets_the_limit_of_the_item(connect: Connect, server: Server, item: bytes) -> None:
    client = connect(limits=Limits(item=1 << 20))
    server.script(Peer.request, send(OK + b"\r\n" + b"[" * item.startswith(b'"')), flood(item))
    with within(60), pytest.raises(RemoteProtocolError):
        list(client.objects())
    assert_right(client)


@pytest.mark.parametrize("line", [b"data: more\n", b"x" * 1000, b"\r", b"id: 1\n"])
def test_an_endless_event_meets_the_limit_of_the_item(connect: Connect, server: Server, line: bytes) -> None:
    client = connect(limits=Limits(item=1 << 20), timeout=3)
    server.script(Peer.request, send(OK + b"\r\n" + b"data: 1\n"), flood(line))
    with within(60), client.words.events() as events:
        if line == b"\r":  # ends an event at once, and then there are none
            assert next(events).data == "1"
        else:
            with pytest.raises(LimitExceeded):
                next(events)
    assert_right(client)


def test_an_endless_error_is_read_up_to_its_limit(connect: Connect, server: Server) -> None:
    client = connect(limits=Limits(error=1 << 16))
    server.script(Peer.request, send(b"HTTP/1.1 500 Oops\r\n\r\n"), flood(b"x" * 65536))
    with within(60), pytest.raises(InternalServerError) as info:
        client.echo()
    assert len(info.value.message) <= 1 << 16
    assert_right(client)


def test_a_huge_schema_meets_its_limit(connect: Connect, server: Server) -> None:
    client = connect(schema=None, limits=Limits(schema=1 << 20))
    server.script(Peer.request, send(OK + b"\r\n"), flood(b"[" * 65536))
    with within(60), pytest.raises(BentoMLException, match="over 1048576 bytes"):
        client.echo()


def test_an_answer_that_comes_before_the_request_is_over(client: SyncHTTPClient, server: Server) -> None:
    """A gateway refuses a large upload by its length, answers at once and closes: the caller gets that answer."""
    refused = answer(b'{"error": "too large"}', "Connection: close", status="413 Content Too Large")
    server.script(Peer.head, send(refused), Peer.half_close, Peer.stall)
    with within(60), pytest.raises(BentoMLException, match="too large") as info:
        client.upload(bytes(64 << 20))
    assert info.value.error_code == 413
    server.settle()
    assert_right(client)


def test_an_upload_that_is_reset_is_lost(client: SyncHTTPClient, server: Server) -> None:
    server.script(Peer.head, Peer.reset)
    with within(60), pytest.raises(ConnectionLost) as info:
        client.upload(bytes(64 << 20))
    assert info.value.sent
    assert_right(client)


def test_an_answer_that_comes_before_the_request_is_no_ones(client: SyncHTTPClient, server: Server) -> None:
    """It does not reach the call after: once there is more than one answer, the connection is not used again."""
    sent = threading.Event()
    server.script(send(answer(b"early")), Peer.request, send(answer(b"late")), lambda peer: sent.set(), Peer.stall)
    assert client.echo() in ("early", "late")
    assert sent.wait(HANGS)  # before that it can't be told from a good connection
    assert_right(client)
    assert server.connections == 2
