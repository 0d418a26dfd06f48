"""Streams and waits on asyncio."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from functools import partial
from math import inf
from typing import TYPE_CHECKING, Final, TypeVar
from weakref import ref

from .base import Backend, DeadlineExceeded, Stream, Waiter

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

T = TypeVar("T")

_tasks: Final[set[asyncio.Task[None]]] = set()


class AsyncioBackend(Backend):
    """An event loop of asyncio's.

    Args:
        native: the loop.
    """

    def __init__(self, native: asyncio.AbstractEventLoop) -> None:
        super().__init__(native)
        self.loop: asyncio.AbstractEventLoop = native

    def time(self) -> float:
        return self.loop.time()

    def stream(self, sock: socket.socket) -> Stream:
        if type(self.loop).add_reader is asyncio.AbstractEventLoop.add_reader:
            return super().stream(sock)  # the loop has no readers, as Windows' has none
        return AsyncioStream(sock, self)

    def waiter(self, value: T) -> AsyncioWaiter[T]:
        return AsyncioWaiter(value, self.loop)

    def spawn(self, function: Callable[[], Coroutine[object, object, None]]) -> None:
        task = self.loop.create_task(function())
        _tasks.add(task)  # asyncio itself refers to it only weakly
        task.add_done_callback(_tasks.discard)

    def _schedule(self, callback: Callable[[], object]) -> None:
        self.loop.call_soon_threadsafe(callback)


class AsyncioWaiter(Waiter[T]):
    """A future and a timer, which take less than an event and a cancel scope.

    Args:
        value: as for a `Waiter`.
        loop: the event loop.
    """

    def __init__(self, value: T, loop: asyncio.AbstractEventLoop) -> None:
        self.value: T = value
        self._loop = loop
        self._future: asyncio.Future[bool] = loop.create_future()

    def set(self) -> None:
        if not self._future.done():
            self._future.set_result(True)

    def _expire(self) -> None:
        if not self._future.done():
            self._future.set_result(False)

    async def wait(self, deadline: float) -> None:
        timer = self._loop.call_at(deadline, self._expire) if deadline < inf else None
        try:
            if not await self._future:
                raise DeadlineExceeded
        finally:
            if timer is not None:
                timer.cancel()


class AsyncioStream(Stream):
    """A socket that the event loop watches for as long as it is open, unless something comes that nobody receives.

    Args:
        sock: the socket.
        backend: the event loop.
    """

    __slots__ = ("_backend", "_is_ignored", "_is_watched", "_loop", "_waiter")

    def __init__(self, sock: socket.socket, backend: AsyncioBackend) -> None:
        super().__init__(sock, backend.time)
        self._backend = backend
        self._loop = backend.loop
        self._is_watched = False
        self._is_ignored = False  # nobody has received what there was to read the last time
        self._waiter: AsyncioWaiter[None] | None = None  # of who receives

    def __del__(self) -> None:
        self.abandon()

    async def wait_readable(self, deadline: float) -> None:
        if deadline <= self._clock():
            raise DeadlineExceeded
        if not self._is_watched:
            self._loop.add_reader(self.sock, AsyncioStream._on_readable, ref[AsyncioStream](self))  # not kept alive
            self._is_watched = True
        self._is_ignored = False
        self._waiter = AsyncioWaiter(None, self._loop)
        try:
            await self._waiter.wait(deadline)
        finally:
            self._waiter = None

    @staticmethod
    def _on_readable(reference: ref[AsyncioStream]) -> None:
        self = reference()
        if self is None:
            return
        if self._waiter is not None:
            self._waiter.set()
        elif self._is_ignored:
            self._loop.remove_reader(self.sock)
            self._is_watched = False
        else:
            self._is_ignored = True  # who was woken before may only be about to receive it

    async def wait_writable(self, deadline: float) -> None:
        waiter = AsyncioWaiter(None, self._loop)
        self._loop.add_writer(self.sock, waiter.set)
        try:
            await waiter.wait(deadline)
        finally:
            if self.sock.fileno() >= 0:
                self._loop.remove_writer(self.sock)

    def close(self) -> None:
        if self._backend.is_forked or self._loop.is_closed():
            self.sock.close()  # a child must not touch what its parent's loop watches
        else:
            _close(self._loop, self.sock)

    def abandon(self) -> None:
        if self.sock.fileno() < 0:
            return
        # Here it ends, but its number must not become another socket's while the loop still watches it.
        if self._backend.call_soon(partial(_close, self._loop, self.sock)):
            with suppress(OSError):
                self.sock.shutdown(socket.SHUT_RDWR)
        else:
            self.sock.close()


def _close(loop: asyncio.AbstractEventLoop, sock: socket.socket) -> None:
    if sock.fileno() >= 0:
        loop.remove_reader(sock)
        loop.remove_writer(sock)
        sock.close()
