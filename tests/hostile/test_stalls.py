"""Servers that stop, or hardly go on: every wait ends when its time is up, and says what it waited for."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from bento_sync import BentoMLException, CallTimeout, InternalServerError, Limits, RetryPolicy, SyncHTTPClient, Timeout
from tests.parity.faces import Connect

from .promises import READS, assert_right, within
from .server import Peer, Server, answer, flood, full_backlog, pause, send
from .test_truncation import CUTS

SHORT = 0.2  # yet long enough to send something on a busy machine
BOUND = 60.0  # for waits of fractions of a second: what takes longer hangs
LARGE = b"\0" * (32 << 20)  # more than the system buffers


def assert_timed_out(error: BaseException, *, sent: bool) -> None:
    assert isinstance(error, CallTimeout)
    assert isinstance(error, TimeoutError)
    assert error.sent is sent


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("read", ["text", "file", "stream of objects"])
def test_a_server_that_stops_is_given_up(connect: Connect, server: Server, read: str, cut: str) -> None:
    client = connect(timeout=Timeout(receive=SHORT))
    server.script(Peer.request, send(CUTS[cut]), Peer.stall)
    with within(BOUND), pytest.raises(CallTimeout) as info:
        READS[read](client)
    assert_timed_out(info.value, sent=True)
    server.settle()  # what may still come on that connection must reach nobody
    assert_right(client)


@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize(
    "trickle",
    {
        "head": b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 1000,
        "body": answer(b"x" * 1000),
        "chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b'1\r\n"\r\n' * 300,
        "interims": b"HTTP/1.1 100 Continue\r\n\r\n" * 30,
    }.items(),
    ids=lambda trickle: trickle[0],
)
def test_a_total_ends_what_a_trickle_would_draw_out(
    connect: Connect, server: Server, read: str, trickle: tuple[str, bytes]
) -> None:
    client = connect(timeout=Timeout(total=0.4))
    server.script(Peer.request, send(trickle[1], pause=0.02))
    with within(BOUND), pytest.raises(CallTimeout) as info:
        READS[read](client)
    assert_timed_out(info.value, sent=True)
    assert_right(client)


def test_a_total_ends_the_trickle_of_an_errors_body(connect: Connect, server: Server) -> None:
    client = connect(timeout=Timeout(total=0.4))
    server.script(Peer.request, send(b"HTTP/1.1 500 Oops\r\n\r\n"), send(b"x" * 999, pause=0.02))
    with within(BOUND), pytest.raises(InternalServerError):  # the status is known, and says more
        client.echo()
    assert_right(client)


@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\nX: " + b"y" * 9999, b"HTTP/1.1 102 Processing\r\n\r\n" * 9999])
def test_a_head_that_trickles_is_given_up(connect: Connect, server: Server, read: str, head: bytes) -> None:
    client = connect(timeout=Timeout(receive=0.3))  # and no total
    server.script(Peer.request, send(head[:5000], pause=0.02))
    with within(BOUND), pytest.raises(CallTimeout) as info:
        READS[read](client)
    assert_timed_out(info.value, sent=True)
    assert_right(client)


def test_so_is_the_body_of_an_error(connect: Connect, server: Server) -> None:
    client = connect(timeout=Timeout(receive=0.3))
    server.script(Peer.request, send(b"HTTP/1.1 500 Oops\r\n\r\n"), send(b"x" * 5000, pause=0.02))
    with within(BOUND), pytest.raises(InternalServerError, match="x"):
        client.echo()
    assert_right(client)


TASKS = {"name": "Tasks", "routes": [{"name": "work", "route": "/work", "is_task": True, "output": {"type": "string"}}]}
SUBMITTED = answer(b'{"task_id": "1"}')
OWN: dict[str, tuple[tuple[bytes, ...], Callable[[SyncHTTPClient], object]]] = {
    "schema": ((), lambda client: client.connect()),
    "submission": ((), lambda client: client.work.submit()),
    "status": ((SUBMITTED,), lambda client: client.work.submit().get_status()),
}


@pytest.mark.parametrize("case", OWN)
def test_so_is_what_the_client_asks_for_itself(connect: Connect, server: Server, case: str) -> None:
    before, ask = OWN[case]
    client = connect(timeout=Timeout(receive=0.3), schema=None if case == "schema" else TASKS)
    for reply in before:
        server.script(Peer.request, send(reply))
    head, body = answer(b" " * 5000).split(b"\r\n\r\n")
    server.script(Peer.request, send(head + b"\r\n\r\n"), send(body, pause=0.02))
    with within(BOUND), pytest.raises(CallTimeout) as info:
        ask(client)
    assert_timed_out(info.value, sent=True)


def test_a_slow_body_has_as_long_for_each_part_of_it(connect: Connect, server: Server) -> None:
    client = connect(timeout=Timeout(receive=2))
    head, body = answer(b'"' + b"x" * 98 + b'"').split(b"\r\n\r\n")
    server.script(Peer.request, send(head + b"\r\n\r\n"), send(body, pause=0.03))
    with within(BOUND):
        assert client.value() == "x" * 98


def test_a_total_holds_for_all_attempts_and_waits_together(connect: Connect, server: Server) -> None:
    client = connect(timeout=Timeout(receive=SHORT, total=3), retries=RetryPolicy(100, backoff=0.01, idempotent=True))
    for _ in range(50):
        server.script(Peer.request, Peer.stall)
    with within(BOUND), pytest.raises(CallTimeout) as info:
        client.echo()
    assert 2 <= len(info.value.attempts) < 50
    assert len(server.requests) < 50


def test_a_total_holds_for_all_redirects_together(connect: Connect, server: Server) -> None:
    client = connect(timeout=Timeout(total=0.5), limits=Limits(redirects=1000))
    for _ in range(50):
        # It says that it closes: whoever sends again meanwhile meets a reset, which is another failure than this one.
        redirect = answer(b"", "Location: /on", "Connection: close", status="307 On")
        server.script(Peer.request, pause(0.05), send(redirect))
    with within(BOUND), pytest.raises(CallTimeout):
        client.echo()


def test_a_total_per_call_is_as_good(client: SyncHTTPClient, server: Server) -> None:
    server.script(Peer.request, send(b"HTTP/1.1 " + b"2" * 1000, pause=0.02))
    with within(BOUND), pytest.raises(TimeoutError):
        client.with_options(timeout=Timeout(total=0.2)).echo()
    assert_right(client)


def test_a_total_holds_while_a_stream_is_read(connect: Connect, server: Server) -> None:
    client = connect(timeout=Timeout(total=2))
    chunks = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\n1\r\n" * 400
    server.script(Peer.request, send(chunks, pause=0.004))
    words: list[str] = []
    with within(BOUND), pytest.raises(CallTimeout):
        words.extend(client.words())
    assert "".join(words).startswith("1")
    assert_right(client)


def test_a_total_ends_even_an_endless_fast_answer(connect: Connect, server: Server) -> None:
    client = connect(timeout=Timeout(total=0.5))
    server.script(Peer.request, send(b"HTTP/1.1 200 OK\r\n\r\n"), flood(b"x" * 65536))
    with within(BOUND), pytest.raises(CallTimeout):
        for _ in client.bytes():
            pass
    assert_right(client)


def test_a_timeout_of_zero_is_a_timeout(connect: Connect, server: Server) -> None:
    with within(BOUND), pytest.raises(CallTimeout):
        connect(timeout=0).echo()


# --- which wait it was


def test_connecting(connect: Connect) -> None:
    with full_backlog() as port:
        client = connect(f"http://127.0.0.1:{port}", timeout=Timeout(connect=SHORT))
        with within(BOUND), pytest.raises(CallTimeout) as info:
            client.echo()
        assert_timed_out(info.value, sent=False)


def test_the_handshake_of_tls_is_part_of_connecting(connect: Connect, server: Server) -> None:
    server.script(Peer.stall)
    client = connect(server.url.replace("http:", "https:"), timeout=Timeout(connect=SHORT))
    with within(BOUND), pytest.raises(CallTimeout) as info:
        client.echo()
    assert_timed_out(info.value, sent=False)


def test_connecting_under_a_total(connect: Connect) -> None:
    with full_backlog() as port:
        client = connect(f"http://127.0.0.1:{port}", timeout=Timeout(total=SHORT), retries=5)
        with within(BOUND), pytest.raises(CallTimeout):
            client.echo()


@pytest.mark.parametrize("timeout", [Timeout(send=SHORT), Timeout(total=SHORT)], ids=["send", "total"])
def test_sending(connect: Connect, server: Server, timeout: Timeout) -> None:
    gone = threading.Event()

    def wait(peer: Peer) -> None:
        gone.wait(2 * BOUND)

    server.script(Peer.head, wait)
    with within(BOUND), pytest.raises(CallTimeout) as info:
        connect(timeout=timeout).upload(LARGE)
    gone.set()
    assert_timed_out(info.value, sent=True)


def test_waiting_for_a_place_in_the_pool(connect: Connect, server: Server) -> None:
    client = connect(timeout=Timeout(pool=SHORT), limits=Limits(connections=1))
    server.script(Peer.request, send(b"HTTP/1.1 200 OK\r\n\r\nfirst"), Peer.stall)
    with client.words() as stream:
        assert next(stream) == "first"
        with within(BOUND), pytest.raises(CallTimeout) as info:
            client.echo()
        assert_timed_out(info.value, sent=False)
        with within(BOUND), pytest.raises(CallTimeout) as info:
            client.with_options(timeout=Timeout(total=SHORT)).echo()
        assert_timed_out(info.value, sent=False)
    assert_right(client)
    assert len(server.requests) == 2


def test_what_was_waited_for_is_said(connect: Connect, server: Server) -> None:
    server.script(Peer.request, Peer.stall)
    with pytest.raises(BentoMLException, match="did not answer in time") as info:
        connect(timeout=Timeout(receive=SHORT)).echo()
    assert len(info.value.attempts) == 1


# --- not ready


def test_a_total_holds_for_a_first_call_that_waits_for_the_service(connect: Connect, server: Server) -> None:
    for _ in range(100):
        server.script(Peer.request, send(answer(status="503 Not yet")))
    client = connect(server_ready_timeout=20, timeout=Timeout(total=0.5))
    with within(BOUND), pytest.raises(BentoMLException):
        client.echo()


def test_a_total_holds_for_a_call_that_waits_while_another_one_finds_the_service(
    connect: Connect, server: Server
) -> None:
    for _ in range(100):
        server.script(Peer.request, send(answer(status="503 Not yet")))
    client = connect(server_ready_timeout=8)
    first = threading.Thread(target=_fails, args=(client,))
    first.start()
    server.settle()
    with within(BOUND), pytest.raises(BentoMLException):
        client.with_options(timeout=Timeout(total=0.5)).echo()
    client.close()
    first.join()


def _fails(client: SyncHTTPClient) -> None:
    with pytest.raises(BentoMLException):
        client.echo()
