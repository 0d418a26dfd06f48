"""The examples do what they show, each as its user would start it, against a real server.

They have an environment of their own: what they drive the core with is not for the other tests.
"""

from __future__ import annotations

import json
import os
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

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples"
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


def lines_of(name: str, text: str) -> list[str]:
    return [text] * (100 if name in A_HUNDRED else 1)


@pytest.mark.parametrize("name", EACH)
def test_it_calls(name: str, python: Path, servers: Servers) -> None:
    done = run(python, name, servers.url("zoo:Zoo"), "echo_str", "text=a bento, ä")
    assert warnings(done.stderr) == []
    assert [line.rstrip() for line in done.stdout.splitlines()] == lines_of(name, "a bento, ä")


@pytest.mark.parametrize("name", EACH)
def test_it_streams(name: str, python: Path, servers: Servers) -> None:
    done = run(python, name, servers.url("zoo:Zoo"), "stream_fast_str")
    assert warnings(done.stderr) == []
    assert [line.split() for line in done.stdout.splitlines()] == [
        line.split() for line in lines_of(name, " ".join(f"tok{i}" for i in range(50)))
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


def shown(python: Path, cells: Sequence[str], folder: Path, url: str) -> list[dict[str, str]]:
    """What each cell shows in a kernel of Jupyter, by media type; an error is its traceback, as ``error``."""
    own = {"JUPYTER_PREFER_ENV_PATH": "1", "IPYTHONDIR": str(folder), "BENTO_CLIENT_URL": url}
    done = subprocess.run(
        [python, ROOT / "tests" / "kernel.py"],
        input=json.dumps(cells),
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=180,
        cwd=folder,
        env={**os.environ, **own},
    )
    assert done.returncode == 0, done.stderr
    found: list[dict[str, str]] = []
    for outputs in json.loads(done.stdout):
        found.append({})
        for output in outputs:
            found[-1].update(output.get("data", {}))
            if "text" in output:
                found[-1]["printed"] = found[-1].get("printed", "") + output["text"]
            if "traceback" in output:
                found[-1]["error"] = re.sub(r"\x1b\[[\d;]*m", "", "\n".join(output["traceback"]))
    return found


def test_the_notebook_in_a_kernel(python: Path, servers: Servers, tmp_path: Path) -> None:
    document = json.loads((EXAMPLES / "notebook.ipynb").read_text(encoding="utf-8"))
    cells = ["".join(cell["source"]) for cell in document["cells"] if cell["cell_type"] == "code"]
    client, endpoint, text, image, stream, batch, _, error, _ = shown(
        python, cells, tmp_path, servers.url("readme:Readme")
    )
    assert "<table>" in client["text/html"]
    assert "result = client.summarize(text=" in endpoint["text/html"]
    assert "A notebook shows what" in text["text/plain"]
    assert image["image/png"]
    assert "chunk 2" in stream["printed"]
    assert "3 of 3" in batch["printed"]
    assert "did you mean 'summarize'?" in error["printed"]


BOTH = """
import os
from bento_client import AsyncHTTPClient, SyncHTTPClient
client = SyncHTTPClient(os.environ["BENTO_CLIENT_URL"])
async_client = AsyncHTTPClient(os.environ["BENTO_CLIENT_URL"])
ip = get_ipython()
"""
PLAYER = '<b>speech.wav</b> <code>8 bytes</code></p><p><audio controls src="data:audio/'


def test_what_a_kernel_shows_of_results(python: Path, servers: Servers, tmp_path: Path) -> None:
    cells = {
        "client.file_task(name='speech.wav')": PLAYER,
        "await async_client.file_task(name='speech.wav')": PLAYER,
        "client.file_task.raw(name='page.html')": '<a download="page.html" href="data:application/octet-stream;base64,',
        "client.image_task.raw()": '<p><b>200 OK</b> <code>.*</p><p><img src="data:image/png;base64,',
        "client.json_task.raw(a=2)": "<pre>{&#x27;doubled&#x27;: 4}</pre>",
        "task = client.json_task.submit(a=1, delay=0.5)\ntask": "<b>Task of json_task</b> <code>submitted</code>",
        "task.wait()\ntask": "<b>Task of json_task</b> <code>completed</code>",
        "task = await async_client.json_task.submit()\nawait task.wait()\ntask": "<code>completed</code>",
        "batch = client.json_task.map([1, 2, 3])\nnext(batch)\nbatch": '<progress value="[123]" max="3"></progress>',
    }
    found = shown(python, [BOTH, *cells], tmp_path, servers.url("tasks:ZooTasks"))[1:]
    for wanted, output in zip(cells.values(), found, strict=True):
        assert re.search(wanted, output.get("text/html", "")), output


def test_what_a_kernel_shows_of_wrong_arguments(python: Path, servers: Servers, tmp_path: Path) -> None:
    cells = ("client.json_task(x=1)", "await async_client.json_task(x=1)", "SyncHTTPClient('ftp://x')", "int('x')")
    *ours, own = shown(python, [BOTH, *cells], tmp_path, servers.url("tasks:ZooTasks"))[1:]
    for cell, output in zip(cells, ours, strict=False):
        assert f"----> 1 {cell}\n\n" in output["error"], "the frames of the client are left out"
        assert output["error"].endswith("(without the frames of bento_client, which %xmode Verbose shows)")
    assert own["error"].endswith("ValueError: invalid literal for int() with base 10: 'x'")


@pytest.mark.parametrize("jedi", [True, False])
def test_what_a_kernel_completes(jedi: bool, python: Path, servers: Servers, tmp_path: Path) -> None:
    lines = {
        "client.json_t": "client.json_task",
        "client.json_task(de": "delay=",
        "async_client.json_task(de": "delay=",
        "client.json_task.sub": "client.json_task.submit",
        "task.get_st": "task.get_status",
    }
    ask = "from IPython.core.completer import provisionalcompleter\n"
    ask += f"ip.Completer.use_jedi = {jedi}\ntask = client.json_task.task('1')"
    complete = "with provisionalcompleter():\n    print([found.text for found in ip.Completer.completions({!r}, {})])"
    cells = [complete.format(line, len(line)) for line in lines]
    found = shown(python, [BOTH, ask, *cells], tmp_path, servers.url("tasks:ZooTasks"))[2:]
    for wanted, output in zip(lines.values(), found, strict=True):
        assert re.search(rf"\W{re.escape(wanted.rpartition('.')[2])}'", output["printed"]), (wanted, output)
