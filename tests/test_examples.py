"""The examples do what they show, each as its user would start it, against a real server.

They have an environment of their own: what they drive the core with is not for the other tests.
"""

from __future__ import annotations

import re
import shutil
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
ONE_CALL = (
    "aiohttp_session", "asyncio_protocol", "http_client", "httpx_client", "plain_socket", "requests_session",
    "tornado_stream", "twisted_protocol",
)  # fmt: skip
IN_PYODIDE = "pyodide_fetch"
A_HUNDRED = ("selectors_hundred", "pycurl_multi")
NODE = EXAMPLES.parent / ".venvs" / "node"
# Python in Node, with the packages of another Python: those that the client needs are pure.
PYODIDE = """
import { loadPyodide } from "pyodide";
const [url, packages, examples] = process.argv.slice(1);
const python = await loadPyodide();
for (const [path, root] of [["/packages", packages], ["/examples", examples]]) {
  python.FS.mkdirTree(path);
  python.FS.mount(python.FS.filesystems.NODEFS, { root }, path);
}
python.globals.set("url", url);
await python.runPythonAsync(`
import sys
sys.path += ["/packages", "/examples"]
from pyodide_fetch import FetchClient
client = FetchClient(url)
print(await client.echo_str(text="a bento, ä"))
async for item in client.stream_fast_str():
    print(item, end="")
print()
with open("notes.txt", "w") as file:
    file.write("notes")
print(await client.two_files(a=open("notes.txt", "rb"), b=b"more notes"))
try:
    await client.err(kind="Teapot")
except Exception as error:
    print(type(error).__name__, error)
`);
process.exit(0);
"""
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
    assert set(lengths) == {*ONE_CALL, *A_HUNDRED, IN_PYODIDE}
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


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no Node")
@pytest.mark.skipif(not NODE.is_dir(), reason="`python tools/test.py --set-up` found no npm")
def test_fetch_carries_requests_in_pyodide(python: Path, servers: Servers) -> None:
    ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
    packages = subprocess.run([python, "-c", ask], capture_output=True, text=True, check=True).stdout.strip()
    command: Sequence[str | Path] = [
        "node",
        "--input-type=module",
        "-e",
        PYODIDE,
        servers.url("zoo:Zoo"),
        packages,
        EXAMPLES,
    ]
    done = subprocess.run(command, cwd=NODE, capture_output=True, text=True, encoding="utf-8", check=False, timeout=180)
    assert done.stderr == ""
    assert [line.rstrip() for line in done.stdout.splitlines()] == [
        "a bento, ä",
        " ".join(f"tok{i}" for i in range(50)),
        "[5, 10]",
        "BentoMLException short and stout",
    ]
