"""How far a small call travels inside the clients: ``python tools/walk.py [--list] [sync] [asyncio]``.

Counted is one warm JSON call of each client, the shortest of ten, on a connection that is kept, against a small server
of this process that responds 20 ms later: the functions of the project that run, the files that they are in, and how
often the next function is in another file than the one before. That is what somebody reads who follows a call through
the code. ``--list`` prints the walk; each line is a function, indented as deep as it was called. A coroutine or
generator counts again each time that it goes on.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import json
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, NamedTuple

from build import REQUIREMENTS
from environments import ensure
from steps import ROOT

if TYPE_CHECKING:
    from bento_proto import JSON

SRC = ROOT / "src"
SCHEMA: JSON = {
    "name": "Walked",
    "type": "service",
    "routes": [
        {
            "name": "echo",
            "route": "/echo",
            "input": {"type": "object", "properties": {"data": {"type": "object"}}, "required": ["data"]},
            "output": {"type": "object"},
        }
    ],
}
ARGUMENT: JSON = {"k": 1}
WARM = 40  # calls before: by then the values' own functions are compiled


class Function(NamedTuple):
    """A function that ran: where it is, and how deep below the caller of the client."""

    file: str
    name: str
    depth: int


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True


class Handler(socketserver.StreamRequestHandler):
    """Answers each request of a connection with the JSON that it brought."""

    def handle(self) -> None:
        while self.rfile.readline().strip():
            size = 0
            while field := self.rfile.readline().strip().lower():
                if field.startswith(b"content-length:"):
                    size = int(field.partition(b":")[2])
            body = json.dumps(json.loads(self.rfile.read(size))["data"]).encode()
            head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            time.sleep(0.02)  # so that the client always waits: on loopback it does now and then
            self.wfile.write(head.encode() + body)
            self.wfile.flush()


@contextmanager
def server() -> Iterator[str]:
    with Server(("127.0.0.1", 0), Handler) as serving:
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        host, port = serving.server_address[:2]
        yield f"http://{host!s}:{port}"
        serving.shutdown()


class Walk:
    """Notes each function of the project that is called in this thread, from ``with`` to its end."""

    def __init__(self) -> None:
        self.functions: list[Function] = []
        self._outermost = 0

    def __enter__(self) -> None:
        self._outermost = _depth(sys._getframe())
        sys.setprofile(self._note)

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)

    def _note(self, frame: FrameType, event: str, _: object) -> None:
        path = Path(frame.f_code.co_filename)
        if event == "call" and path.is_relative_to(SRC):
            depth = _depth(frame) - self._outermost
            name: str = getattr(frame.f_code, "co_qualname", frame.f_code.co_name)  # without classes on Python 3.10
            self.functions.append(Function(path.relative_to(SRC).as_posix(), name, depth))


def _depth(frame: FrameType | None) -> int:
    """How many functions of the project are being run, this one included."""
    depth = 0
    while frame is not None:
        depth += Path(frame.f_code.co_filename).is_relative_to(SRC)
        frame = frame.f_back
    return depth


def walk_sync(url: str, walks: Iterable[Walk]) -> None:
    from bento_sync import SyncHTTPClient

    with SyncHTTPClient(url, schema=SCHEMA, server_ready_timeout=0) as client:
        for _ in range(WARM):
            client.echo(data=ARGUMENT)
        for walk in walks:
            with walk:
                client.echo(data=ARGUMENT)


def walk_asyncio(url: str, walks: Iterable[Walk]) -> None:
    from bento_async import AsyncHTTPClient

    async def main() -> None:
        async with AsyncHTTPClient(url, schema=SCHEMA, server_ready_timeout=0) as client:
            for _ in range(WARM):
                await client.echo(data=ARGUMENT)
            for walk in walks:
                with walk:
                    await client.echo(data=ARGUMENT)

    asyncio.run(main())


CLIENTS: dict[str, Callable[[str, Iterable[Walk]], None]] = {"sync": walk_sync, "asyncio": walk_asyncio}


def told(name: str, functions: list[Function]) -> str:
    files = [function.file for function in functions]
    changes = sum(before != after for before, after in pairwise(files))
    return f"{name}: {len(functions)} functions in {len(set(files))} files, {changes} changes of file"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("clients", nargs="*", metavar="client", help=f"of {', '.join(CLIENTS)}; all by default")
    parser.add_argument("--list", action="store_true", help="print the walk, too")
    options = parser.parse_args()
    if not all(map(importlib.util.find_spec, ("anyio", "h11", "urllib3"))):
        python = ensure("demo", REQUIREMENTS / "demo.txt")
        return subprocess.run([python, Path(__file__).resolve(), *sys.argv[1:]], check=False).returncode
    sys.path.insert(0, str(SRC))
    with server() as url:
        for name in options.clients or CLIENTS:
            walks = [Walk() for _ in range(10)]  # on a busy machine, a coroutine goes on more often
            CLIENTS[name](url, walks)
            functions = min((walk.functions for walk in walks), key=len)
            print(told(name, functions))
            if options.list:
                for function in functions:
                    print(f"    {'  ' * function.depth}{function.name}  ({function.file})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
