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
        return AsyncioWaiter(value)

    def spawn(self, function: Callable[[], Coroutine[object, object, None]]) -> None:
        task = self.loop.create_task(function())
        _tasks.add(task)  # asyncio itself refers to it only weakly
        task.add_done_callback(_tasks.discard)

    def _schedule(self, callback: Callable[[], object]) -> None:
        self.loop.call_soon_threadsafe(callback)


class AsyncioWaiter(Waiter[T]):
    """Waits by a future and a timer, which take less than an event and a cancel scope."""

    async def wait(self, deadline: float) -> None:
        if self._is_set:
            return
        loop = asyncio.get_running_loop()
        future: asyncio.Future[bool] = loop.create_future()
        self._wake = partial(_settle, future, True)
        timer = loop.call_at(deadline, _settle, future, False) if deadline < inf else None
        try:
            if not await future:
                raise DeadlineExceeded
        finally:
            if timer is not None:
                timer.cancel()


def _settle(future: asyncio.Future[bool], result: bool) -> None:
    if not future.done():
        future.set_result(result)


class AsyncioStream(Stream):
    """A socket that the event loop watches for as long as it is open, unless something comes that nobody receives.

    The loop's callback receives: before the task runs that waits, the loop would report the same bytes again. All waits
    have one timer, which is set anew where it ends before the deadline of the current wait.

    Args:
        sock: the socket.
        backend: the event loop.
    """

    __slots__ = (
        "_backend", "_deadline", "_due", "_is_ignored", "_is_watched", "_loop", "_max_bytes", "_timer", "_waiter",
    )  # fmt: skip

    def __init__(self, sock: socket.socket, backend: AsyncioBackend) -> None:
        super().__init__(sock, backend.time)
        self._backend = backend
        self._loop = backend.loop
        self._is_watched = False
        self._is_ignored = False  # nobody has received what there was to read the last time
        self._waiter: asyncio.Future[bool] | None = None  # of who receives
        self._deadline = inf  # of the wait
        self._due = inf  # of the timer
        self._timer: asyncio.TimerHandle | None = None
        self._max_bytes = 0  # what the callback receives; 0 if it only wakes

    def __del__(self) -> None:
        self.abandon()

    async def receive(self, max_bytes: int, deadline: float) -> bytes:
        if self._received is None:
            await self._watch(deadline, max_bytes)
        received, self._received = self._received, None
        if isinstance(received, bytes):
            return received
        raise received or DeadlineExceeded

    async def wait_readable(self, deadline: float) -> None:
        if not await self._watch(deadline):
            raise DeadlineExceeded

    def _watch(self, deadline: float, max_bytes: int = 0) -> asyncio.Future[bool]:
        """Wait until there is something to receive, and receive it if `max_bytes` is given; False if it takes too long.

        Raises:
            DeadlineExceeded: the deadline has passed.
        """
        if deadline <= self._loop.time():
            raise DeadlineExceeded
        if not self._is_watched:
            self._loop.add_reader(self.sock, AsyncioStream._on_readable, ref[AsyncioStream](self))  # not kept alive
            self._is_watched = True
        self._is_ignored, self._max_bytes, self._deadline = False, max_bytes, deadline
        if deadline < self._due:
            self._set_timer()
        self._waiter = self._loop.create_future()
        return self._waiter

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._due = self._deadline
        self._timer = self._loop.call_at(self._due, AsyncioStream._on_timer, ref[AsyncioStream](self))

    @staticmethod
    def _on_timer(reference: ref[AsyncioStream]) -> None:
        self = reference()
        if self is None:
            return
        due, self._due, self._timer = self._due, inf, None
        if self._waiter is None or self._waiter.done():
            return
        if self._deadline <= due:
            self._waiter.set_result(False)
        elif self._deadline < inf:
            self._set_timer()

    @staticmethod
    def _on_readable(reference: ref[AsyncioStream]) -> None:
        self = reference()
        if self is None:
            return
        if self._waiter is not None and not self._waiter.done():
            try:
                if self._max_bytes:
                    self._received = self.sock.recv(self._max_bytes)
            except (BlockingIOError, InterruptedError):
                return
            except OSError as exc:
                self._received = exc
            self._waiter.set_result(True)
        elif self._is_ignored:
            self._loop.remove_reader(self.sock)
            self._is_watched = False
        else:
            self._is_ignored = True  # who was woken before may only be about to receive it

    async def wait_writable(self, deadline: float) -> None:
        waiter = AsyncioWaiter(None)
        self._loop.add_writer(self.sock, waiter.set)
        try:
            await waiter.wait(deadline)
        finally:
            if self.sock.fileno() >= 0:
                self._loop.remove_writer(self.sock)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
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
