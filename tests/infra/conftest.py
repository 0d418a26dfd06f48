"""The Services of this suite, what stands in front of them, and clients of each face."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import trustme

from tests.parity.faces import FACES, Connect, Face

from .service import Service


@pytest.fixture(scope="session", autouse=True)
def environment() -> Iterator[None]:
    """Nothing of the developer's own environment reaches the clients."""
    with pytest.MonkeyPatch.context() as patch:
        for name in os.environ:
            if name.lower().endswith("_proxy") or name in ("BENTO_CLOUD_API_KEY", "SSL_CERT_FILE", "SSL_CERT_DIR"):
                patch.delenv(name)
        yield


@pytest.fixture(scope="session", params=FACES, ids=[face.name for face in FACES])
def face(request: pytest.FixtureRequest, environment: None) -> Face:
    found: Face = request.param
    with found.client("http://127.0.0.1:9") as client:
        client.is_ready(5)  # whatever is loaded by the first request is loaded here, before there are several threads
    return found


@pytest.fixture
def connect(face: Face) -> Iterator[Connect]:
    """Makes clients of this face, which are closed when the test is over."""
    with ExitStack() as stack:
        yield lambda *args, **options: stack.enter_context(face.client(*args, **options))


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="session")
def certificate(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with a key and certificates for what the tests' servers are called."""
    made = authority.issue_cert("localhost", "127.0.0.1", "service.test")
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    path.write_bytes(b"".join([made.private_key_pem.bytes(), *(pem.bytes() for pem in made.cert_chain_pems)]))
    return path


@pytest.fixture(scope="session")
def trusting(authority: trustme.CA) -> ssl.SSLContext:
    """What a client speaks TLS with."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@pytest.fixture(scope="session")
def mortal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A Service of two workers, which die when they are told to."""
    with Service.started(tmp_path_factory.mktemp("mortal")) as service:
        yield service


@pytest.fixture(scope="session")
def mortal_tls(tmp_path_factory: pytest.TempPathFactory, certificate: Path) -> Iterator[Service]:
    """The same over TLS."""
    with Service.started(tmp_path_factory.mktemp("mortal-tls"), certificate=certificate) as service:
        yield service
