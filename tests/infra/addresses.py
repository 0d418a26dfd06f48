"""Hosts of several addresses on loopback, dead ones among them, and resolvers that answer as a test says."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest


@contextmanager
def dead(count: int, port: int = 0, *, first: int = 11) -> Iterator[tuple[list[str], int]]:
    """So many addresses of 127.0.0.0/8, and a port where each neither takes a connection nor refuses it.

    Args:
        count: how many.
        port: the same for all; by default one that is free.
        first: the last number of the first address.
    """
    addresses = [f"127.0.0.{first + n}" for n in range(count)]
    with ExitStack() as stack:
        for address in addresses:
            listener = stack.enter_context(socket.socket())
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((address, port))
            port = listener.getsockname()[1]
            listener.listen(0)
            for _ in range(8):  # more than the backlog takes: the system drops what else comes
                waiting = stack.enter_context(socket.socket())
                waiting.setblocking(False)
                waiting.connect_ex((address, port))
        yield addresses, port


@contextmanager
def silent(address: str, port: int) -> Iterator[None]:
    """What takes connections and says nothing."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server((address, port), backlog=16))
        taken: list[socket.socket] = []

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    taken.append(listener.accept()[0])

        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            thread.join()
            for connection in taken:
                connection.close()


class Names:
    """Replaces ``socket.getaddrinfo`` for some hosts, while the test runs.

    Args:
        patch: of the test.
    """

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._real = socket.getaddrinfo
        self._hosts: dict[str, Callable[[], Sequence[str]]] = {}
        self._over = threading.Event()
        patch.setattr(socket, "getaddrinfo", self._getaddrinfo)

    def has(self, host: str, addresses: Sequence[str]) -> None:
        """The host has those addresses, in that order."""
        self._hosts[host] = lambda: addresses

    def takes(self, host: str, seconds: float, addresses: Sequence[str]) -> None:
        """The same after so long; at the latest, when the test is over."""

        def wait() -> Sequence[str]:
            self._over.wait(seconds)
            return addresses

        self._hosts[host] = wait

    def end(self) -> None:
        """End the waits."""
        self._over.set()

    def _getaddrinfo(
        self, host: Any, port: Any, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0
    ) -> list[Any]:
        name = host.decode() if isinstance(host, bytes) else host
        found = self._hosts.get(name)
        if found is None:
            return list(self._real(host, port, family, type, proto, flags))
        return [info for address in found() for info in self._real(address, port, socket.AF_INET, socket.SOCK_STREAM)]
