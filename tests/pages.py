"""What a page of the documentation shows, run as its reader would run it.

::

    for snippet in snippets(Path("README.md")):
        snippet.run(namespace, url)

A fenced block counts by its language:

* ``python`` is executed, one block after the other in one namespace. Where it defines ``async def main``, it is
  executed once for each event loop, on which its ``anyio.run(main)`` then runs; without one, ``main`` is run all the
  same. When its first line is a comment that names a file (``# jobs.py``), it is written to that file instead.
* ``console`` has commands behind ``$ ``, which bash runs, all of a block in one shell; what is printed below them must
  be what they print, where ``...`` stands for anything. Commands with nothing below may print what they like.
* whatever is in another language, ``sh`` and ``text`` for instance, is for the eye only.

An HTML comment that begins with ``<!-- python`` is executed at its place too, and not shown: it prepares, or asserts.
``http://localhost:3000`` is where the Service is, everywhere.
"""

from __future__ import annotations

import doctest
import io
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import NamedTuple

from PIL import Image

SHOWN = "http://localhost:3000"

_BLOCK = re.compile(
    r"^(?P<indent> *)(?P<fence>```+)(?P<shown>python|console)[^\n]*\n(?P<code>.*?)^ *(?P=fence) *$"
    r"|^<!-- python\n(?P<hidden>.*?)^-->",
    re.DOTALL | re.MULTILINE,
)
_FILE = re.compile(r"# (?P<name>[\w./-]+\.\w+)\n")
_RUNS = re.compile(r"^anyio\.run\(main\)", re.MULTILINE)
_END = "--- end of a command ---"


class Snippet(NamedTuple):
    """A block of a page that runs."""

    page: Path
    line: int
    language: str
    code: str

    @property
    def title(self) -> str:
        """The first line of it, to find it by."""
        return self.code.strip().splitlines()[0][:40]

    def run(self, namespace: dict[str, object], url: str) -> None:
        """Run it in the current directory, against the Service at ``url``."""
        if self.language == "console":
            self._type(url)
        elif file := _FILE.match(self.code):
            path = Path(file["name"])
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(self.code.replace(SHOWN, url), encoding="utf-8")
        elif "async def main(" in self.code:
            for backend in ("asyncio", "trio"):
                run = f'anyio.run(main, backend="{backend}")'
                code, runs = _RUNS.subn(run, self.code)
                self._execute(code if runs else f"{code}\nimport anyio\n{run}\n", namespace, url)
        else:
            self._execute(self.code, namespace, url)

    def _execute(self, code: str, namespace: dict[str, object], url: str) -> None:
        # The lines before it are there as empty ones, so that a traceback names those of the page.
        program = "\n" * (self.line - 1) + code.replace(SHOWN, url)
        exec(compile(program, self.page, "exec", dont_inherit=True), namespace)

    def _type(self, url: str) -> None:
        commands = _commands(self.code)
        script = "".join(f"{command}\necho '{_END}'\n" for command, _ in commands).replace(SHOWN, url)
        done = subprocess.run(
            ["bash", "-c", script],
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            timeout=120,
            env={**os.environ, "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))},
        )
        printed = done.stdout.replace(url, SHOWN).split(f"{_END}\n")
        checker, options = doctest.OutputChecker(), doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
        for (command, expected), got in zip(commands, printed, strict=False):
            where = f"{self.page.name}:{self.line}: $ {command}\n"
            assert not expected or checker.check_output(expected, got, options), f"{where}{got}"
        assert len(printed) == len(commands) + 1, f"{self.page.name}:{self.line}: ended early\n{done.stdout}"


def snippets(page: Path) -> list[Snippet]:
    """All blocks of a page that run, from its top to its bottom."""
    text = page.read_text(encoding="utf-8")
    found = []
    for block in _BLOCK.finditer(text):
        group = "hidden" if block["shown"] is None else "code"
        indent = block["indent"] or ""
        code = re.sub(f"^{indent}", "", block[group], flags=re.MULTILINE)
        line = text.count("\n", 0, block.start(group)) + 1
        found.append(Snippet(page, line, block["shown"] or "python", code))
    return found


def _commands(code: str) -> list[tuple[str, str]]:
    """The commands of a console block, each with what is printed below it. One that ends in a backslash goes on."""
    commands: list[tuple[str, str]] = []
    for line in code.splitlines(keepends=True):
        if line.startswith("$ "):
            commands.append((line[2:].rstrip("\n"), ""))
        else:
            command, printed = commands.pop()
            goes_on = command.endswith("\\") and not printed
            commands.append((f"{command}\n{line.rstrip()}", "") if goes_on else (command, printed + line))
    return commands


def png() -> bytes:
    """A picture."""
    buffer = io.BytesIO()
    Image.new("RGB", (4, 3), "red").save(buffer, "PNG")
    return buffer.getvalue()


class _Pictures(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        picture = png()
        self.send_response(200)
        self.send_header("content-length", str(len(picture)))
        self.end_headers()
        self.wfile.write(picture)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def pictures() -> Iterator[str]:
    """The URL of a proxy that has a picture for every URL."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Pictures) as proxy:
        thread = Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{proxy.server_port}"
        finally:
            proxy.shutdown()
            thread.join()
