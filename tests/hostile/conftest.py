"""What the suite's tests ask for: a scripted server, clients of each face for it, and the proof that nothing leaks."""

from __future__ import annotations

import gc
import os
import re
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from bento_proto import Timeout
from bento_sync import SyncHTTPClient
from tests.parity.faces import FACES, Connect, Face

from .server import Server
from .service import SCHEMA

_DESCRIPTORS = Path("/proc/self/fd")  # where the system has it


@pytest.fixture(scope="session", params=FACES, ids=[face.name for face in FACES])
def face(request: pytest.FixtureRequest) -> Face:
    found: Face = request.param
    found.client("http://localhost").close()  # an event loop starts with its first client, and stays
    return found


@pytest.fixture(autouse=True)
def no_leaks(face: Face) -> Iterator[None]:
    """Once a test is over, there are no more sockets, files and threads than before."""
    before = _resources()
    yield
    ends = time.monotonic() + 60
    while (more := _resources() - before) and time.monotonic() < ends:
        gc.collect()
        time.sleep(0.02)
    assert not more


def _resources() -> set[str]:
    # Event loops keep threads that are idle for a while, for whoever needs one next.
    found = {
        f"{t.name} {t.ident}" for t in threading.enumerate() if not t.name.startswith(("AnyIO", "Trio", "asyncio_"))
    }
    for link in _DESCRIPTORS.iterdir() if _DESCRIPTORS.exists() else ():
        try:
            target = os.readlink(link)
            if not re.fullmatch(r".*/bento-[^/]+/\.lock", target):  # that of the process's directory for results
                found.add(f"{link.name} {target}")
        except OSError:  # that of the directory that is being listed
            continue
    return found


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No token of the developer's own reaches the clients."""
    monkeypatch.delenv("BENTO_CLOUD_API_KEY", raising=False)


@pytest.fixture
def server(no_leaks: None) -> Iterator[Server]:
    with Server() as server:
        yield server


@pytest.fixture
def connect(face: Face, server: Server) -> Iterator[Connect]:
    """Makes clients of the server: without retries and with short waits, unless the test says otherwise.

    They are closed when the test is over, and then must have left no connection open.
    """
    with ExitStack() as stack:

        def enter(url: str = server.url, **options: object) -> SyncHTTPClient:
            own = {"schema": SCHEMA, "server_ready_timeout": 0, "timeout": Timeout.of(5), "retries": 0}
            return stack.enter_context(face.client(url, **{**own, **options}))

        yield enter
    server.settle()


@pytest.fixture
def client(connect: Connect) -> SyncHTTPClient:
    return connect()


class _Pipe:
    """A file that can be read once, and whose length nobody knows."""

    def __init__(self) -> None:
        self._left = b"all there is"

    def read(self, size: int = -1) -> bytes:
        data, self._left = (b"", self._left) if size == 0 else (self._left, b"")
        return data


@pytest.fixture
def pipe() -> object:
    return _Pipe()
