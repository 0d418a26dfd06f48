"""One client on several event loops, one after the other and at once, and after a fork."""

from __future__ import annotations

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

from bento_async import AsyncHTTPClient, Limits

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

    def run(loop: str) -> None:
        try:
            anyio.run(many, backend=loop)
        except Exception as exc:  # noqa: BLE001
            errors.append(exc)

    threads = [threading.Thread(target=run, args=(loop,)) for loop in LOOPS]
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
    root = Path(__file__).parents[2]
    paths = os.pathsep.join([str(root), *filter(None, sys.path)])
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", FORKED, peer.url, loop],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        env={**os.environ, "PYTHONPATH": paths},
    )
    assert (run.stdout, run.stderr) == ("done\n", "")
