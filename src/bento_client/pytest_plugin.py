"""A plugin for pytest: doubles of Services and recordings of real ones as fixtures. pytest finds it by itself.

What the fixtures stand on is imported when a test asks for them.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, NamedTuple

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bento_proto import Value
    from bento_proto.testing import ServiceDouble

__all__ = ("Recording", "bento_double", "bento_recording", "pytest_addoption")

_OPTION = "--bento-record"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option ``--bento-record``."""
    parser.getgroup("bento", "Services of BentoML").addoption(
        _OPTION,
        metavar="URL",
        help="have tests that use bento_recording call the Service at this URL, and record it, instead of replaying",
    )


class Recording(NamedTuple):
    """A real Service, as it was recorded or is being recorded.

    Attributes:
        path: the file that has the recording.
        options: what a client needs: ``SyncHTTPClient(**recording.options)``, and likewise for the async one.
    """

    path: Path
    options: dict[str, Value]


@pytest.fixture
def bento_double() -> ServiceDouble:
    """The double of a Service, without endpoints yet, for which no time goes by."""
    from bento_proto.testing import ServiceDouble

    return ServiceDouble(speed=math.inf)


@pytest.fixture
def bento_recording(request: pytest.FixtureRequest) -> Iterator[Recording]:
    """What a real Service answered when this test was run with ``--bento-record URL``.

    The recording is kept beside the test, in ``recordings/<module>/<test>.json``; when it is replayed, no time goes by.
    Without one the test fails.
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
        pytest.fail(f"there is no recording for this test; make one with {_OPTION} URL: {path}", pytrace=False)
    replay = Replay(path.read_text(encoding="utf-8"), speed=math.inf)
    yield Recording(path, {"url": replay.url, "app": replay})
