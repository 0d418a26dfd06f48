"""What all of these tests run under: both event loops, in debug mode, watched for blocking calls and for leaks."""

from __future__ import annotations

import gc
import os
import re
import threading
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest

from tests.waiting import HANGS
from tests.watch import watch

from .peers import Peer

_DESCRIPTORS = Path("/proc/self/fd")  # where the system has it


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> Any:
    return ("asyncio", {"debug": True}) if request.param == "asyncio" else request.param


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No token of the developer's own reaches the clients."""
    monkeypatch.delenv("BENTO_CLOUD_API_KEY", raising=False)


@pytest.fixture(autouse=True)
def no_blocking() -> Iterator[None]:
    watching = watch()
    watching.activate()
    yield
    watching.deactivate()


@pytest.fixture
def peer() -> Iterator[Peer]:
    with Peer() as peer:
        yield peer


@pytest.fixture(autouse=True)
def no_leaks(peer: Peer) -> Iterator[None]:
    """Once a test and its event loop are over, there are no more sockets and files than before."""
    before = _descriptors()
    yield
    peer.close()
    ends = time.monotonic() + HANGS
    while (more := _descriptors() - before) and time.monotonic() < ends:
        gc.collect()
        time.sleep(0.02)
    assert not more, f"left open: {more}; threads: {threading.enumerate()}"


def _descriptors() -> set[str]:
    found: set[str] = set()
    for link in _DESCRIPTORS.iterdir() if _DESCRIPTORS.exists() else ():
        try:
            target = os.readlink(link)
            if not re.fullmatch(r".*/bento-[^/]+/\.lock", target):  # that of the process's directory for results
                found.add(f"{link.name} {target}")
        except OSError:  # that of the directory that is being listed
            continue
    return found


@pytest.fixture
async def no_tasks(anyio_backend: Any) -> AsyncIterator[None]:
    """Once a test is over, no task runs that did not before."""
    before = _tasks()
    yield
    ends = anyio.current_time() + HANGS
    while (more := _tasks() - before) and anyio.current_time() < ends:
        await anyio.sleep(0.01)
    assert not more


def _tasks() -> set[int]:
    # On asyncio, anyio's pytest plugin has tasks of its own, one for each fixture and test.
    return {task.id for task in anyio.get_running_tasks() if "TestRunner" not in repr(task.coro)}
