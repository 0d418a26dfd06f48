"""One client under load: calls and streams at once. Every response is checked, and nothing may grow.

Each call sends a number of its own, which the response must return; the streams differ in length.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

CALLS = 1000
"""Concurrent calls of the async client. As many threads would measure threads rather than the sync client."""
STREAMS = 200
THREADS = 64
_LONGEST = 50  # items in a stream
PLACES = STREAMS + 100
"""The limit on the async client's connections: one for each stream, and some for the calls."""


class Held(NamedTuple):
    """Resident memory in bytes and open descriptors of this process; zeros where the system does not tell."""

    memory: int
    descriptors: int


def held() -> Held:
    """Return what this process holds now."""
    status = Path("/proc/self/status")
    if not status.exists():
        return Held(0, 0)
    resident = next(line for line in status.read_text().splitlines() if line.startswith("VmRSS"))
    return Held(int(resident.split()[1]) * 1024, len(os.listdir("/proc/self/fd")))


def words(count: int) -> str:
    """Return the joined items of a stream."""
    return "".join(f"tok{index} " for index in range(count))


class Numbers:
    """An iterator over the numbers of the calls that threads and tasks share."""

    def __init__(self, first: int, count: int) -> None:
        self._numbers: Iterator[int] = iter(range(first, first + count))
        self._lock = threading.Lock()

    def __iter__(self) -> Iterator[int]:
        return self

    def __next__(self) -> int:
        with self._lock:
            return next(self._numbers)


class Asynchronous:
    """An `AsyncHTTPClient` that a thousand tasks use for calls and two hundred for streams."""

    def __init__(self, url: str) -> None:
        from bento_async import AsyncHTTPClient, Limits

        self._client = AsyncHTTPClient(url, limits=Limits(connections=PLACES))

    async def run(self, calls: int, first: int = 0) -> None:
        """Make so many calls, and read one stream for every ten of them."""
        import anyio

        numbers, streams = Numbers(first, calls), Numbers(first, calls // 10)

        async def call() -> None:
            for number in numbers:
                answer = await self._client.echo(number=number)
                assert answer == number, (answer, number)

        async def stream() -> None:
            for number in streams:
                count = number % _LONGEST + 1
                found = "".join([item async for item in self._client.words(count=count)])
                assert found == words(count), (found, count)

        async with anyio.create_task_group() as group:
            for _ in range(CALLS):
                group.start_soon(call)
            for _ in range(STREAMS):
                group.start_soon(stream)


class Synchronous:
    """A `SyncHTTPClient` that 64 threads use. Each makes calls and reads a stream after every tenth."""

    def __init__(self, url: str) -> None:
        from bento_sync import Limits, SyncHTTPClient

        self._client = SyncHTTPClient(url, limits=Limits(connections=THREADS))

    def run(self, calls: int, first: int = 0) -> None:
        """Make so many calls, and read one stream for every ten of them."""
        numbers = Numbers(first, calls)
        failures: list[BaseException] = []

        def work() -> None:
            try:
                for number in numbers:
                    answer = self._client.echo(number=number)
                    assert answer == number, (answer, number)
                    if number % 10 == 0:
                        count = number % _LONGEST + 1
                        found = "".join(self._client.words(count=count))
                        assert found == words(count), (found, count)
            except BaseException as exc:  # noqa: BLE001 - raised by the main thread
                failures.append(exc)

        threads = [threading.Thread(target=work) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failures:
            raise failures[0]
