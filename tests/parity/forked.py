"""A client of each face in a parent and its forked child: ``python -m tests.parity.forked URL FACE``."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable

import anyio

from bento_async import AsyncHTTPClient
from bento_sync import SyncHTTPClient


def main(url: str, face: str) -> None:
    """Call before the fork, and then on both sides of it: with connections of their own, at the same time."""
    call, close = (by_thread if face == "sync" else by_loop)(url, face)
    call("before", 3)
    child = os.fork()
    if not child:
        call("child", 50)
        close()
        os._exit(0)
    call("parent", 50)
    assert os.waitpid(child, 0)[1] == 0
    call("after", 3)
    close()
    print("done")


def by_thread(url: str, face: str) -> tuple[Callable[[str, int], None], Callable[[], None]]:
    client = SyncHTTPClient(url)

    def one(text: str) -> None:
        assert client.echo_str(text=text) == text

    def call(who: str, times: int) -> None:
        for number in range(times):
            threads = [threading.Thread(target=one, args=(f"{who} {number} {part}",)) for part in range(3)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            one(who)

    return call, client.close


def by_loop(url: str, face: str) -> tuple[Callable[[str, int], None], Callable[[], None]]:
    client = AsyncHTTPClient(url)

    async def one(text: str) -> None:
        assert await client.echo_str(text=text) == text

    async def calls(who: str, times: int) -> None:
        for number in range(times):
            async with anyio.create_task_group() as tasks:
                for part in range(3):
                    tasks.start_soon(one, f"{who} {number} {part}")

    def call(who: str, times: int) -> None:
        anyio.run(calls, who, times, backend=face)

    return call, lambda: anyio.run(client.close, backend=face)


if __name__ == "__main__":
    main(*sys.argv[1:])
