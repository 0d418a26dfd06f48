"""Connections that are kept alive: none of them may bring a call what was meant for another, or for nobody."""

from __future__ import annotations

import threading

import pytest

from bento_sync import BentoMLException, ConnectionLost, RetryPolicy, SyncHTTPClient
from tests.parity.faces import Connect

from .promises import assert_right
from .server import Peer, Server, answer, pause, send

EVIL = answer(b"evil")


@pytest.mark.parametrize("extra", [b"x", b"\r\n", EVIL, b"HTTP/1.1 100 Continue\r\n\r\n" + EVIL], ids=repr)
@pytest.mark.parametrize(
    "first",
    [answer(b"good"), b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ngood\r\n0\r\n\r\n"],
    ids=["length", "chunked"],
)
@pytest.mark.parametrize("delay", [None, 0.05], ids=["along with it", "after it"])
def test_what_comes_behind_an_answer_reaches_nobody(
    client: SyncHTTPClient, server: Server, first: bytes, extra: bytes, delay: float | None
) -> None:
    came = threading.Event()
    sending = [send(first + extra)] if delay is None else [send(first), pause(delay), send(extra)]
    server.script(Peer.request, *sending, lambda _: came.set(), Peer.stall)
    assert client.echo() == "good"
    assert came.wait(30)  # what nobody asked for arrives while the connection is idle
    assert_right(client)
    assert server.connections == 2


def test_what_comes_behind_an_error_reaches_nobody(client: SyncHTTPClient, server: Server) -> None:
    server.script(Peer.request, send(answer(b"{}", status="400 No") + EVIL), Peer.stall)
    with pytest.raises(BentoMLException):
        client.echo()
    assert_right(client)


def test_what_comes_behind_a_redirect_reaches_nobody(client: SyncHTTPClient, server: Server) -> None:
    server.script(Peer.request, send(answer(b"", "Location: /on", status="307 On") + EVIL), Peer.stall)
    assert client.echo(text="on") == "on"
    assert_right(client)


def test_a_stream_that_is_left_takes_its_rest_along(client: SyncHTTPClient, server: Server) -> None:
    server.script(Peer.request, send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nfirst"), Peer.stall)
    with client.words() as stream:
        assert next(stream) == "first"
    server.settle()
    assert_right(client)


def test_a_good_connection_is_used_again(client: SyncHTTPClient, server: Server) -> None:
    for _ in range(20):
        assert_right(client)
    assert server.connections == 1


@pytest.mark.parametrize("end", [None, Peer.reset], ids=["closed", "reset"])
def test_a_request_that_was_read_before_the_connection_closed_is_not_repeated(
    client: SyncHTTPClient, server: Server, end: object
) -> None:
    """Nobody can tell whether the endpoint ran."""
    last = (Peer.reset,) if end else ()
    server.script(Peer.request, send(answer(b"good")), Peer.request, *last)
    assert client.echo() == "good"
    with pytest.raises(ConnectionLost, match="declared by RetryPolicy") as info:
        client.echo(text="once")
    assert info.value.sent
    assert len(server.requests) == 2
    assert_right(client)


@pytest.mark.parametrize("by_key", [False, True], ids=["by the policy", "by a key"])
def test_unless_the_caller_declares_it_repeatable(client: SyncHTTPClient, server: Server, by_key: bool) -> None:
    server.script(Peer.request, send(answer(b"good")), Peer.request)
    headers = {"Idempotency-Key": "1"} if by_key else {}
    declared = client.with_options(retries=RetryPolicy(attempts=2, idempotent=not by_key), headers=headers)
    assert declared.echo() == "good"
    assert declared.echo(text="again") == "again"
    assert len(server.requests) == 3
    assert server.connections == 2


def test_it_is_repeated_once_and_not_again(client: SyncHTTPClient, server: Server) -> None:
    server.script(Peer.request, send(answer(b"good")), Peer.request)
    server.script(Peer.request)
    assert client.echo() == "good"
    with pytest.raises(ConnectionLost, match="after 2 attempts") as info:
        client.with_options(retries=RetryPolicy(attempts=2, idempotent=True)).echo(text="twice at most")
    assert info.value.sent
    assert len(server.requests) == 3
    assert_right(client)


def test_a_first_byte_of_an_answer_rules_that_out(client: SyncHTTPClient, server: Server) -> None:
    server.script(Peer.request, send(answer(b"good")), Peer.request, send(b"H"))
    assert client.echo() == "good"
    with pytest.raises(ConnectionLost):
        client.echo(text="processed")
    assert len(server.requests) == 2
    assert_right(client)


def test_a_timeout_on_a_kept_connection_is_no_reason_to_repeat(connect: Connect, server: Server) -> None:
    client = connect()
    server.script(Peer.request, send(answer(b"good")), Peer.request, Peer.stall)
    assert client.echo() == "good"
    with pytest.raises(TimeoutError):
        client.with_options(timeout=0.5).echo(text="slow")
    assert len(server.requests) == 2
    assert_right(client)


def test_a_body_that_cant_be_sent_again_is_not(client: SyncHTTPClient, server: Server, pipe: object) -> None:
    server.script(Peer.request, send(answer(b"good")), Peer.request)
    assert client.echo() == "good"
    with pytest.raises(ConnectionLost):
        client.upload(pipe)
    assert len(server.requests) == 2
    assert_right(client)
