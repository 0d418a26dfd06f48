"""What the suite's tests ask for: clients of each face, of each real Service, and things to send.

A client of a Service is shared by all tests of its face, as a user would share it; who wants one of one's own, with
options or to a server of the test's own, asks for ``connect``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bento_sync import SyncHTTPClient
from tests.servers import Servers

from .faces import FACES, Connect, Face


@pytest.fixture(scope="session", autouse=True)
def environment() -> Iterator[None]:
    """Nothing of the developer's own environment reaches the clients."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("BENTO_CLOUD_API_KEY", "SSL_CERT_FILE", "SSL_CERT_DIR"):
            patch.delenv(name, raising=False)
        for name in os.environ:
            if name.lower().endswith("_proxy"):
                patch.delenv(name)
        yield


@pytest.fixture(scope="session", params=FACES, ids=[face.name for face in FACES])
def face(request: pytest.FixtureRequest, environment: None) -> Face:
    found: Face = request.param
    return found


@pytest.fixture(scope="session")
def zoo(face: Face, servers: Servers) -> Iterator[SyncHTTPClient]:
    with face.client(servers.url("zoo:Zoo")) as client:
        yield client


@pytest.fixture(scope="session")
def zoo_schema(zoo: SyncHTTPClient) -> Any:
    """What the zoo says of itself, for clients of other servers: BentoML makes it anew for whoever asks, in 0.1 s."""
    return zoo.request("GET", "/schema.json").json()


@pytest.fixture(scope="session")
def tasks(face: Face, servers: Servers) -> Iterator[SyncHTTPClient]:
    with face.client(servers.url("tasks:ZooTasks")) as client:
        yield client


@pytest.fixture
def connect(face: Face) -> Iterator[Connect]:
    """Makes clients of this face, which are closed when the test is over."""
    with ExitStack() as stack:

        def enter(*args: object, **options: object) -> SyncHTTPClient:
            return stack.enter_context(face.client(*args, **options))

        yield enter


@pytest.fixture
def text_file(tmp_path: Path) -> Path:
    path = tmp_path / "hello.txt"
    path.write_text("hello wörld", encoding="utf-8")
    return path


@pytest.fixture
def png(tmp_path: Path) -> Path:
    path = tmp_path / "red.png"
    Image.new("RGB", (4, 3), "red").save(path)
    return path
