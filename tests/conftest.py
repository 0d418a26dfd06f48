"""What all tests share: the real servers, each started when a test first asks for it, all gone at the end."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis import settings

from tests.pages import pictures
from tests.servers import Servers

# No test is about how fast this machine is, or how busy.
settings.register_profile("without a deadline", deadline=None)
settings.load_profile("without a deadline")


def pytest_collection_finish() -> None:
    """Leave the modules and all the tests, which stay to the end, out of each later collection of garbage.

    Tests that look for leaks collect it again and again.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    with closing(Servers()) as servers:
        yield servers


@pytest.fixture(scope="session")
def documented(servers: Servers) -> Iterator[str]:
    """The URL of the Service that the documentation calls, which fetches URLs through a proxy on this machine."""
    with pictures() as proxy:
        yield servers.server("readme:Readme", env={"HTTP_PROXY": proxy}).url
