"""A Service that refuses calls, or is away: a batch waits and goes on; nothing is lost, and nothing runs twice."""

from __future__ import annotations

import itertools
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import anyio
import pytest

from bento_async import AsyncHTTPClient
from bento_proto import ConnectError, ConnectionLost, Limits, LocalProtocolError, RetryPolicy, Timeout, TooManyRequests
from bento_proto.policy._congestion import Slot
from bento_sync import SyncHTTPClient
from tests.servers import Servers, free_port, serve

from .faces import Connect
from .proxies import Asked, Piece, Stub, endpoint, reply, routes, schema

NUMBER: Any = schema(
    endpoint("f", input={"properties": {"x": {"type": "integer"}}, "required": ["x"]}, output={"type": "integer"})
)


def number_of(asked: Asked) -> int:
    return int(asked.body.decode().partition(":")[2].strip(" }"))


class Busy:
    """It runs so many calls at a time and refuses the others; and all of them for a while, or in between.

    Args:
        capacity: how many at a time.
        refusals: how many calls it refuses first, asking for a second each time.
    """

    def __init__(self, capacity: int, refusals: int = 0) -> None:
        self._lock = threading.Lock()
        self._capacity = capacity
        self._now = 0
        self._left = refusals
        self.ran: Counter[int] = Counter()
        self.refused = 0

    def __call__(self, asked: Asked) -> Piece:
        number = number_of(asked)
        with self._lock:
            if self._left:
                self._left -= 1
                return reply({"error": "busy"}, 429, {"retry-after": "1"})
            if self._now >= self._capacity:
                self.refused += 1
                return reply({"error": "busy"}, 429)
            self._now += 1
            self.ran[number] += 1
        time.sleep(0.01)
        with self._lock:
            self._now -= 1
        return reply(-number)


@pytest.mark.parametrize("concurrency", [32, "auto"])
def test_a_service_that_takes_few_calls_at_a_time(connect: Connect, concurrency: Any) -> None:
    service = Busy(4)
    with Stub(routes({"/f": service})) as stub:
        client = connect(stub.url, schema=NUMBER, server_ready_timeout=0)
        assert list(client.map("f", range(300), concurrency=concurrency)) == [-number for number in range(300)]
    assert service.ran == Counter(range(300))
    assert service.refused < 300


def test_retry_after_is_waited_for_and_a_single_call_follows(connect: Connect) -> None:
    service = Busy(100, refusals=3)
    with Stub(routes({"/f": service})) as stub:
        client = connect(stub.url, schema=NUMBER, server_ready_timeout=0)
        assert list(client.map("f", range(100), concurrency=16)) == [-number for number in range(100)]
    assert service.ran == Counter(range(100))
    assert len(stub.asked) == 103


def test_without_retries_what_is_refused_is_raised(connect: Connect) -> None:
    with Stub(routes({"/f": Busy(100, refusals=1)})) as stub:
        client = connect(stub.url, schema=NUMBER, server_ready_timeout=0, retries=0)
        refused, *others = client.map("f", range(5), concurrency=1, on_error="return")
    assert isinstance(refused, TooManyRequests)
    assert others == [-1, -2, -3, -4]


def test_a_server_that_comes_late(connect: Connect) -> None:
    port = free_port()
    client = connect(f"http://127.0.0.1:{port}", schema=NUMBER, server_ready_timeout=0)
    service = Busy(100)
    results: list[object] = []
    iterating = threading.Thread(target=lambda: results.extend(client.map("f", range(200), concurrency=16)))
    iterating.start()
    time.sleep(1)
    with Stub(routes({"/f": service}), port=port):
        iterating.join(60)
    assert results == [-number for number in range(200)]
    assert service.ran == Counter(range(200))


def test_an_outage_ends_the_batch_after_a_while(connect: Connect) -> None:
    policy = RetryPolicy(max_outage=0.5)
    client = connect("http://127.0.0.1:1", schema=NUMBER, server_ready_timeout=0, retries=policy)
    with pytest.raises(ConnectError):
        next(client.map("f", range(20)))


def test_so_many_errors_end_the_batch(connect: Connect) -> None:
    with Stub(routes({"/f": reply({"error": "no"}, 500)})) as stub:
        client = connect(stub.url, schema=NUMBER, server_ready_timeout=0)
        batch = client.map("f", itertools.count(), on_error="skip", max_errors=30)
        with pytest.raises(Exception, match="no"):
            next(batch)
    assert 30 < len(stub.asked) < 60


def test_inputs_follow_where_all_that_were_under_way_failed(connect: Connect) -> None:
    def answer(asked: Asked) -> Piece:
        if number_of(asked) == 0:
            time.sleep(0.3)  # until the others of the first sixteen have failed
        return reply({"error": "no"}, 500)

    with Stub(routes({"/f": answer})) as stub:
        client = connect(stub.url, schema=NUMBER, server_ready_timeout=0)
        assert list(client.map("f", range(40), on_error="skip")) == []
    assert len(stub.asked) == 40


def test_more_calls_than_connections_wait_for_their_turn(connect: Connect) -> None:
    service = Busy(100)
    with Stub(routes({"/f": service})) as stub:
        limits, timeout = Limits(connections=2), Timeout(30, pool=0)
        client = connect(stub.url, schema=NUMBER, server_ready_timeout=0, limits=limits, timeout=timeout)
        assert list(client.map("f", range(50), concurrency=40)) == [-number for number in range(50)]


def test_the_first_inputs_are_left_out(connect: Connect) -> None:
    service = Busy(100)
    with Stub(routes({"/f": service})) as stub:
        client = connect(stub.url, schema=NUMBER, server_ready_timeout=0)
        outcomes = list(client.map("f", range(20), start=15, ahead=3).outcomes())
    assert [(each.number, each.input, each.result) for each in outcomes] == [(n, n, -n) for n in range(15, 20)]
    assert service.ran == Counter(range(15, 20))


def test_threads_share_a_batch() -> None:
    service = Busy(100)
    results: list[object] = []

    def iterate(batch: Iterator[object]) -> None:
        results.extend(batch)

    with (
        Stub(routes({"/f": service})) as stub,
        SyncHTTPClient(stub.url, schema=NUMBER, server_ready_timeout=0) as client,
    ):
        batch = client.map("f", (number for number in range(200)), ordered=False)
        threads = [threading.Thread(target=iterate, args=(batch,), daemon=True) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
            assert not thread.is_alive()
    assert Counter(results) == Counter(-number for number in range(200))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:This process.*multi-threaded")
@pytest.mark.parametrize("has_begun", [False, True])
def test_a_child_inherits_no_batch(has_begun: bool) -> None:
    with (
        Stub(routes({"/f": Busy(100)})) as stub,
        SyncHTTPClient(stub.url, schema=NUMBER, server_ready_timeout=0) as client,
        client.map("f", range(30)) as batch,
    ):
        if has_begun:
            assert next(batch) == 0
        if not (child := os.fork()):
            signal.alarm(30)
            try:
                next(batch)
            except LocalProtocolError:
                os._exit(0)
            finally:
                os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert list(batch)[-1] == -29


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:This process.*multi-threaded")
@pytest.mark.parametrize("has_begun", [False, True])
@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_child_inherits_no_asynchronous_batch(backend: str, has_begun: bool) -> None:
    async def main(url: str) -> None:
        async with (
            AsyncHTTPClient(url, schema=NUMBER, server_ready_timeout=0) as client,
            client.map("f", range(30)) as batch,
        ):
            if has_begun:
                assert await anext(batch) == 0
            if not (child := os.fork()):
                signal.alarm(30)
                try:
                    await anext(batch)
                except LocalProtocolError:
                    os._exit(0)
                finally:
                    os._exit(1)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0  # noqa: ASYNC222 - nothing else runs
            assert [item async for item in batch][-1] == -29

    with Stub(routes({"/f": Busy(100)})) as stub:
        anyio.run(main, stub.url, backend=backend)


def is_full(client: SyncHTTPClient | AsyncHTTPClient) -> list[Slot]:
    """Let all places under the client's limit be taken; they are free when the list goes."""
    control = client._driver.session.control
    taken, refused = control.begin("batch"), control.begin("batch")
    control.refuse(refused, 0.0)
    assert control.wait("other", time.monotonic()) > 0
    return [taken]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.parametrize("backend", ["sync", "asyncio", "trio"])
def test_a_child_does_not_wait_for_the_calls_of_its_parent(backend: str) -> None:
    async def calls(client: AsyncHTTPClient) -> list[Any]:
        return [item async for item in client.map("f", range(3))]

    make = SyncHTTPClient if backend == "sync" else AsyncHTTPClient
    with Stub(routes({"/f": Busy(100)})) as stub:
        client = make(stub.url, schema=NUMBER, server_ready_timeout=0)
        taken = is_full(client)
        if not (child := os.fork()):
            signal.alarm(30)
            try:
                if isinstance(client, AsyncHTTPClient):
                    results = anyio.run(calls, client, backend=backend)
                else:
                    results = list(client.map("f", range(3)))
                os._exit(results != [0, -1, -2])
            finally:
                os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert taken


# --- the real thing


def test_bentoml_with_max_concurrency(connect: Connect, servers: Servers) -> None:
    client = connect(servers.url("limits:ZooLimits"))
    given: list[Any] = [{"seconds": 0.05}] * 60
    assert list(client.map("sleepy", given, concurrency=32)) == ["awake"] * 60


def test_bentoml_that_is_killed_and_restarted() -> None:
    """What was running when it died may have run: it is an error each, and all else has its result."""
    with serve("zoo:Zoo") as first:
        client = SyncHTTPClient(first.url, timeout=120)
        client.connect()
        batch = client.map("echo_str", (str(number) for number in range(400)), concurrency=8, on_error="return")
        results = [next(batch) for _ in range(100)]
    with serve("zoo:Zoo", port=first.port, wait="started"):
        results += list(batch)
    lost = [number for number, result in enumerate(results) if isinstance(result, Exception)]
    assert [type(results[number]) for number in lost] == [ConnectionLost] * len(lost)
    assert len(lost) <= 8
    kept = [str(number) for number in range(400) if number not in lost]
    assert [result for result in results if isinstance(result, str)] == kept
    client.close()
