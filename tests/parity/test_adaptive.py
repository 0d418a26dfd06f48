"""Plain calls of a Service that refuses some, or is away, by many threads or tasks: they adapt to its load."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import anyio
import pytest

from bento_async import AsyncHTTPClient
from bento_proto import CallTimeout, ConnectError, ConnectionLost, LocalProtocolError, RetryPolicy, Timeout
from bento_proto.testing import Refusal, ServiceDouble
from bento_sync import SyncHTTPClient
from tests.servers import Servers, free_port, serve

from .faces import Connect, Face
from .proxies import End, Stub, chunk, endpoint, head, reply, routes, schema
from .test_embedding import Kind, Opening, Sending, run
from .test_overload import NUMBER, Busy
from .test_transport import AsyncLibrary, Library

T = TypeVar("T")

ADAPTIVE = RetryPolicy(adaptive=True)
FULL = RetryPolicy(adaptive=True, max_outage=600)


def in_threads(threads: int, function: Callable[[int], T], count: int) -> list[T]:
    """The results of calls with these numbers, made by so many threads."""
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(function, range(count)))


def caller(client: SyncHTTPClient, name: str = "f") -> Callable[[int], object]:
    """Calls the endpoint with a number."""

    def call(number: int) -> object:
        return client.call(name, number)

    return call


def test_many_threads_call_a_service_that_takes_few_calls(connect: Connect) -> None:
    service = Busy(4)
    with Stub(routes({"/f": service})) as stub:
        client = connect(stub.url, schema=NUMBER, server_ready_timeout=0, retries=ADAPTIVE)
        assert in_threads(32, caller(client), 200) == [-number for number in range(200)]
    assert service.ran == Counter(range(200))


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_many_tasks_call_a_service_that_takes_few_calls(backend: str) -> None:
    service = Busy(4)
    results: dict[int, object] = {}

    async def main(url: str) -> None:
        async def call(number: int) -> None:
            results[number] = await client.call("f", number)

        async with (
            AsyncHTTPClient(url, schema=NUMBER, server_ready_timeout=0, retries=ADAPTIVE) as client,
            anyio.create_task_group() as tasks,
        ):
            for number in range(200):
                tasks.start_soon(call, number)

    with Stub(routes({"/f": service})) as stub:
        anyio.run(main, stub.url, backend=backend)
    assert results == {number: -number for number in range(200)}
    assert service.ran == Counter(range(200))


def test_plain_calls_and_a_batch_share_a_service(connect: Connect) -> None:
    service = Busy(4)
    with Stub(routes({"/f": service})) as stub, ThreadPoolExecutor(16) as threads:
        client = connect(stub.url, schema=NUMBER, server_ready_timeout=0, retries=ADAPTIVE)
        plain = [threads.submit(client.call, "f", number) for number in range(100)]
        batched = list(client.map("f", range(100, 200), concurrency=16))
        results = [each.result() for each in plain]
    assert results + batched == [-number for number in range(200)]
    assert service.ran == Counter(range(200))


def test_requests_of_the_callers_own_and_views_wait_for_their_turn(connect: Connect) -> None:
    service = Busy(4)
    with Stub(routes({"/f": service})) as stub:
        client = connect(stub.url, schema=NUMBER, server_ready_timeout=0).with_options(retries=ADAPTIVE)

        def request(number: int) -> object:
            return client.request("POST", "/f", json={"x": number}).json()

        assert in_threads(16, request, 100) == [-number for number in range(100)]
    assert service.ran == Counter(range(100))


def test_a_service_that_is_away_for_a_second(connect: Connect) -> None:
    port = free_port()
    service = Busy(100)
    client = connect(f"http://127.0.0.1:{port}", schema=NUMBER, server_ready_timeout=0, retries=ADAPTIVE)
    with ThreadPoolExecutor(16) as threads:
        calls = [threads.submit(client.call, "f", number) for number in range(100)]
        time.sleep(1)
        with Stub(routes({"/f": service}), port=port):
            assert [each.result(60) for each in calls] == [-number for number in range(100)]
    assert service.ran == Counter(range(100))


def test_a_total_timeout_ends_the_wait(connect: Connect) -> None:
    client = connect(
        "http://127.0.0.1:1", schema=NUMBER, server_ready_timeout=0, retries=FULL, timeout=Timeout(5, total=0.6)
    )
    with pytest.raises((CallTimeout, ConnectError)) as caught:
        client.call("f", 1)
    assert len(caught.value.attempts) >= 2
    assert isinstance(caught.value, (CallTimeout, ConnectError))
    assert not caught.value.sent


def test_an_outage_ends_the_wait(connect: Connect) -> None:
    policy = RetryPolicy(adaptive=True, max_outage=0.5)
    client = connect("http://127.0.0.1:1", schema=NUMBER, server_ready_timeout=0, retries=policy)
    with pytest.raises(ConnectError):
        client.call("f", 1)


def test_closing_the_client_ends_the_wait_of_threads() -> None:
    client = SyncHTTPClient("http://127.0.0.1:1", schema=NUMBER, server_ready_timeout=0, retries=FULL)
    with ThreadPoolExecutor(4) as threads:
        calls = [threads.submit(client.call, "f", number) for number in range(4)]
        time.sleep(0.1)
        client.close()
        for each in calls:
            with pytest.raises(LocalProtocolError, match="the client is closed"):
                each.result(30)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_closing_the_client_ends_the_wait_of_tasks(backend: str) -> None:
    closed: list[LocalProtocolError] = []

    async def main() -> None:
        client = AsyncHTTPClient("http://127.0.0.1:1", schema=NUMBER, server_ready_timeout=0, retries=FULL)

        async def call(number: int) -> None:
            try:
                await client.call("f", number)
            except LocalProtocolError as error:
                closed.append(error)

        async with anyio.create_task_group() as tasks:
            for number in range(4):
                tasks.start_soon(call, number)
            await anyio.sleep(0.1)
            await client.close()

    anyio.run(main, backend=backend)
    assert len(closed) == 4


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_cancelled_calls_leave_their_places(backend: str) -> None:
    service = Busy(1)

    async def call(client: AsyncHTTPClient, number: int) -> None:
        await client.call("f", number)

    async def main(url: str) -> None:
        async with AsyncHTTPClient(url, schema=NUMBER, server_ready_timeout=0, retries=ADAPTIVE) as client:
            async with anyio.create_task_group() as tasks:
                for number in range(30):
                    tasks.start_soon(call, client, number)
                await anyio.sleep(0.1)
                tasks.cancel_scope.cancel()
            with anyio.fail_after(30):
                assert await client.call("f", 100) == -100

    with Stub(routes({"/f": service})) as stub:
        anyio.run(main, stub.url, backend=backend)


def test_an_open_stream_keeps_no_call_waiting(connect: Connect) -> None:
    begun = head(200, {"content-type": "text/plain", "transfer-encoding": "chunked"}) + chunk(b"a")
    given: Any = schema(endpoint("f"), endpoint("texts", output={"type": "string", "is_stream": True}))
    answers = iter([reply("busy", 429), reply(1), reply(2)])
    with Stub(routes({"/texts": [begun, End.SILENCE], "/f": lambda _: next(answers)})) as stub:
        client = connect(stub.url, schema=given, server_ready_timeout=0, retries=ADAPTIVE)
        with client.call("texts") as slow:
            assert next(slow) == "a"
            assert [client.call("f"), client.call("f")] == [1, 2]


def test_a_double_that_refuses_is_called_again_at_once(connect: Connect) -> None:
    double = ServiceDouble(speed=math.inf)

    @double.endpoint
    def f(x: int) -> int:
        return -x

    double.script("f", *[Refusal(429, retry_after=10)] * 5, ...)
    began = time.monotonic()
    assert connect(app=double, retries=ADAPTIVE).call("f", 7) == -7
    assert time.monotonic() - began < 40


def test_a_library_of_the_callers_own(connect: Connect, face: Face) -> None:
    service = Busy(4)
    with Stub(routes({"/f": service})) as stub:
        transport = Library() if face.name == "sync" else AsyncLibrary()
        client = connect(stub.url, schema=NUMBER, server_ready_timeout=0, retries=ADAPTIVE, transport=transport)
        assert in_threads(16, caller(client), 100) == [-number for number in range(100)]
    assert service.ran == Counter(range(100))


@pytest.mark.parametrize("kind", [Opening, Sending])
def test_an_event_loop_of_the_embedders_own(kind: Kind) -> None:
    service = Busy(100, refusals=1)
    with Stub(routes({"/f": service})) as stub:
        client = kind(stub.url, schema=NUMBER, server_ready_timeout=0, retries=ADAPTIVE)
        assert run(client.call("f", 7)) == -7
    assert client.slept
    assert max(client.slept) <= 0.5, "it would notice that it was closed"


# --- the real thing


def test_bentoml_takes_sixteen_of_sixty_four(connect: Connect, servers: Servers) -> None:
    client = connect(servers.url("limits:ZooCrowd"), retries=ADAPTIVE)
    assert in_threads(64, caller(client, "doubled"), 400) == [2 * number for number in range(400)]


def test_bentoml_that_is_restarted() -> None:
    """What was running when it died may have run, and raises; all else has its result."""

    def call(number: int) -> object:
        try:
            return client.call("doubled", number, seconds=0.02)
        except ConnectionLost as exc:
            return exc

    with serve("limits:ZooCrowd") as first:
        client = SyncHTTPClient(first.url, timeout=120, retries=ADAPTIVE)
        client.connect()
        threads = ThreadPoolExecutor(8)
        calls = [threads.submit(call, number) for number in range(600)]
        calls[50].result(60)
    with serve("limits:ZooCrowd", port=first.port, wait="started"):
        results = [each.result(60) for each in calls]
    threads.shutdown()
    client.close()
    lost = [number for number, result in enumerate(results) if isinstance(result, ConnectionLost)]
    # Those that ran; and those whose connections the dying server's socket took, and that it may have read.
    assert len(lost) <= 2 * 8
    assert [results[number] for number in range(600) if number not in lost] == [
        2 * number for number in range(600) if number not in lost
    ]
