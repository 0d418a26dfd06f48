"""The sync client's pool under threads, signals, the garbage collector and forks: nobody starves, no place is lost."""

from __future__ import annotations

import gc
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from bento_proto import CallTimeout, Hooks, Limits, Timeout
from bento_proto.observe import RequestEvent
from bento_sync import SyncHTTPClient
from bento_sync._connection_pool import Connection, Holder

from .proxies import Asked, End, Stub, endpoint, reply, routes, schema

GIVEN = schema(endpoint("f"), endpoint("stream", output={"type": "string", "is_stream": True}))


def connected(url: str, connections: int, **options: object) -> SyncHTTPClient:
    """A client that asks for nothing before its first call."""
    limits = Limits(connections=connections)
    return SyncHTTPClient(url, schema=GIVEN, server_ready_timeout=0, limits=limits, **options)  # type: ignore[arg-type]


def places_in_use(client: SyncHTTPClient) -> list[int]:
    """How many places of each pool are held."""
    return [pool._pool.in_use for pool in client._driver._pools._pools.values()]


def test_threads_are_served_first_come_first_served() -> None:
    def slow(_: Asked) -> bytes:
        time.sleep(0.02)
        return reply(1)

    served: dict[int, int] = {}
    with Stub(routes({"/f": slow})) as stub, connected(stub.url, 4, timeout=30) as client:
        done = threading.Event()

        def call(number: int) -> None:
            served[number] = 0
            while not done.is_set():
                client.f()
                served[number] += 1

        with ThreadPoolExecutor(12) as threads:
            calling = [threads.submit(call, number) for number in range(12)]
            deadline = time.monotonic() + 30
            while (len(served) < 12 or min(served.values()) < 5) and time.monotonic() < deadline:
                time.sleep(0.01)
            done.set()
            for each in calling:
                each.result()
    assert min(served.values()) >= 5
    assert max(served.values()) <= 3 * min(served.values()), "some were served again and again while others waited"


class Interrupted(Exception):
    """Raised by the handler of a signal."""


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="there are no interval timers here")
# Python closes a socket that was just being made, and warns of it.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_no_place_is_lost_when_a_signal_handler_raises() -> None:
    def interrupt(*_: object) -> None:
        raise Interrupted

    before = signal.signal(signal.SIGALRM, interrupt)
    with Stub(routes({"/f": reply(1)})) as stub, connected(stub.url, 3, timeout=20) as client:
        interrupted = 0
        try:
            while interrupted < 300:
                try:
                    signal.setitimer(signal.ITIMER_REAL, 0.0002 + 0.00001 * (interrupted % 97))
                    for _ in range(300):  # then it was raised where Python only prints it: in a finalizer
                        client.f()
                except Interrupted:
                    interrupted += 1
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
        together = threading.Barrier(3)
        with ThreadPoolExecutor(3) as threads:
            calling = [threads.submit(lambda: (together.wait(20), client.f())) for _ in range(3)]
            assert [each.result()[1] for each in calling] == [1] * 3
        assert places_in_use(client) == [0]


def test_a_place_whose_holder_is_gone_is_found_by_who_waits() -> None:
    with Stub(routes({"/f": reply(1)})) as stub, connected(stub.url, 1, timeout=20) as client:
        assert client.f() == 1
        (pool,) = client._driver._pools._pools.values()
        lost = Holder()
        assert pool.acquire(lost, 1, fresh=False) is not None  # as if an exception came before it was given back
        del lost
        assert client.f() == 1


def test_a_place_that_is_held_is_waited_for_as_long_as_the_caller_may() -> None:
    with Stub(routes({"/f": reply(1)})) as stub, connected(stub.url, 1) as client:
        assert client.f() == 1
        (pool,) = client._driver._pools._pools.values()
        holder = Holder()
        assert pool.acquire(holder, 1, fresh=False) is not None
        with pytest.raises(CallTimeout, match="no connection became free") as caught:
            client.with_options(timeout=Timeout(pool=0.1)).f()
        assert not caught.value.sent
        pool.release(holder, reusable=True)
        assert client.f() == 1
        assert stub.connections == 1


def test_the_garbage_collector_may_give_a_connection_back_amid_anything() -> None:
    """Streams in cycles are collected while this very thread is in the midst of taking and giving back."""
    with Stub(lambda _: reply("x" * 100)) as stub, connected(stub.url, 2, timeout=20) as client:
        threshold = gc.get_threshold()
        gc.set_threshold(1)
        try:
            for _ in range(50):
                stream = client.stream()
                cycle: list[object] = [stream]
                cycle.append(cycle)
                del stream, cycle
                assert client.f() == "x" * 100
        finally:
            gc.set_threshold(*threshold)
        gc.collect()
        assert places_in_use(client) == [0]


def test_a_connection_with_bytes_that_tls_has_decrypted_is_not_used_again() -> None:
    here, there = socket.socketpair()
    with here, there:
        connection = _connection(here, pending=lambda: 7)
        assert connection.is_readable()
        assert not _connection(here, pending=lambda: 0).is_readable()
        there.sendall(b"x")
        assert _connection(here, pending=lambda: 0).is_readable()


def test_a_request_that_a_reset_connection_refuses_whole_goes_out_on_a_new_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reset comes just after the pool has looked at the connection: the endpoint can't have run."""
    answers: list[list[bytes | End]] = [[reply(2)], [reply(1), End.RESET]]

    def look_too_early(connection: Connection) -> bool:
        assert connection._poll(10_000)  # returns once the reset has come
        return False

    lost: list[str] = []
    hooks = Hooks(retry=lambda event: lost.append(event.reason))
    with (
        Stub(routes({"/f": lambda _: answers.pop()})) as stub,
        connected(stub.url, 1, retries=0, hooks=hooks) as client,
    ):
        assert client.f() == 1
        monkeypatch.setattr(Connection, "is_readable", look_too_early)
        assert client.f() == 2
        assert (stub.connections, stub.targets()) == (2, ["/f", "/f"])
    (reason,) = lost  # Linux has told the writer of the reset, and tells the reader of an end
    assert reason.startswith("ConnectionLost: ")


def _connection(sock: socket.socket, pending: Callable[[], int]) -> Connection:
    connection = Connection(sock.dup())
    connection._pending = pending
    return connection


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_what_ends_the_program_is_raised_to_who_takes_the_results_of_a_batch(kind: type[BaseException]) -> None:
    def inputs() -> Iterator[dict[str, object]]:
        yield {}
        raise kind

    def fail(_: RequestEvent) -> None:
        raise kind

    with Stub(routes({"/f": reply(1)})) as stub, connected(stub.url, 2) as client:
        with pytest.raises(kind):
            list(client.f.map(inputs()))
        with pytest.raises(kind):
            list(client.with_options(hooks=Hooks(request=fail)).f.map([{}, {}, {}]))
        assert list(client.f.map([{}, {}])) == [1, 1]
        assert places_in_use(client) == [0]
