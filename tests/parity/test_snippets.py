"""Code that was written for BentoML's own clients, from its documentation, runs when only the import is changed."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Coroutine, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import anyio
import pytest
from PIL import Image

import bento_async
import bento_sync
from bento_proto import InvalidArgument
from tests.servers import Servers

from .faces import Face

SNIPPETS = Path(__file__).with_name("snippets.rst")


def snippets() -> Iterator[tuple[str, str, str]]:
    """Title, ``"sync"`` or ``"async"``, and code of each."""
    title = ""
    lines = SNIPPETS.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines):
        if line and set(line) == {"-"}:
            title = lines[number - 1]
        if line == ".. code-block:: python":
            end = next((n for n in range(number + 1, len(lines)) if lines[n][:1].strip()), len(lines))
            code = textwrap.dedent("\n".join(lines[number + 1 : end])).strip() + "\n"
            yield title, "async" if "async with" in code else "sync", code


CODE = {(title, kind): code for title, kind, code in snippets()}


def run(face: Face, title: str, url: str, file: Path) -> list[tuple[Any, ...]]:
    """Run a snippet as this face's users have it; what it printed."""
    printed: list[tuple[Any, ...]] = []

    def process_data(item: str) -> None:
        printed.append((item,))

    async def process_data_async(item: str) -> None:
        printed.append((item,))

    # What a reader of the documentation has to fill in.
    code = CODE[title, "sync" if face.name == "sync" else "async"]
    for placeholder, real in (
        ("http://localhost:3000", url),
        ("/path/to/your/file", str(file)),
        ("https://example.org", url),
    ):
        code = code.replace(placeholder, real)
    names: dict[str, object] = {
        "bentoml": SimpleNamespace(
            SyncHTTPClient=bento_sync.SyncHTTPClient, AsyncHTTPClient=bento_async.AsyncHTTPClient
        ),
        "print": lambda *shown: printed.append(shown),
        "process_data": process_data,
        "process_data_async": process_data_async,
    }
    result = eval(compile(code, title, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True), names)
    if inspect.iscoroutine(result):
        anyio.run(_awaited, result, backend=face.name)
    return printed


async def _awaited(result: Coroutine[object, object, object]) -> None:
    await result


@pytest.fixture
def url(servers: Servers) -> str:
    return servers.url("documented:Documented")


def test_all_of_them_are_run() -> None:
    assert len(CODE) == SNIPPETS.read_text(encoding="utf-8").count("code-block") == 9
    assert sum(kind == "async" for _, kind in CODE) == 2


def test_create_a_client(face: Face, url: str, png: Path) -> None:
    assert run(face, "Create a client", url, png) == [("Your long text to",)]


def test_streaming(face: Face, url: str, png: Path) -> None:
    assert "".join(text for (text,) in run(face, "Streaming", url, png)) == "chunk 0\nchunk 1\nchunk 2\n"


# The documentation has these for the synchronous client alone.
SYNC = Face("sync", bento_sync.SyncHTTPClient)


@pytest.mark.parametrize("title", ["Check Service readiness", "Authorization"])
def test_texts(url: str, png: Path, title: str) -> None:
    assert run(SYNC, title, url, png) == [("Your long text to",)]


def test_json(url: str, png: Path) -> None:
    assert run(SYNC, "JSON", url, png) == [({"prediction": 2, "data": {"name": "Alice", "age": 30}},)]


def test_files(url: str, tmp_path: Path) -> None:
    image = Image.new("RGB", (2, 1))
    image.putpixel((0, 0), (255, 0, 0))
    image.save(tmp_path / "picture.png")
    ((turned,),) = run(SYNC, "Files", url, tmp_path / "picture.png")
    assert [turned.getpixel((x, 0)) for x in (0, 1)] == [(0, 0, 0), (255, 0, 0)]


def test_urls_of_files(url: str, png: Path) -> None:
    with pytest.raises(InvalidArgument, match="insecure input URL"):  # the server fetches it, but not from itself
        run(SYNC, "URLs of files", url, png)
