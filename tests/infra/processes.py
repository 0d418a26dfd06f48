"""Servers of other projects, each an ordinary process on loopback, ended by its id when its ``with`` is left.

::

    with running("haproxy", ["haproxy", "-db", "-f", str(path)], folder, port=port): ...

No process outlives the tests: each is on the leash of ``tests/guard.py``.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.waiting import HANGS

ROOT = Path(__file__).resolve().parent.parent.parent


class DidNotStart(Exception):
    """A process does not listen; the message ends with what it printed."""


def installed(program: str) -> str:
    """The path of a program; without it, the test is skipped."""
    found = shutil.which(program, path=os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin")))
    if found is None or sys.platform != "linux":
        pytest.skip(f"{program} is not installed")
    return found


@contextmanager
def running(name: str, command: Sequence[str], folder: Path, *, ports: Sequence[int]) -> Iterator[None]:
    """Run a command until the ``with`` ends. It begins once something listens on each of the ports.

    Args:
        name: of the process, in messages and for its log in the folder.
        command: stays in the foreground.
        folder: what the process may write to; the caller's.
        ports: of 127.0.0.1.

    Raises:
        DidNotStart: it ended, or does not listen.
    """
    log = folder / f"{name}.log"
    leash = folder / f"{name}.leash"  # the guard removes it
    leash.mkdir(exist_ok=True)
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-I", ROOT / "tests" / "guard.py", leash, *command],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=ROOT,
            start_new_session=True,
        )
    try:
        _await(process, ports, log)
        yield
    finally:
        assert process.stdin is not None
        process.stdin.close()
        process.wait(timeout=30)


def _await(process: subprocess.Popen[bytes], ports: Sequence[int], log: Path) -> None:
    ends = time.monotonic() + HANGS
    while not all(map(listens, ports)):
        if process.poll() is not None or time.monotonic() > ends:
            raise DidNotStart(f"{process.args!r}\n{log.read_text(errors='replace')[-5000:]}")
        time.sleep(0.02)


def listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
