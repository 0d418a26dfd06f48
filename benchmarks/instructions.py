"""Count the instructions of our clients: ``python tools/bench.py instructions [--before WHEEL]``, with valgrind.

The counts repeat on a busy machine, which makes small changes visible. They are the instructions of the client's
process in user space: neither the kernel's instructions nor the cost of memory accesses.

A count per call is the difference between two runs with different numbers of calls: start and imports cancel out.
Before an event loop asks for events, the server responds to everything that was sent. So the number of events at a time
does not depend on the speed of either process.
"""

from __future__ import annotations

# mypy: disable-error-code="import-not-found,import-untyped"
import argparse
import asyncio
import os
import re
import selectors
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from benchmarks import async_calls, processes, sync_calls
from benchmarks.servers import ROOT, Server, fast_server, issue_certificate

_COUNT = re.compile(r"I\s+refs:\s+([\d,]+)")
_PROBE = b"GET /readyz HTTP/1.1\r\nhost: bench\r\n\r\n"


class Calls(NamedTuple):
    """Small JSON calls of a client.

    Attributes:
        contender: whose calls they are.
        tasks: how many make calls at once; 0 for the sync client.
        backend: the event loop.
        secure: use https.
        calls: the calls of each task, in the shorter and in the longer run.
    """

    contender: str
    tasks: int = 0
    backend: str = "asyncio"
    secure: bool = False
    calls: tuple[int, int] = (100, 300)


CALLS = {
    "sync": Calls("bento_sync"),
    "sync, https": Calls("bento_sync", secure=True),
    "asyncio, 1 at a time": Calls("bento_async", 1),
    "asyncio, 64 at a time": Calls("bento_async", 64, calls=(4, 10)),
    "asyncio, 64 at a time, https": Calls("bento_async", 64, secure=True, calls=(4, 10)),
    "trio, 1 at a time": Calls("bento_async", 1, "trio"),
    "trio, 64 at a time": Calls("bento_async", 64, "trio", calls=(4, 10)),
}
PROGRAMS = {
    "import Session": processes.IMPORTS["bento_proto"],
    "import SyncHTTPClient": processes.IMPORTS["bento_sync"],
    "import AsyncHTTPClient": processes.IMPORTS["bento_async"],
    "one process, sync": processes.program("bento_sync"),
    "one process, asyncio": processes.program("bento_async"),
    "one process, urllib3": processes.program("urllib3"),
}
"""Programs whose instructions are counted beyond those of a bare interpreter."""


# --- in the process that is counted


class Barrier:
    """Lets the server respond to everything that was sent.

    The server handles requests in the order of their arrival, and may send a batch of responses in any order. So all
    responses have been sent once it has responded to a second request.
    """

    def __init__(self, url: str) -> None:
        at = urlsplit(url)
        self._socket = socket.create_connection((at.hostname or "", at.port or 80))

    def wait(self) -> None:
        for _ in range(2):
            self._socket.send(_PROBE)
            self._socket.recv(1 << 10)


class Selector(selectors.DefaultSelector):
    """A selector that waits for the server first."""

    def __init__(self, barrier: Barrier) -> None:
        super().__init__()
        self._barrier = barrier

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self._barrier.wait()
        return super().select(timeout)


def call_sync(case: Calls, url: str, calls: int) -> None:
    """Make so many calls."""
    call = sync_calls.CONTENDERS[case.contender](url)
    for _ in range(calls):
        call()


async def call_async(case: Calls, url: str, calls: int) -> None:
    """Make so many calls from each task."""
    import anyio

    call = await async_calls.CONTENDERS[case.contender](url)
    await call()

    async def work() -> None:
        for _ in range(calls):
            await call()

    async with anyio.create_task_group() as group:
        for _ in range(case.tasks):
            group.start_soon(work)


def run_async(case: Calls, url: str, barrier: Barrier, calls: int) -> None:
    """Run the calls on an event loop that waits for the server before it asks for events."""
    if case.backend == "asyncio":
        loop = asyncio.SelectorEventLoop(Selector(barrier))
        asyncio.set_event_loop(loop)
        loop.run_until_complete(call_async(case, url, calls))
        return
    import trio

    class Instrument(trio.abc.Instrument):
        def before_io_wait(self, timeout: float) -> None:
            barrier.wait()

    order: Any = trio._core._run._r  # trio shuffles its tasks
    order.seed(0)
    trio.run(call_async, case, url, calls, instruments=[Instrument()])


def work(name: str, url: str, plain: str, calls: int) -> None:
    """Make the calls, and end the process without closing anything."""
    case = CALLS[name]
    if case.tasks:
        run_async(case, url, Barrier(plain), calls)
    else:
        call_sync(case, url, calls)
    os._exit(0)


# --- around it


def count(command: list[str], environ: Mapping[str, str]) -> int:
    """Run a command under valgrind; return the number of its instructions.

    Raises:
        RuntimeError: it failed.
    """
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        log = Path(folder) / "valgrind.log"
        options = ["--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null", f"--log-file={log}"]
        counted = ["valgrind", *options, *command]
        done = subprocess.run(counted, check=False, capture_output=True, text=True, cwd=ROOT, env=environ, timeout=600)
        found = _COUNT.search(log.read_text()) if log.exists() else None
    if done.returncode or found is None:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr[-2000:].strip()}")
    return int(found[1].replace(",", ""))


def per_call(name: str, python: str, server: Server, authority: Path) -> float:
    """Count the instructions of one call."""
    case = CALLS[name]
    url = server.secure if case.secure else server.plain
    environ = {**_environ(), "SSL_CERT_FILE": str(authority)}
    command = [python, "-m", "benchmarks.instructions", "--work", name, url, server.plain]
    _compile([*command, "1"], environ)
    few, many = (count([*command, str(calls)], environ) for calls in case.calls)
    return (many - few) / (case.calls[1] - case.calls[0]) / max(case.tasks, 1)


def beyond_bare(name: str, python: str, server: Server) -> float:
    """Count the instructions of a program beyond those of a bare interpreter."""
    bare, whole = ([python, "-c", each, server.plain] for each in ("pass", PROGRAMS[name]))
    environ = _environ()
    _compile(whole, environ)
    return count(whole, environ) - count(bare, environ)


def _environ() -> dict[str, str]:
    """Return an environment in which runs repeat, and find compiled modules."""
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**inherited, "PYTHONHASHSEED": "0"}


def _compile(command: list[str], environ: Mapping[str, str]) -> None:
    """Run a command, which compiles the modules that it imports."""
    subprocess.run(command, check=True, cwd=ROOT, env=environ)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("names", nargs="*", help=f"beginnings of {', '.join((*CALLS, *PROGRAMS))}; by default all")
    parser.add_argument("--before", help="the python of an environment with another wheel")
    parser.add_argument("--work", nargs=4, metavar=("NAME", "URL", "PLAIN", "CALLS"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        name, url, plain, calls = options.work
        work(name, url, plain, int(calls))
    if not shutil.which("valgrind"):
        sys.exit("valgrind is not installed")
    pythons = [sys.executable, *([options.before] if options.before else [])]
    print(f"{'thousands of instructions':30} {'now':>10}" + (f" {'before':>10} {'ratio':>6}" if options.before else ""))
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        certificate = issue_certificate(Path(folder))
        with fast_server(certificate) as server:
            for name in (*CALLS, *PROGRAMS):
                if options.names and not name.startswith(tuple(options.names)):
                    continue
                if name in CALLS:
                    found = [per_call(name, python, server, certificate.authority) for python in pythons]
                else:
                    found = [beyond_bare(name, python, server) for python in pythons]
                ratio = f" {found[0] / found[1]:6.2f}" if options.before else ""
                print(f"{name:30}" + "".join(f" {each / 1000:10,.1f}" for each in found) + ratio, flush=True)


if __name__ == "__main__":
    main()
