"""One client on several event loops, one after the other and at once, and after a fork."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
import threading
import warnings
from pathlib import Path
from typing import Any

import anyio
import pytest

from bento_async import AsyncHTTPClient, Limits, Timeout

from .peers import CHUNKED, Peer, chunk
from .schemas import client

LOOPS = ["asyncio", "trio", "asyncio"]


async def echo(called: AsyncHTTPClient, number: int) -> None:
    assert await called.echo(x=number) == {"x": number}


def test_one_after_the_other(peer: Peer) -> None:
    called = client(peer.url, limits=Limits(connections=1))
    for number, loop in enumerate(LOOPS):
        anyio.run(echo, called, number, backend=loop)
        anyio.run(echo, called, number, backend=loop)
    assert peer.accepted == 2 * len(LOOPS)
    assert peer.open <= 2, "what a loop has left is closed when the next one comes"
    anyio.run(called.close)
    peer.wait_until_closed()


def test_a_loop_that_ends_in_the_midst_of_a_stream(peer: Peer) -> None:
    peer.answers["/stream"] = CHUNKED + chunk(b"one")
    called = client(peer.url, limits=Limits(connections=1))
    streams: list[Any] = []

    async def begin() -> None:
        streams.append(await called.stream(x=1))
        await anext(streams[-1])

    for number, loop in enumerate(LOOPS):
        anyio.run(begin, backend=loop)
        anyio.run(echo, called, number, backend=loop)
    streams.clear()
    anyio.run(called.close)
    peer.wait_until_closed()


def test_at_once(peer: Peer) -> None:
    """Each loop in a thread of its own, with connections of its own."""
    called = client(peer.url, limits=Limits(connections=2), timeout=20)
    errors: list[Exception] = []

    async def many() -> None:
        async with anyio.create_task_group() as tasks:
            for number in range(50):
                tasks.start_soon(echo, called, number)

    def serve(loop: str) -> None:
        try:
            anyio.run(many, backend=loop)
        except Exception as exc:  # noqa: BLE001
            errors.append(exc)

    threads = [threading.Thread(target=serve, args=(loop,)) for loop in LOOPS]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert errors == []
    assert peer.accepted <= 2 * len(LOOPS)
    anyio.run(called.close)
    peer.wait_until_closed()


def test_a_client_that_is_never_closed(peer: Peer) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for number, loop in enumerate(LOOPS):
            anyio.run(echo, client(peer.url), number, backend=loop)
            gc.collect()
    peer.wait_until_closed()


def test_a_client_that_is_dropped_after_its_loop_was_closed(peer: Peer) -> None:
    """Also by who closes the loop himself, which tells nothing that belongs to it."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loop = asyncio.new_event_loop()
        loop.run_until_complete(echo(client(peer.url), 1))
        called = client(peer.url)
        loop.run_until_complete(echo(called, 2))
        loop.close()
        del called
        gc.collect()
    peer.wait_until_closed()


@pytest.mark.parametrize("now", [0.0, 1e12])
def test_a_loop_whose_clock_stands_still(peer: Peer, now: float) -> None:
    """As that of a test that freezes the time: what comes is received, and nothing is late."""
    loop = asyncio.new_event_loop()
    called = client(peer.url, timeout=Timeout.of(5).replace(total=20))
    loop.run_until_complete(echo(called, 1))
    loop.time = lambda: now  # type: ignore[method-assign]
    for number in range(3):
        loop.run_until_complete(echo(called, number))
    loop.run_until_complete(echo(client(peer.url), 4))
    del loop.time
    loop.run_until_complete(echo(called, 5))
    loop.run_until_complete(called.close())
    loop.close()


WITHOUT_READERS = """
import asyncio, sys
from bento_async import CallTimeout, Timeout
from tests.asynchronous.schemas import client

class Loop(asyncio.SelectorEventLoop):  # as that of Windows is
    add_reader = asyncio.AbstractEventLoop.add_reader
    add_writer = asyncio.AbstractEventLoop.add_writer

async def main():
    async with client(sys.argv[1], timeout=Timeout.of(5).replace(receive=0.05)) as called:
        for number in range(3):
            assert await called.echo(x=number) == {"x": number}
        assert [item async for item in called.stream(x=1)] == ["one"]
        try:
            await called.wait(x=1)
        except CallTimeout:
            print("done")

loop = Loop()
loop.run_until_complete(main())
loop.close()
"""


def test_a_loop_of_asyncio_that_watches_no_sockets(peer: Peer) -> None:
    peer.answers |= {"/wait": b"HTTP/1.1 2", "/stream": CHUNKED + chunk(b"one") + chunk(b"")}
    assert run(WITHOUT_READERS, peer.url) == ("done\n", "")


FORKED = """
import os, sys
import anyio
from tests.asynchronous.schemas import client

called = client(sys.argv[1])
opened = []

async def call(number):
    assert await called.echo(x=number) == {"x": number}
    opened.append(await called.stream(x=number))
    assert await anext(opened[-1]) == "one"

anyio.run(call, 1, backend=sys.argv[2])
if os.fork() == 0:
    anyio.run(call, 2, backend=sys.argv[2])
    opened.clear()
    os._exit(0)
assert os.wait()[1] == 0
anyio.run(call, 3, backend=sys.argv[2])
print("done")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.parametrize("loop", ["asyncio", "trio"])
def test_a_fork(peer: Peer, loop: str) -> None:
    """Parent and child have connections of their own, and what is dropped in the one stays with the other."""
    peer.answers["/stream"] = CHUNKED + chunk(b"one")
    assert run(FORKED, peer.url, loop) == ("done\n", "")


FORKED_INSIDE = """
import asyncio, os, sys, warnings
import anyio, trio
from bento_async import LocalProtocolError
from tests.asynchronous.schemas import client

warnings.simplefilter("ignore", DeprecationWarning)  # newer Pythons', of a fork beside a thread: here it is idle
start = {"asyncio": lambda call, *args: asyncio.run(call(*args)), "trio": trio.run}[sys.argv[2]]
used, unused = client(sys.argv[1]), client(sys.argv[1])

async def echo(called, number):
    assert await called.echo(x=number) == {"x": number}

async def child():
    for called in (used, unused):
        try:
            await echo(called, 1)
        except LocalProtocolError as error:
            print(error)
        except RuntimeError:
            start(echo, called, 2)
            print("asyncio")

async def main():
    await echo(used, 0)
    if os.fork() == 0:
        await child()
        sys.stdout.flush()
        os._exit(0)
    assert (await anyio.to_thread.run_sync(os.wait))[1] == 0
    await echo(used, 3)
    await echo(unused, 4)

start(main)
print("done")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_fork_inside_of_asyncio(peer: Peer) -> None:
    """In the child nothing can be awaited any more, but a new loop can be started."""
    assert run(FORKED_INSIDE, peer.url, "asyncio") == ("asyncio\nasyncio\ndone\n", "")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_fork_inside_of_trio(peer: Peer) -> None:
    """Its loop goes on in the child, where it waits in vain: for who has used it before as for who has not."""
    error = "this event loop was forked with the process: in the child, start a new one\n"
    assert run(FORKED_INSIDE, peer.url, "trio") == (f"{error}{error}done\n", "")


def run(script: str, *arguments: str) -> tuple[str, str]:
    """What a script prints in a process of its own, to standard output and error; a warning is an error."""
    paths = os.pathsep.join([str(Path(__file__).parents[2]), *filter(None, sys.path)])
    command = [sys.executable, "-W", "error", "-c", script, *arguments]
    environment = {**os.environ, "PYTHONPATH": paths}
    answer = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False, env=environment)
    return answer.stdout, answer.stderr
