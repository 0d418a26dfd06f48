"""What a client needs of an event loop: byte streams over sockets, waits that end at a deadline, calls from threads.

Sockets are the client's own, non-blocking, and close at once, on the loop or after its end. asyncio's transports can't
do that: they close in the loop's next round, and one that is left when its loop has ended warns of itself.
"""

from __future__ import annotations

import os
import socket
import sys
from abc import ABC, abstractmethod
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Generic, TypeAlias, TypeVar

import anyio
from anyio import CancelScope, Event

from bento_proto import LocalProtocolError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from bento_proto.http import Proxy

T = TypeVar("T")
Bytes: TypeAlias = "bytes | memoryview"


class DeadlineExceeded(Exception):
    """A wait ended at its deadline: a time on the clock of the event loop."""


class Waiter(Generic[T]):
    """What one task waits for, once.

    Args:
        value: what is assigned to the task; whoever ends the wait may change it before.
    """

    def __init__(self, value: T) -> None:
        self.value: T = value
        self._is_set = False
        self._wake: Callable[[], object] = int  # does nothing, as long as nobody waits

    def set(self) -> None:
        """End the wait. Idempotent."""
        self._is_set = True
        self._wake()

    async def wait(self, deadline: float) -> None:
        """Wait for `set`; raises DeadlineExceeded if it does not come in time."""
        if not self._is_set:
            event = Event()  # made here, as it takes longer than all else
            self._wake = event.set
            with CancelScope(deadline=deadline):
                await event.wait()
                return
            raise DeadlineExceeded


class Stream:
    """A connection as a stream of bytes, for one task that sends and one that receives.

    For each wait anyio is asked to watch the socket, which works on every event loop.

    Methods raise DeadlineExceeded when a wait took too long, and OSError when the connection is broken.

    Args:
        sock: a non-blocking socket.
        clock: that of the event loop.

    Attributes:
        sock: the same socket.
        forwarder: the proxy at its other end, if requests are sent to it to be forwarded.
    """

    __slots__ = ("__weakref__", "_clock", "_received", "_was_short", "forwarder", "sock")

    def __init__(self, sock: socket.socket, clock: Callable[[], float]) -> None:
        self.sock: socket.socket = sock
        self.forwarder: Proxy | None = None
        self._clock = clock
        self._received: bytes | OSError | None = None  # for a receiver, where the loop receives
        self._was_short = False  # the last receipt into a buffer took all there was: the next one waits first

    async def wait_readable(self, deadline: float) -> None:
        """Wait until there is something to receive; not at all once the deadline has passed."""
        if deadline > self._clock():
            with CancelScope(deadline=deadline):
                await anyio.wait_readable(self.sock)
                return
        raise DeadlineExceeded

    async def wait_writable(self, deadline: float) -> None:
        """Wait until the socket takes bytes, or is connected, or can't be."""
        with CancelScope(deadline=deadline):
            await anyio.wait_writable(self.sock)
            return
        raise DeadlineExceeded

    def write(self, data: Bytes) -> Bytes:
        """Send what goes without waiting; return what did not, as it is on the wire: for `drain`."""
        try:
            sent = self.sock.send(data)
        except (BlockingIOError, InterruptedError):
            return data
        return memoryview(data)[sent:] if sent < len(data) else b""

    async def drain(self, rest: Bytes, deadline: float) -> None:
        """Send what `write` left."""
        while rest:
            await self.wait_writable(deadline)
            rest = self.write(rest)

    async def receive(self, max_bytes: int, deadline: float) -> bytes:
        """The next bytes, at most so many; ``b""`` once the peer has closed. A wait that is cancelled loses nothing."""
        while True:
            await self.wait_readable(deadline)
            with suppress(BlockingIOError, InterruptedError):
                return self.sock.recv(max_bytes)

    async def receive_into(self, buffer: memoryview, deadline: float) -> Bytes:
        """The same as a view of the start of the buffer, into which they are received."""
        if self.has_buffered:
            return await self.receive(len(buffer), deadline)
        while True:
            # A peer that is always faster must neither keep all other tasks waiting nor escape the deadline.
            if self._was_short:
                await self.wait_readable(deadline)
            elif deadline <= self._clock():
                raise DeadlineExceeded
            self._was_short = True
            with suppress(BlockingIOError, InterruptedError):
                size = self.sock.recv_into(buffer)
                self._was_short = size < len(buffer)
                return buffer[:size]

    @property
    def direct_socket(self) -> socket.socket | None:
        """The socket, if a thread may read from it what the peer sent next: not if that is encrypted, say."""
        return self.sock

    @property
    def is_readable(self) -> bool:
        """Whether there is something to receive, the end included."""
        try:
            self.sock.recv(1, socket.MSG_PEEK)
        except (BlockingIOError, InterruptedError):
            return False
        except OSError:
            pass
        return True

    @property
    def has_buffered(self) -> bool:
        """Whether that is so of what was read from the socket: by the loop, for a receiver that was cancelled."""
        return self._received is not None

    def close(self) -> None:
        """Close the connection at once. Idempotent."""
        self.sock.close()

    def abandon(self) -> None:
        """`close` from any thread, in the midst of anything: for the garbage collector."""
        self.sock.close()


class Socket(socket.socket):
    """A socket that closes without a warning when it is dropped: a client need not be closed."""

    def __del__(self) -> None:
        self.close()


class Backend(ABC):
    """An event loop of one process: a fork makes another of it, as the child shares its sockets.

    Args:
        native: asyncio's loop, or trio's token.
    """

    def __init__(self, native: object) -> None:
        self.native: object = native
        self._process = _process

    @property
    def is_forked(self) -> bool:
        """Whether it is a loop of the process that this one was forked from."""
        return self._process is not _process

    @property
    def is_current(self) -> bool:
        """Whether it is the loop that runs here."""
        return not self.is_forked and _running() is self.native

    @abstractmethod
    def time(self) -> float:
        """What the loop's clock reads."""

    def stream(self, sock: socket.socket) -> Stream:
        """A stream over a non-blocking socket."""
        return Stream(sock, self.time)

    def waiter(self, value: T) -> Waiter[T]:
        """A waiter for a task of this loop."""
        return Waiter(value)

    @abstractmethod
    def spawn(self, function: Callable[[], Coroutine[object, object, None]]) -> None:
        """Run a task that ends with the loop and that no other task waits for. It must catch what it raises.

        For objects whose work goes on between two calls of their methods, which no task group can span.
        """

    def call_soon(self, callback: Callable[[], object]) -> bool:
        """Have something called on the loop, from any thread; False if the loop has ended, or is another process's."""
        if not self.is_forked:
            with suppress(RuntimeError):
                self._schedule(callback)
                return True
        return False

    @abstractmethod
    def _schedule(self, callback: Callable[[], object]) -> None:
        """The same; raises RuntimeError if the loop has ended."""


def running_loop() -> object:
    """The running event loop: asyncio's own, or trio's token.

    Raises:
        LocalProtocolError: it ran when this process was forked: what it waits for, its parent gets.
        RuntimeError: there is none.
    """
    native = _running()
    if _forked and native in _forked:
        raise LocalProtocolError("this event loop was forked with the process: in the child, start a new one")
    return native


def _running() -> object:
    trio, native = sys.modules.get("trio.lowlevel"), None
    if trio is not None:
        with suppress(RuntimeError):  # there is no task of trio's
            trio.current_task()
            native = trio.current_trio_token()
    asyncio = sys.modules.get("asyncio")
    return asyncio.get_running_loop() if asyncio is not None and native is None else native


_process: object = object()  # a fork makes another of it
_forked: Final[list[object]] = []


def _after_fork() -> None:
    """Remember the loop that this process was forked in, if it goes on here, as trio's does; asyncio ends its own."""
    global _process  # noqa: PLW0603 - it is another one
    _process = object()
    with suppress(RuntimeError):
        _forked.append(_running())


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
