"""The Services under each version of BentoML, and clients of each face for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

import pytest

from bento_sync import SyncHTTPClient
from environments import ENVIRONMENTS
from tests.parity.conftest import environment, face
from tests.parity.faces import Face
from tests.servers import Servers

__all__ = ["environment", "face"]

VERSIONS = {"1.2.20": "server-1.2", "1.3.22": "server-1.3", "1.4.39": "server", "1.4.40": "server-1.4.40"}
"""The newest of each minor version, the one before, and the environments that they are in."""
ADDED = ("server-1.2", "server-1.3", "server-1.4.40")

Client: TypeAlias = "Callable[[str], SyncHTTPClient]"
"""Gives the client of a Service, such as ``"zoo:Zoo"``."""


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "compat: against the BentoML versions that `make compat` sets up")


@pytest.fixture(scope="session", params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


@pytest.fixture(scope="session")
def zoo(version: str, face: Face, servers: Servers) -> Iterator[SyncHTTPClient]:
    with face.client(url_of(servers, "zoo:Zoo", VERSIONS[version])) as client:
        yield client


def url_of(servers: Servers, service: str, environment: str) -> str:
    """The URL of a Service in an environment; some versions only `make compat` makes, as that takes minutes."""
    if environment in ADDED and not (ENVIRONMENTS / environment).is_dir():
        pytest.skip(f"{environment} is not set up: it is for `make compat`")
    return servers.url(service, environment=environment)
