"""What is tried again, how often, after how long, and what the exception tells of it."""

from __future__ import annotations

import socket

import pytest

from bento_sync import (
    BentoMLException,
    ConnectError,
    ConnectionLost,
    RetryPolicy,
    ServiceUnavailable,
    SyncHTTPClient,
    Timeout,
    TooManyRequests,
)
from tests.parity.faces import Connect

from .promises import assert_right, within
from .server import Peer, Server, answer, send

QUICK = RetryPolicy(attempts=3, backoff=0.001)
REPEATED = QUICK.replace(idempotent=True)


def busy(status: str, *headers: str) -> bytes:
    return answer(b'{"error": "busy"}', *headers, status=status)


@pytest.mark.parametrize("status", ["429 Busy", "503 Busy"])
@pytest.mark.parametrize(
    "headers",
    [
        ["Retry-After: 0"],
        ["Retry-After:  0 "],
        ["Date: Sun, 06 Nov 1994 08:49:37 GMT", "Retry-After: Sun, 06 Nov 1994 08:49:37 GMT"],
        ["Date: Sun, 06 Nov 1994 08:49:37 GMT", "Retry-After: Sun, 06 Nov 1994 08:00:00 GMT"],
    ],
    ids=["seconds", "with spaces", "the answer's own date", "a date that is past"],
)
def test_a_server_that_says_when_is_asked_again(
    connect: Connect, server: Server, status: str, headers: list[str]
) -> None:
    server.script(Peer.request, send(busy(status, *headers)), Peer.serve)
    with within(60):
        assert connect(retries=QUICK).echo(text="again") == "again"
    assert [request.body for request in server.requests] == [b'{"text":"again"}'] * 2


@pytest.mark.parametrize(
    "headers",
    [
        [],
        ["Retry-After: soon"],
        ["Retry-After: -1"],
        ["Retry-After: 1e9"],
        ["Retry-After: 99999999999999999999999"],
        ["Retry-After: \xb2"],
        ["Retry-After: Sun, 06 Nov 2094 08:49:37 GMT"],
        ["Date: Sun, 06 Nov 1994 08:49:37 GMT", "Retry-After: Sun, 06 Nov 2094 08:49:37 GMT"],
        ["Date: Sun, 99 Nov 1994 08:49:37 GMT", "Retry-After: Sun, 06 Nov 1994 99:99:99 GMT"],
    ],
)
def test_a_server_that_does_not_say_when_or_too_late_is_not(
    connect: Connect, server: Server, headers: list[str]
) -> None:
    client = connect(retries=QUICK)
    server.script(Peer.request, send(busy("503 Busy", *headers)), Peer.serve)
    with within(60), pytest.raises(ServiceUnavailable, match="busy"):
        client.echo()
    assert len(server.requests) == 1
    assert_right(client)


def test_bentomls_429_without_a_time_is_tried_again(connect: Connect, server: Server) -> None:
    server.script(Peer.request, send(busy("429 Busy")), Peer.serve)
    assert connect(retries=QUICK).echo(text="again") == "again"
    assert len(server.requests) == 2


def test_all_attempts_are_told(connect: Connect, server: Server) -> None:
    for _ in range(3):
        server.script(Peer.request, send(busy("429 Busy", "Retry-After: 0", "Connection: close")))
    with pytest.raises(TooManyRequests, match="after 3 attempts") as info:
        connect(retries=QUICK).echo()
    assert info.value.attempts == ("TooManyRequests: busy",) * 3
    assert len(server.requests) == 3


@pytest.mark.parametrize("retries", [0, RetryPolicy(attempts=1)])
def test_off_for_a_client(connect: Connect, server: Server, retries: object) -> None:
    server.script(Peer.request, send(busy("503 Busy", "Retry-After: 0")), Peer.serve)
    with pytest.raises(ServiceUnavailable) as info:
        connect(retries=retries).echo()
    assert len(info.value.attempts) == 1
    assert len(server.requests) == 1


def test_off_and_on_for_a_call(connect: Connect, server: Server) -> None:
    client = connect(retries=QUICK)
    server.script(Peer.request, send(busy("503 Busy", "Retry-After: 0")), Peer.serve)
    with pytest.raises(ServiceUnavailable):
        client.with_options(retries=0).echo()
    server.settle(connections=1)
    assert_right(client)


def lost(server: Server) -> None:
    server.script(Peer.request, Peer.reset)


def late(server: Server) -> None:
    server.script(Peer.request, Peer.stall)


def gateway(server: Server) -> None:
    server.script(Peer.request, send(busy("502 Bad")))


@pytest.mark.parametrize("trouble", [lost, late, gateway])
def test_what_may_have_been_processed_is_not_repeated_unless_told(
    connect: Connect, server: Server, trouble: object
) -> None:
    assert callable(trouble)
    client = connect(retries=QUICK, timeout=Timeout(receive=2))
    trouble(server)
    with pytest.raises(BentoMLException):
        client.echo(text="once")
    assert len(server.requests) == 1
    trouble(server)
    assert client.with_options(retries=REPEATED).echo(text="twice") == "twice"
    assert len(server.requests) == 3


def test_what_can_not_be_sent_again_is_not(connect: Connect, server: Server, pipe: object) -> None:
    lost(server)
    with pytest.raises(ConnectionLost):
        connect(retries=REPEATED).upload(pipe)
    assert len(server.requests) == 1


def test_a_stream_that_has_begun_is_not_repeated(connect: Connect, server: Server) -> None:
    server.script(Peer.request, send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nfirst"), Peer.reset)
    with pytest.raises(ConnectionLost):
        list(connect(retries=REPEATED).words())
    assert len(server.requests) == 1


def test_garbage_is_not_asked_for_again(connect: Connect, server: Server) -> None:
    server.script(Peer.request, send(b"garbage\r\n\r\n"))
    with pytest.raises(BentoMLException):
        connect(retries=REPEATED).echo()
    assert len(server.requests) == 1


def test_a_connection_that_is_refused_is_tried_again(connect: Connect) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with within(60), pytest.raises(ConnectError) as info:
            connect(f"http://127.0.0.1:{taken.getsockname()[1]}", retries=QUICK).echo()
    assert len(info.value.attempts) == 3
    assert isinstance(info.value, ConnectionError)


def test_a_budget_ends_the_retries_of_a_client_in_trouble(connect: Connect, server: Server) -> None:
    client = connect(retries=RetryPolicy(attempts=1000, backoff=0, max_backoff=0))
    for _ in range(200):
        server.script(Peer.request, send(busy("503 Busy", "Retry-After: 0", "Connection: close")))
    with within(60), pytest.raises(ServiceUnavailable) as info:
        client.echo()
    assert len(info.value.attempts) < 50
    server.settle()


def test_a_client_without_retries_recovers_by_itself(client: SyncHTTPClient, server: Server) -> None:
    for _ in range(5):
        lost(server)
    for _ in range(5):
        with pytest.raises(ConnectionLost):
            client.echo()
    assert_right(client)
