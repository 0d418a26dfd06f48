"""The examples do what they show, each as its user would start it, against a real server."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.servers import Servers

EXAMPLES = Path(__file__).parent.parent / "examples"


def run(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", EXAMPLES / name, *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=60,
    )


def test_plain_socket_calls(servers: Servers) -> None:
    done = run("plain_socket.py", servers.url("zoo:Zoo"), "echo_str", "text=a bento")
    assert (done.stdout, done.stderr) == ("a bento\n", "")


def test_plain_socket_streams(servers: Servers) -> None:
    done = run("plain_socket.py", servers.url("zoo:Zoo"), "stream_fast_str")
    assert (done.stdout, done.stderr) == ("".join(f"tok{i} " for i in range(50)), "")


def test_plain_socket_tells_errors(servers: Servers) -> None:
    done = run("plain_socket.py", servers.url("zoo:Zoo"), "err", "kind=Teapot")
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "BentoMLException: short and stout\n")
