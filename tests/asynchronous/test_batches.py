"""Batches on each event loop: asynchronous inputs, cancelling, and what is dropped."""

from __future__ import annotations

import asyncio
import gc
import itertools
from collections.abc import AsyncIterator, Iterator

import anyio
import pytest

from bento_async import AsyncHTTPClient
from bento_proto import Limits

from .peers import Peer
from .schemas import client

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("no_tasks")]


class Broken(Exception):
    """What the inputs raise."""


async def numbers(stop: int = 10**9) -> AsyncIterator[dict[str, object]]:
    for number in range(stop):
        await anyio.lowlevel.checkpoint()
        yield {"x": number}


async def stays_usable(called: AsyncHTTPClient, peer: Peer) -> None:
    """Nothing is left that holds one of the few places."""
    with anyio.fail_after(10):
        assert [item async for item in called.map("echo", numbers(30), concurrency=9)] == [
            {"x": number} for number in range(30)
        ]


async def test_asynchronous_inputs(peer: Peer) -> None:
    async with client(peer.url, limits=Limits(connections=2)) as called:
        await stays_usable(called, peer)
        outcomes = called.echo.map(numbers(5), ordered=False).outcomes()
        assert sorted([outcome.result["x"] async for outcome in outcomes]) == [0, 1, 2, 3, 4]


async def test_inputs_that_come_slowly_do_not_hold_up_results(peer: Peer) -> None:
    async def slow() -> AsyncIterator[dict[str, object]]:
        yield {"x": 0}
        await anyio.sleep_forever()

    async with client(peer.url) as called, called.map("echo", slow()) as batch:
        with anyio.fail_after(10):
            assert await anext(batch) == {"x": 0}


async def test_inputs_that_break_off(peer: Peer) -> None:
    async def broken() -> AsyncIterator[dict[str, object]]:
        yield {"x": 0}
        raise Broken

    async with client(peer.url) as called:
        batch = called.map("echo", broken(), on_error="skip")
        assert await anext(batch) == {"x": 0}
        with pytest.raises(Broken):
            await anext(batch)


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt, SystemExit, asyncio.CancelledError], ids=lambda error: error.__name__
)
@pytest.mark.parametrize("kind", ["iterator", "asynchronous iterator"])
async def test_inputs_that_raise_what_is_no_exception(peer: Peer, error: type[BaseException], kind: str) -> None:
    """It reaches who asks for the results, and the event loop goes on."""

    def inputs() -> Iterator[dict[str, object]]:
        yield {"x": 0}
        raise error

    async def asynchronous() -> AsyncIterator[dict[str, object]]:
        for given in inputs():
            yield given

    async with client(peer.url) as called:
        raised: list[BaseException] = []
        with anyio.fail_after(10):
            try:
                async for item in called.map("echo", inputs() if kind == "iterator" else asynchronous()):
                    assert item == {"x": 0}
            except BaseException as exc:  # noqa: BLE001
                raised.append(exc)
        assert [type(exc) for exc in raised] == [error]
        await stays_usable(called, peer)


@pytest.mark.parametrize("how", ["leave", "close", "drop", "cancel"])
async def test_leaving_early_cancels_what_is_under_way(peer: Peer, how: str) -> None:
    peer.answers["/wait"] = b"HTTP/1.1 200"
    async with client(peer.url, limits=Limits(connections=3)) as called:
        batch = called.map("wait", ({"x": number} for number in itertools.count()), concurrency=3)
        with anyio.fail_after(10):
            if how == "leave":
                async with batch:
                    with anyio.move_on_after(0.05):
                        await anext(batch)
            elif how == "cancel":
                with anyio.move_on_after(0.05):
                    async for _ in batch:
                        pass
            else:
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(waiting, batch)
                    await anyio.sleep(0.05)
                    if how == "close":
                        await batch.close()
                    tasks.cancel_scope.cancel()
                del batch
                gc.collect()
        await stays_usable(called, peer)
    await anyio.to_thread.run_sync(peer.wait_until_closed)


async def waiting(batch: AsyncIterator[object]) -> None:
    async for _ in batch:
        pass


async def test_one_that_is_dropped_between_two_results(peer: Peer) -> None:
    peer.answers["/wait"] = b"HTTP/1.1 200"

    def calls() -> Iterator[dict[str, object]]:
        yield {"x": 0}
        while True:
            yield {"x": 1}

    async with client(peer.url, limits=Limits(connections=3)) as called:
        async for item in called.map("echo", calls(), concurrency=3):
            assert item == {"x": 0}
            break
        gc.collect()
        await stays_usable(called, peer)


async def test_tasks_share_a_batch(peer: Peer) -> None:
    found: list[object] = []

    async def take(batch: AsyncIterator[object]) -> None:
        async for item in batch:
            found.append(item)
            await anyio.lowlevel.checkpoint()

    async with client(peer.url) as called:
        for ordered in (True, False):
            found.clear()
            batch = called.map("echo", numbers(100), concurrency=8, ordered=ordered)
            with anyio.fail_after(30):
                async with anyio.create_task_group() as tasks:
                    for _ in range(4):
                        tasks.start_soon(take, batch)
            assert sorted(item["x"] for item in found if isinstance(item, dict)) == list(range(100))


async def test_again_and_again(peer: Peer) -> None:
    async with client(peer.url, limits=Limits(connections=2)) as called:
        for number in range(100):
            async with called.map("echo", numbers(), concurrency=5) as batch:
                with anyio.move_on_after(number % 10 / 1000):
                    async for _ in batch:
                        pass
        await stays_usable(called, peer)
    await anyio.to_thread.run_sync(peer.wait_until_closed)


# asyncio cancels at its end also what has not begun, which is then a coroutine of anyio's that never was awaited.
@pytest.mark.filterwarnings("ignore:coroutine '_Crew._make' was never awaited:RuntimeWarning")
async def test_a_batch_whose_loop_ends(peer: Peer) -> None:
    """An event loop that ends takes the batch along, used or not."""

    def run(backend: str) -> None:
        async def main() -> None:
            called = client(peer.url)
            kept.append(called.map("echo", numbers()))
            assert await anext(kept[-1]) == {"x": 0}
            kept.append(called.map("echo", numbers()))
            await called.close()

        anyio.run(main, backend=backend)

    kept: list[AsyncIterator[object]] = []
    for backend in ("asyncio", "trio"):
        with anyio.fail_after(20):
            await anyio.to_thread.run_sync(run, backend)
    kept.clear()
    gc.collect()  # here, where that warning is expected, and not amid another test
