"""One measurement: ``python -m benchmarks.worker SCENARIO CONTENDER URL AMOUNT`` prints its figures as JSON."""

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
from benchmarks.scenarios import ENVIRONMENTS, NOT_INSTALLED, WAITS
from benchmarks.work import ANSWER, MIB, SHAPE

Figures: TypeAlias = "dict[str, float]"
"""By name: ``cpu`` and ``wall`` in microseconds per unit of work, ``memory`` in bytes, ``faults`` per unit."""

_BATCH = 20


def start() -> Meter:
    """Begin to measure: at once, or when those that are measured at the same time are warm, too."""
    if sys.argv[-1] == WAITS:
        print("warm", flush=True)
        sys.stdin.readline()
    return Meter()


def usage() -> tuple[int, int]:
    """Return the peak memory of this process in bytes and its page faults; zeros where the system does not tell."""
    if sys.platform == "win32":
        return 0, 0
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_maxrss if sys.platform == "darwin" else used.ru_maxrss * 1024, used.ru_minflt


class Meter:
    """Measures what this process uses from the creation of the meter on."""

    def __init__(self) -> None:
        self._memory, self._faults = usage()
        self._cpu, self._wall = time.process_time(), time.perf_counter()

    def read(self, units: int) -> Figures:
        """Return what was used, divided by the number of units of work. Memory is not divided."""
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
    """Make one call after the other."""
    ends = time.perf_counter() + seconds / 4
    while time.perf_counter() < ends:
        call()
    meter, units = start(), 0
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
    """Make calls from 64 threads on one client."""
    call = sync_calls.CONTENDERS[contender](url)
    counts: list[int] = []
    barrier = threading.Barrier(65)

    def work() -> None:
        call()
        barrier.wait()
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
    meter = start()
    barrier.wait()
    for thread in threads:
        thread.join()
    return meter.read(sum(counts))


def async_call(at_once: int, backend: str = "asyncio") -> Callable[[str, str, float], Figures]:
    """Make calls from so many tasks."""

    async def main(contender: str, url: str, seconds: float) -> Figures:
        import anyio

        call = await async_calls.CONTENDERS[contender](url)
        assert await call() == ANSWER

        async def burst(seconds: float) -> int:
            count, ends = 0, time.perf_counter() + seconds

            async def work() -> None:
                nonlocal count
                while True:
                    await call()
                    count += 1
                    if time.perf_counter() >= ends:
                        break

            async with anyio.create_task_group() as group:
                for _ in range(at_once):
                    group.start_soon(work)
            return count

        await burst(seconds / 4)
        meter = start()
        return meter.read(await burst(seconds))

    def run(contender: str, url: str, seconds: float) -> Figures:
        import anyio

        return anyio.run(main, contender, url, seconds, backend=backend)

    return run


def under_load(contender: str, url: str, amount: float) -> Figures:
    """Make so many calls, and read one stream for every ten of them, on one client. A tenth of that comes first."""
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
    assert after.descriptors <= load.PLACES + 20, f"{before} became {after}"  # the event loop has some
    return {**figures, "memory": after.memory - before.memory}


# --- streams


def streaming(name: str) -> Callable[[str, str, float], Figures]:
    """Read a stream whose items are already there. The unit is an item as the server sends it."""

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
    """Measure the delay from the call to the first item of a stream. The items are a millisecond apart."""

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
    """Transfer one file of so many MiB, after a small one. A contender whose name ends with ``, trio`` runs on trio."""

    async def asynchronous(name: str, url: str, folder: Path, mib: int) -> Figures:
        move = await async_contenders[name](url)
        _check(await move(folder, 1), 1)
        meter = Meter()
        _check(await move(folder, mib), mib)
        return meter.read(1)

    def run(contender: str, url: str, amount: float) -> Figures:
        folder, mib = Path(tempfile.gettempdir()), int(amount)
        files.source(folder, mib)
        name = contender.removesuffix(", trio")
        if name in async_contenders:
            import anyio

            backend = "asyncio" if name == contender else "trio"
            return anyio.run(asynchronous, name, url, folder, mib, backend=backend)
        move = contenders[contender](url)
        _check(move(folder, 1), 1)
        meter = Meter()
        _check(move(folder, mib), mib)
        return meter.read(1)

    return run


def _check(result: object, mib: int) -> None:
    """Check the size of a transfer. That of an upload may be the size of the whole form."""
    size = result["size"] if isinstance(result, dict) else Path(str(result)).stat().st_size
    assert mib * MIB <= size < mib * MIB + 1000, (size, mib)


def tensor_call(contender: str, url: str, amount: float) -> Figures:
    """Make so many calls with a tensor."""
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
    "https-64": async_call(64),
    "trio-64": async_call(64, "trio"),
    "load": under_load,
    "words": streaming("words"),
    "blobs": streaming("blobs"),
    "records": streaming("records"),
    "records-1000": streaming("records"),
    "first": first_item,
    "upload": transfer(files.UPLOADS, files.ASYNC_UPLOADS),
    "download": transfer(files.DOWNLOADS, files.ASYNC_DOWNLOADS),
    "https-download": transfer(files.DOWNLOADS, files.ASYNC_DOWNLOADS),
    "tensor": tensor_call,
    "process": _one_shot,
    "import": _importing,
    "size": _installed,
}


def main() -> None:
    scenario, contender, url, amount = sys.argv[1:5]
    try:
        figures = MEASURES[scenario](contender, url, float(amount))
    except ModuleNotFoundError as error:
        if contender not in ENVIRONMENTS:
            raise
        print(error, file=sys.stderr)
        sys.exit(NOT_INSTALLED)
    print(json.dumps(figures), flush=True)
    os._exit(0)  # without closing the clients: some would warn


if __name__ == "__main__":
    main()
