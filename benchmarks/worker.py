"""One measurement, in a process of its own: ``python -m benchmarks.worker SCENARIO CONTENDER URL AMOUNT`` prints it."""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeAlias

from benchmarks import async_calls, files, load, processes, streams, sync_calls
from benchmarks.work import ANSWER, MIB, SHAPE

Figures: TypeAlias = "dict[str, float]"
"""By name: ``cpu`` and ``wall`` in microseconds a unit of work, ``memory`` in bytes, ``faults`` a unit."""

_BATCH = 20


def usage() -> tuple[int, int]:
    """The most memory that this process has had, in bytes, and its page faults; zeros where nothing tells."""
    if sys.platform == "win32":
        return 0, 0
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_maxrss if sys.platform == "darwin" else used.ru_maxrss * 1024, used.ru_minflt


class Meter:
    """Measures from when it is made."""

    def __init__(self) -> None:
        self._memory, self._faults = usage()
        self._cpu, self._wall = time.process_time(), time.perf_counter()

    def read(self, units: int) -> Figures:
        """What was used, for each of so many units of work; memory for all of them."""
        cpu, wall = time.process_time() - self._cpu, time.perf_counter() - self._wall
        memory, faults = usage()
        return {
            "cpu": cpu / units * 1e6,
            "wall": wall / units * 1e6,
            "memory": memory - self._memory,
            "faults": (faults - self._faults) / units,
        }


# --- calls


def repeated(call: Callable[[], object], seconds: float) -> Figures:
    """One call after the other."""
    ends = time.perf_counter() + seconds / 4
    while time.perf_counter() < ends:
        call()
    meter, units = Meter(), 0
    ends = time.perf_counter() + seconds
    while time.perf_counter() < ends:
        for _ in range(_BATCH):
            call()
        units += _BATCH
    return meter.read(units)


def sync_call(contender: str, url: str, seconds: float) -> Figures:
    call = sync_calls.CONTENDERS[contender](url)
    assert call() == ANSWER
    return repeated(call, seconds)


def threads_call(contender: str, url: str, seconds: float) -> Figures:
    """64 threads on one client."""
    call = sync_calls.CONTENDERS[contender](url)
    counts: list[int] = []
    barrier = threading.Barrier(65)

    def work() -> None:
        call()
        barrier.wait()
        count, ends = 0, time.perf_counter() + seconds
        while time.perf_counter() < ends:
            call()
            count += 1
        counts.append(count)

    threads = [threading.Thread(target=work) for _ in range(64)]
    for thread in threads:
        thread.start()
    barrier.wait()
    meter = Meter()
    for thread in threads:
        thread.join()
    return meter.read(sum(counts))


def async_call(at_once: int, backend: str = "asyncio") -> Callable[[str, str, float], Figures]:
    """So many tasks, each with one call after the other."""

    async def main(contender: str, url: str, seconds: float) -> Figures:
        import anyio

        call = await async_calls.CONTENDERS[contender](url)
        assert await call() == ANSWER

        async def burst(seconds: float) -> int:
            count, ends = 0, time.perf_counter() + seconds

            async def work() -> None:
                nonlocal count
                going_on = True
                while going_on:
                    await call()
                    count += 1
                    going_on = time.perf_counter() < ends

            async with anyio.create_task_group() as group:
                for _ in range(at_once):
                    group.start_soon(work)
            return count

        await burst(seconds / 4)
        meter = Meter()
        return meter.read(await burst(seconds))

    def run(contender: str, url: str, seconds: float) -> Figures:
        import anyio

        return anyio.run(main, contender, url, seconds, backend=backend)

    return run


def under_load(contender: str, url: str, amount: float) -> Figures:
    """So many calls, and a stream for every tenth of them, through one client, after a tenth of that to settle."""
    calls = int(amount)

    async def asynchronous() -> Figures:
        client = load.Asynchronous(url)
        await client.run(calls // 10)
        before, meter = load.held(), Meter()
        await client.run(calls, first=calls)
        return _flat(before, meter.read(calls))

    if contender == "bento_async":
        return asyncio.run(asynchronous())
    client = load.Synchronous(url)
    client.run(calls // 10)
    before, meter = load.held(), Meter()
    client.run(calls, first=calls)
    return _flat(before, meter.read(calls))


def _flat(before: load.Held, figures: Figures) -> Figures:
    after = load.held()
    assert after.descriptors <= load.PLACES + 20, f"{before} became {after}"  # some are the event loop's
    return {**figures, "memory": after.memory - before.memory}


# --- streams


def streaming(name: str) -> Callable[[str, str, float], Figures]:
    """A stream whose items are all there already; a unit is an item as it was sent."""

    async def asynchronous(contender: str, url: str, count: int) -> Figures:
        begin = await streams.ASYNC_CONTENDERS[contender](url)
        async for _ in begin(name, 10):
            pass
        meter = Meter()
        async for _ in begin(name, count):
            pass
        return meter.read(count)

    def run(contender: str, url: str, amount: float) -> Figures:
        count = int(amount)
        if contender in streams.ASYNC_CONTENDERS:
            return asyncio.run(asynchronous(contender, url, count))
        begin = streams.CONTENDERS[contender](url)
        for _ in begin(name, 10):
            pass
        meter = Meter()
        for _ in begin(name, count):
            pass
        return meter.read(count)

    return run


def first_item(contender: str, url: str, amount: float) -> Figures:
    """The delay from the call to the first item of a stream; the others come a millisecond after each other."""

    async def asynchronous() -> list[float]:
        delays: list[float] = []
        begin = await streams.ASYNC_CONTENDERS[contender](url)
        for _ in range(int(amount)):
            started, delay = time.perf_counter(), 0.0
            async for _ in begin("paced", 3):
                delay = delay or time.perf_counter() - started
            delays.append(delay)
        return delays

    def synchronous() -> list[float]:
        delays: list[float] = []
        begin = streams.CONTENDERS[contender](url)
        for _ in range(int(amount)):
            started, delay = time.perf_counter(), 0.0
            for _ in begin("paced", 3):
                delay = delay or time.perf_counter() - started
            delays.append(delay)
        return delays

    meter = Meter()
    delays = asyncio.run(asynchronous()) if contender in streams.ASYNC_CONTENDERS else synchronous()
    return {**meter.read(len(delays)), "wall": statistics.median(delays) * 1e6}


# --- files and tensors


def transfer(
    contenders: dict[str, Callable[[str], files.Transfer]],
    async_contenders: dict[str, Callable[[str], Awaitable[files.AsyncTransfer]]],
) -> Callable[[str, str, float], Figures]:
    """One file of so many MiB, after a small one."""

    async def asynchronous(contender: str, url: str, folder: Path, mib: int) -> Figures:
        move = await async_contenders[contender](url)
        _check(await move(folder, 1), 1)
        meter = Meter()
        _check(await move(folder, mib), mib)
        return meter.read(1)

    def run(contender: str, url: str, amount: float) -> Figures:
        folder, mib = Path(tempfile.gettempdir()), int(amount)
        files.source(folder, mib)
        if contender in async_contenders:
            return asyncio.run(asynchronous(contender, url, folder, mib))
        move = contenders[contender](url)
        _check(move(folder, 1), 1)
        meter = Meter()
        _check(move(folder, mib), mib)
        return meter.read(1)

    return run


def _check(result: object, mib: int) -> None:
    """Hold a transfer to its size; that of an upload may be the whole form's."""
    size = result["size"] if isinstance(result, dict) else Path(str(result)).stat().st_size
    assert mib * MIB <= size < mib * MIB + 1000, (size, mib)


def tensor_call(contender: str, url: str, amount: float) -> Figures:
    """So many calls with a tensor."""
    from benchmarks import tensors

    call = tensors.CONTENDERS[contender](url)
    answer = call()
    assert getattr(answer, "shape", None) == SHAPE, type(answer)
    meter = Meter()
    for _ in range(int(amount)):
        call()
    return meter.read(int(amount))


def _one_shot(contender: str, url: str, amount: float) -> Figures:
    return processes.one_shot(contender, url, int(amount))._asdict()


def _importing(contender: str, url: str, amount: float) -> Figures:
    return processes.importing(contender, int(amount))._asdict()


def _installed(contender: str, url: str, amount: float) -> Figures:
    size, count = processes.installed(contender)
    return {"size": size, "packages": count}


MEASURES: dict[str, Callable[[str, str, float], Figures]] = {
    "call": sync_call,
    "threads": threads_call,
    "asyncio-1": async_call(1),
    "asyncio-64": async_call(64),
    "asyncio-1000": async_call(1000),
    "trio-64": async_call(64, "trio"),
    "load": under_load,
    "words": streaming("words"),
    "blobs": streaming("blobs"),
    "records": streaming("records"),
    "records-1000": streaming("records"),
    "first": first_item,
    "upload": transfer(files.UPLOADS, files.ASYNC_UPLOADS),
    "download": transfer(files.DOWNLOADS, files.ASYNC_DOWNLOADS),
    "tensor": tensor_call,
    "process": _one_shot,
    "import": _importing,
    "size": _installed,
}


def main() -> None:
    scenario, contender, url, amount = sys.argv[1:]
    print(json.dumps(MEASURES[scenario](contender, url, float(amount))), flush=True)
    os._exit(0)  # the clients need no tidying up, and some would complain


if __name__ == "__main__":
    main()
