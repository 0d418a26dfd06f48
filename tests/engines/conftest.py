"""What the tests of engines share: a Service that counts, and processes that find the tests."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from .counting import Service


@pytest.fixture(scope="module", autouse=True)
def environment() -> Iterator[None]:
    """The processes of the engines run this Python, and find the tests."""
    path = os.pathsep.join(filter(None, (str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH"))))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", path)
        patch.setenv("PYSPARK_PYTHON", sys.executable)
        yield


@pytest.fixture
def service(capsys: pytest.CaptureFixture[str], request: pytest.FixtureRequest) -> Iterator[Service]:
    """A Service; the end says what it was asked."""
    service = Service()
    with service.stub:
        began = time.monotonic()
        yield service
        if service.asked:
            with capsys.disabled():
                print(f"\n  {request.node.name.removeprefix('test_')}: {service.report(time.monotonic() - began)}")
