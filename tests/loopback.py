"""A server on loopback that does with each connection what a test wants: the part that all such servers share."""

from __future__ import annotations

import contextlib
import socket
import threading
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self


class LoopbackServer(ABC):
    """A server on a free port of 127.0.0.1, which runs while its ``with`` does, with a thread for each connection.

    Args:
        name: that of its threads.

    Attributes:
        port: where it listens.
        connections: how many connections were made.
    """

    def __init__(self, name: str) -> None:
        self.connections = 0
        self._name = name
        self._closing = False
        self._lock = threading.Lock()
        self._sockets: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=100)
        self.port: int = self._listener.getsockname()[1]
        self._acceptor = threading.Thread(target=self._accept, name=name)

    @abstractmethod
    def serve(self, sock: socket.socket, number: int) -> None:
        """Serve a connection, in a thread of its own. It is closed afterwards, also after an `OSError`.

        Args:
            sock: the connection.
            number: its number, from 0.
        """

    @property
    def open(self) -> int:
        """How many connections there are now."""
        return sum(thread.is_alive() for thread in self._threads)

    def watch(self, sock: socket.socket) -> None:
        """Have a socket shut down when the server ends, as those of its connections are."""
        with self._lock:
            self._sockets = {sock, *(other for other in self._sockets if other.fileno() >= 0)}

    def _accept(self) -> None:
        while True:
            sock, _ = self._listener.accept()
            if self._closing:
                sock.close()
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # what is sent in pieces arrives in pieces
            self.watch(sock)
            number, self.connections = self.connections, self.connections + 1
            thread = threading.Thread(target=self._run, args=(sock, number), name=f"{self._name} {number}")
            self._threads = [thread, *(other for other in self._threads if other.is_alive())]
            thread.start()

    def _run(self, sock: socket.socket, number: int) -> None:
        with sock, contextlib.suppress(OSError):  # the client has gone
            self.serve(sock, number)

    def __enter__(self) -> Self:
        self._acceptor.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        self._closing = True
        socket.create_connection(("127.0.0.1", self.port)).close()  # wakes the acceptor, which closing does not
        self._acceptor.join()
        self._listener.close()
        with self._lock:
            for sock in self._sockets:
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
