"""The examples do what they show, each as its user would start it, against a real server.

They have an environment of their own: what they drive the core with is not for the other tests.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from PIL import Image

from build import REQUIREMENTS, find_with_wheel
from environments import SetupFailed
from tests.servers import Servers

EXAMPLES = Path(__file__).parent.parent / "examples"
MOST_LINES = 105
ONE_CALL = ("asyncio_protocol", "http_client", "plain_socket", "tornado_stream", "twisted_protocol")
A_HUNDRED = ("selectors_hundred", "pycurl_multi")
needs_pycurl = pytest.mark.skipif(sys.platform != "linux", reason="pycurl is tested on Linux")
EACH = [pytest.param(name, id=name, marks=needs_pycurl if "curl" in name else ()) for name in (*ONE_CALL, *A_HUNDRED)]


@pytest.fixture(scope="module")
def python() -> Path:
    version = "{}.{}".format(*sys.version_info)  # runs on several Pythons may go on at the same time
    try:
        return find_with_wheel(f"examples-{version}", REQUIREMENTS / "examples.txt")
    except SetupFailed as error:
        pytest.fail(f"{error}: run `python tools/test.py --set-up`")


def run(python: Path, name: str, url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command: Sequence[str | Path] = [python, "-W", "error", "-X", "dev", EXAMPLES / f"{name}.py", url, *arguments]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False, timeout=120)


def warnings(stderr: str) -> list[str]:
    """What it wrote there, but for the long steps of tasks, which asyncio notes on a busy machine in debug mode."""
    return [line for line in stderr.splitlines() if not re.fullmatch(r"Executing <.* took [\d.]+ seconds", line)]


def test_each_example_is_tested_and_small() -> None:
    lengths = {path.stem: path.read_text(encoding="utf-8").count("\n") for path in EXAMPLES.glob("*.py")}
    assert set(lengths) == {*ONE_CALL, *A_HUNDRED}
    assert {name: lines for name, lines in lengths.items() if lines >= MOST_LINES} == {}


def shown(name: str, text: str) -> list[str]:
    return [text] * (100 if name in A_HUNDRED else 1)


@pytest.mark.parametrize("name", EACH)
def test_it_calls(name: str, python: Path, servers: Servers) -> None:
    done = run(python, name, servers.url("zoo:Zoo"), "echo_str", "text=a bento, ä")
    assert warnings(done.stderr) == []
    assert [line.rstrip() for line in done.stdout.splitlines()] == shown(name, "a bento, ä")


@pytest.mark.parametrize("name", EACH)
def test_it_streams(name: str, python: Path, servers: Servers) -> None:
    done = run(python, name, servers.url("zoo:Zoo"), "stream_fast_str")
    assert warnings(done.stderr) == []
    assert [line.split() for line in done.stdout.splitlines()] == [
        line.split() for line in shown(name, " ".join(f"tok{i}" for i in range(50)))
    ]


@pytest.mark.parametrize("name", EACH)
def test_it_tells_errors(name: str, python: Path, servers: Servers) -> None:
    done = run(python, name, servers.url("zoo:Zoo"), "err", "kind=Teapot")
    assert (done.returncode, done.stdout) == (1, "")
    assert "BentoMLException: short and stout" in done.stderr


def test_http_client_sends_files(python: Path, servers: Servers, tmp_path: Path) -> None:
    picture = tmp_path / "cat.png"
    Image.new("RGB", (4, 3), "red").save(picture)
    done = run(python, "http_client", servers.url("zoo:Zoo"), "image_in", f"img={picture}")
    assert (done.stdout, done.stderr) == ("{'format': 'PNG', 'size': [4, 3], 'mode': 'RGB'}", "")
