"""The Service of ``workers.py`` as the tests see it: where it is, and what it has executed."""

from __future__ import annotations

import itertools
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.servers import free_port

from .processes import running

if TYPE_CHECKING:
    from typing_extensions import Self

_numbers = itertools.count()


def new_key() -> str:
    """What one call is known by in the ledger."""
    return f"{os.getpid()}-{next(_numbers)}"


@dataclass(frozen=True)
class Service:
    """A running Service.

    Attributes:
        port: where it is, on 127.0.0.1.
        tls: whether it speaks TLS.
        ledger: the file of its executions.
    """

    port: int
    tls: bool
    ledger: Path
    _pid: Path

    @property
    def url(self) -> str:
        return f"http{'s' * self.tls}://127.0.0.1:{self.port}"

    @classmethod
    @contextmanager
    def started(
        cls,
        folder: Path,
        *,
        port: int | None = None,
        ledger: Path | None = None,
        workers: int = 2,
        keep_alive: int = 5,
        certificate: Path | None = None,
    ) -> Iterator[Self]:
        """Run one until the ``with`` ends.

        Args:
            folder: for its files.
            port: by default one that is free.
            ledger: by default a file in the folder.
            workers: how many processes serve.
            keep_alive: how many seconds it keeps an idle connection.
            certificate: a file with key and certificates, for TLS.
        """
        port = port or free_port()
        service = cls(port, certificate is not None, ledger or folder / "ledger.txt", folder / "pid")
        service.ledger.touch()
        command = [sys.executable, "-m", "tests.infra.workers", "--port", str(port), "--workers", str(workers)]
        command += ["--ledger", str(service.ledger), "--keep-alive", str(keep_alive), "--pid", str(service._pid)]
        command += ["--certificate", str(certificate)] if certificate else []
        with running("service", command, folder, ports=[port]):
            yield service

    def executions(self) -> Counter[str]:
        """How often each key was executed."""
        return Counter(self.ledger.read_text(encoding="ascii").split())

    def finish(self) -> None:
        """Tell it to finish what it has begun and to end, as a rolling restart does."""
        os.kill(int(self._pid.read_text(encoding="ascii")), signal.SIGTERM)


def settled(service: Service, seconds: float = 0.2) -> Counter[str]:
    """The executions, once there have been no further ones for a while."""
    before = service.executions()
    while True:
        time.sleep(seconds)
        now = service.executions()
        if now == before:
            return now
        before = now
