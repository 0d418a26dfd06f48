"""The pytest plugin: fixtures for doubles of Services and for recordings of real ones, and short tracebacks.

pytest loads it by itself.

The test kit is imported when a test first requests a fixture.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from bento_proto.testing import ServiceDouble

__all__ = ("Recording", "bento_double", "bento_recording", "pytest_addoption", "pytest_runtest_makereport")

_OPTION = "--bento-record"
_PACKAGES = frozenset({"bento_async", "bento_client", "bento_files", "bento_proto", "bento_sync"})


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option ``--bento-record``."""
    parser.getgroup("bento", "Services of BentoML").addoption(
        _OPTION,
        metavar="URL",
        help="make tests that use bento_recording call and record the Service at this URL instead of replaying",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_makereport(call: pytest.CallInfo[None]) -> None:
    """Leave the frames of the clients out of tracebacks; ``--full-trace`` shows them."""
    if call.excinfo is not None:
        for name, module in tuple(sys.modules.items()):
            if name.partition(".")[0] in _PACKAGES:
                vars(module)["__tracebackhide__"] = True


@dataclass(frozen=True)
class Recording:
    """A real Service that is being recorded, or the replay of its recording.

    Attributes:
        path: the file of the recording.
        options: the arguments of a client: ``SyncHTTPClient(**recording.options)``, likewise for the async client.
    """

    path: Path
    options: dict[str, Any]


@pytest.fixture
def bento_double() -> ServiceDouble:
    """A double of a Service, without endpoints, that takes no time for pauses."""
    from bento_proto.testing import ServiceDouble

    return ServiceDouble(speed=math.inf)


@pytest.fixture
def bento_recording(request: pytest.FixtureRequest) -> Iterator[Recording]:
    """A replay of what a real Service answered when this test ran with ``--bento-record URL``.

    The recording is in ``recordings/<module>/<test>.json`` beside the test's module. The replay takes no time for
    pauses. Without a recording, the test fails.
    """
    from bento_proto.testing import Recorder, Replay

    name = re.sub(r"[^\w.-]+", "_", request.node.nodeid.partition("::")[2])
    path: Path = request.path.parent / "recordings" / request.path.stem / f"{name}.json"
    url: str | None = request.config.getoption(_OPTION)
    if url is not None:
        recorder = Recorder(url)
        yield Recording(path, {"url": url, "recorder": recorder})
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(recorder.text(), encoding="utf-8")
        return
    if not path.is_file():
        pytest.fail(f"no recording of this test; make one with {_OPTION} URL: {path}", pytrace=False)
    replay = Replay(path.read_text(encoding="utf-8"), speed=math.inf)
    yield Recording(path, {"url": replay.url, "app": replay})
