"""Commands on a pseudo-terminal of 80 columns whose output is recorded."""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from .conftest import COMMAND, environment

if TYPE_CHECKING:
    from typing_extensions import Self

_STYLES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal:
    """A command that runs on a terminal of its own: standard input, output and error.

    As a context manager it ends the command at the end.
    """

    def __init__(self, *arguments: str, cwd: Path, env: Mapping[str, str] | None = None) -> None:
        assert sys.platform != "win32"
        import fcntl
        import pty
        import struct
        import termios

        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 80, 0, 0))
        self.process = subprocess.Popen(
            (*COMMAND, *arguments),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=cwd,
            env=environment(env),
        )
        os.close(slave)
        self.raw = ""

    @property
    def shown(self) -> str:
        """What was printed, without colors, with plain line ends."""
        return _STYLES.sub("", self.raw).replace("\r\n", "\n")

    def wait_for(self, text: str, seconds: float = 30) -> str:
        """Read until something is shown; return all that is."""
        deadline = time.monotonic() + seconds
        while text not in self.shown:
            assert time.monotonic() < deadline, f"{text!r} was not shown, but {self.shown!r}"
            assert self._read(), f"it ended before {text!r} was shown: {self.shown!r}"
        return self.shown

    def interrupt(self) -> None:
        """Do what a terminal does for Ctrl-C."""
        self.process.send_signal(signal.SIGINT)

    def finish(self) -> tuple[int, str]:
        """Read to the end; return the exit code and what was shown."""
        while self._read():
            pass
        return self.process.wait(30), self.shown

    def _read(self) -> bool:
        assert select.select([self._master], [], [], 30)[0], f"nothing more was shown: {self.shown!r}"
        try:
            data = os.read(self._master, 65536)
        except OSError:  # on Linux, that is how a terminal ends that nobody writes to any more
            return False
        self.raw += data.decode()
        return bool(data)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._master)
