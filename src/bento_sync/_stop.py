"""Stopping calls that other threads are making."""

from __future__ import annotations

import contextlib
import socket
import threading


class Stopped(Exception):
    """The call was stopped."""


class Stop:
    """Stops the calls that were given it, once and for all: those that wait for a server are woken.

    One that is just connecting, or waits for a free connection, ends when that does.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()  # who drops a batch may be any thread, in the midst of `watch` as well
        self._set = threading.Event()
        self._sockets: set[socket.socket] = set()

    @property
    def is_set(self) -> bool:
        """Whether the calls are stopped."""
        return self._set.is_set()

    def set(self) -> None:
        """Stop them."""
        with self._lock:
            self._set.set()
            for sock in self._sockets:
                with contextlib.suppress(OSError):  # the other side may have been faster
                    # Not that of a TLS socket, which would change under the thread that reads from it.
                    socket.socket.shutdown(getattr(sock, "socket", sock), socket.SHUT_RDWR)

    def sleep(self, seconds: float) -> None:
        """Wait, or less if they are stopped.

        Raises:
            Stopped: they are.
        """
        if self._set.wait(seconds):
            raise Stopped

    def watch(self, sock: socket.socket) -> None:
        """A call holds this socket from now on.

        Raises:
            Stopped: it must not.
        """
        with self._lock:
            if self._set.is_set():
                raise Stopped
            self._sockets.add(sock)

    def forget(self, sock: socket.socket) -> None:
        """The call holds it no more: another may."""
        with self._lock:
            self._sockets.discard(sock)
