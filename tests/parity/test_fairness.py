"""More callers than connections: every caller is served, and in the order in which they came."""

from __future__ import annotations

import itertools
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import anyio
import pytest

from bento_async import AsyncHTTPClient
from bento_proto import Limits
from bento_sync import SyncHTTPClient

from .faces import LOOPS, Connect
from .portal import Backend
from .proxies import Asked, Stub, endpoint, reply, schema

CALLERS, CONNECTIONS, TURNS = 150, 100, 20
HANGS = 60.0  # seconds
GIVEN: Any = schema(endpoint("f", input={"properties": {"x": {"type": "integer"}}}, output={"type": "integer"}))


def after_20_ms(asked: Asked) -> bytes:
    time.sleep(0.02)
    return reply(1)


def test_every_thread_is_served(connect: Connect) -> None:
    """Threads that call again and again leave connections to those that have been waiting for one."""
    served: Counter[int] = Counter()
    begin, turns = threading.Barrier(CALLERS), itertools.count()

    with Stub(after_20_ms) as stub:
        client = connect(stub.url, schema=GIVEN, server_ready_timeout=0, limits=Limits(connections=CONNECTIONS))

        def call_again_and_again(caller: int) -> None:
            begin.wait()
            while next(turns) < CALLERS * TURNS:
                client.f()
                served[caller] += 1

        with ThreadPoolExecutor(CALLERS) as pool:
            for done in [pool.submit(call_again_and_again, caller) for caller in range(CALLERS)]:
                done.result()
    starved = [served[caller] for caller in range(CALLERS) if served[caller] < TURNS / 4]
    assert not starved, f"a fair share is {TURNS} calls"


class OneByOne:
    """A server whose first answer waits until ``release`` is set; it notes the order of all requests."""

    def __init__(self) -> None:
        self.release = threading.Event()
        self.order: list[int] = []

    def __call__(self, asked: Asked) -> bytes:
        number = int(asked.body.decode().partition(":")[2].strip(" }"))
        self.order.append(number)
        if number == 0:
            self.release.wait(HANGS)
        return reply(number)


def wait_until_blocked(thread: threading.Thread) -> None:
    """Wait until the thread waits for something: it sleeps, and stays at the same instruction."""
    assert thread.ident is not None
    seen: list[tuple[int, int, bool]] = []
    ends = time.monotonic() + HANGS
    while len(seen) < 5 or len(set(seen[-5:])) > 1 or not seen[-1][2]:
        assert time.monotonic() < ends
        time.sleep(0.01)
        frame = sys._current_frames().get(thread.ident)
        if frame is not None:
            seen.append((id(frame), frame.f_lasti, _sleeps(thread)))


def _sleeps(thread: threading.Thread) -> bool:
    stat = Path(f"/proc/self/task/{thread.native_id}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "S"


def test_threads_are_served_in_order() -> None:
    answer = OneByOne()
    with (
        Stub(answer) as stub,
        SyncHTTPClient(stub.url, schema=GIVEN, server_ready_timeout=0, limits=Limits(connections=1)) as client,
    ):
        threads = [threading.Thread(target=client.f, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
            wait_until_blocked(thread)
        answer.release.set()
        for thread in threads:
            thread.join(HANGS)
    assert answer.order == [*range(8)]


@pytest.mark.parametrize("loop", LOOPS)
def test_tasks_are_served_in_order(loop: Backend) -> None:
    answer = OneByOne()

    async def main() -> None:
        async with (
            AsyncHTTPClient(stub.url, schema=GIVEN, server_ready_timeout=0, limits=Limits(connections=1)) as client,
            anyio.create_task_group() as tasks,
        ):

            async def call(number: int) -> None:
                assert await client.f(number) == number

            with anyio.fail_after(HANGS):
                for number in range(8):
                    tasks.start_soon(call, number)
                    await anyio.wait_all_tasks_blocked()
                answer.release.set()

    with Stub(answer) as stub:
        anyio.run(main, backend=loop)
    assert answer.order == [*range(8)]
