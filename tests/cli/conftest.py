"""The command line, run as a user runs it: a process of its own, in a pipe or on a terminal."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, TypeAlias

import pytest

from tests.servers import Servers

COMMAND = (sys.executable, "-m", "bento_client")
_OURS = ("BENTO", "SSL_CERT", "NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES")


class Done(NamedTuple):
    """The outcome of a command."""

    code: int
    out: bytes
    err: bytes

    @property
    def text(self) -> str:
        return self.out.decode()

    @property
    def told(self) -> str:
        """Its standard error."""
        return self.err.decode()


Run: TypeAlias = Callable[..., Done]


def environment(added: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment without variables that change how the commands work."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(_OURS) and not name.lower().endswith("_proxy")
    }
    # A fixed locale; warnings of Python are not silenced, as they would be visible to users.
    return {**kept, "LC_ALL": "C.UTF-8", "TERM": "xterm-256color", **(added or {})}


@pytest.fixture(autouse=True, scope="session")
def interruptible() -> None:
    """Ctrl-C interrupts the commands even if a shell runs the tests in the background, where it would be ignored."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs a command in an empty directory, with pipes as its standard streams."""

    def run(*arguments: str, input: bytes = b"", env: Mapping[str, str] | None = None, cwd: Path = tmp_path) -> Done:
        command: Sequence[str] = (*COMMAND, *arguments)
        done = subprocess.run(
            command, input=input, capture_output=True, cwd=cwd, env=environment(env), timeout=60, check=False
        )
        return Done(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture(scope="session")
def zoo(servers: Servers) -> str:
    return servers.url("zoo:Zoo")


@pytest.fixture(scope="session")
def tasks(servers: Servers) -> str:
    return servers.url("tasks:ZooTasks")
