"""Completion in real shells, each as a person has it: the script is loaded, a line is typed, Tab is pressed."""

from __future__ import annotations

import os
import pty
import select
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.parity.proxies import Stub, endpoint, reply, schema

from .conftest import COMMAND, environment

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")

GIVEN = schema(
    endpoint("ask", doc="Ask, and get an answer: a short one", input={"properties": {"text": {}, "image": {}}}),
    endpoint("asleep"),
    endpoint("paint", input={"properties": {"color": {"enum": ["red", "blue"]}}}),
)


@pytest.fixture
def url() -> Iterator[str]:
    with Stub(lambda asked: reply(GIVEN if asked.target == "/schema.json" else b"")) as stub:
        yield stub.url


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A directory with the command, on which the shells start, and two files."""
    command = tmp_path / "bin" / "bento-client"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec {shlex.join(COMMAND)} "$@"\n')
    command.chmod(0o755)
    (tmp_path / "cat.png").touch()
    (tmp_path / "two words.png").touch()
    return tmp_path


def variables(home: Path) -> dict[str, str]:
    inherited = environment({"HOME": str(home)})
    # Modules are found without the current directory, which is the shell's.
    return {**inherited, "PATH": f"{home / 'bin'}:{inherited['PATH']}", "PYTHONPATH": os.pathsep.join(sys.path)}


class Zsh:
    """zsh on a pseudo-terminal."""

    def __init__(self, shell: str, home: Path) -> None:
        self._home = home
        (home / ".zshrc").write_text(
            "PS1='$ '; autoload -Uz compinit; compinit -u -D; unsetopt beep\n"
            'eval "$(bento-client completion zsh)"\n'
            # Ctrl-X d writes the line as it now is into a file, in one step.
            'dump() { print -rn -- "$BUFFER" > dump.new; command mv dump.new dump; zle kill-whole-line }\n'
            "zle -N dump; bindkey '^Xd' dump; print -r -- ready\n"
        )
        self._master, slave = pty.openpty()
        self._shown = b""
        self._process = subprocess.Popen(
            [shell, "-i"], stdin=slave, stdout=slave, stderr=slave, cwd=home, env=variables(home)
        )
        os.close(slave)
        self._wait_until(lambda: b"ready" in self._shown)

    def completed(self, typed: str) -> str:
        """The line after Tab."""
        dump = self._home / "dump"
        dump.unlink(missing_ok=True)
        os.write(self._master, typed.encode() + b"\t\x18d")
        self._wait_until(dump.exists)
        return dump.read_text()

    def listed(self, typed: str) -> str:
        """What Tab shows below the line."""
        self._shown = b""
        self.completed(typed)
        return self._shown.decode()

    def _wait_until(self, holds: object) -> None:
        assert callable(holds)
        deadline = time.monotonic() + 60
        while not holds():
            assert time.monotonic() < deadline, self._shown
            if select.select([self._master], [], [], 0.05)[0]:
                self._shown += os.read(self._master, 65536)

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._master)


@pytest.fixture
def zsh(home: Path) -> Iterator[Zsh]:
    shell = shutil.which("zsh")
    if shell is None:
        pytest.skip("there is no zsh")
    started = Zsh(shell, home)
    yield started
    started.close()


def test_zsh(zsh: Zsh, url: str) -> None:
    assert zsh.completed(f"bento-client call {url} pai") == f"bento-client call {url} paint "
    # One value is all there is: it is inserted, and no space is between it and what comes next.
    assert zsh.completed(f"bento-client call {url} ask te") == f"bento-client call {url} ask text="
    assert zsh.completed(f"bento-client call {url} paint color=r") == f"bento-client call {url} paint color=red "
    assert zsh.completed("bento-client call :1 ask image=@c") == "bento-client call :1 ask image=@cat.png "
    assert zsh.completed("bento-client call :1 ask image=@two") == r"bento-client call :1 ask image=@two\ words.png "
    assert zsh.completed("bento-client call :1 ask -o ca") == "bento-client call :1 ask -o cat.png "
    shown = zsh.listed(f"bento-client call {url} as")
    assert "Ask, and get an answer: a short one" in shown
    assert "asleep" in shown


@pytest.fixture
def fish(home: Path) -> Path:
    if shutil.which("fish") is None:
        pytest.skip("there is no fish")
    return home


def test_fish(fish: Path, url: str) -> None:
    def completed(typed: str) -> list[str]:
        script = f"bento-client completion fish | source; complete -C {shlex.quote(typed)}"
        done = subprocess.run(
            ["fish", "--no-config", "-c", script],
            cwd=fish, env=variables(fish), capture_output=True, text=True, timeout=60, check=True,
        )  # fmt: skip
        assert done.stderr == ""
        return done.stdout.splitlines()

    assert completed(f"bento-client call {url} as") == ["ask\tAsk, and get an answer: a short one", "asleep"]
    assert completed(f"bento-client call {url} ask te") == ["text="]  # after = fish adds no space
    assert completed(f"bento-client call {url} paint color=r") == ["color=red"]
    assert [line.partition("\t")[0] for line in completed("bento-client call :1 ask image=@c")] == ["image=@cat.png"]
    assert [line.partition("\t")[0] for line in completed("bento-client call :1 ask -o ca")] == ["cat.png"]
