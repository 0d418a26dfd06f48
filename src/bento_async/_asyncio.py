"""A connection on asyncio, whose event loop watches the socket for as long as it is open.

That saves what a wait by way of anyio costs: to begin and to end watching, and a cancel scope for the deadline.
"""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from math import inf
from socket import SHUT_RDWR
from typing import TYPE_CHECKING, Final
from weakref import ref

from ._connection import Connection, has_news, send_all, send_some

if TYPE_CHECKING:
    import asyncio
    import socket

    from ._loop import Loop

_MOMENT: Final = 0.01  # an event loop that is not kept from it looks at its sockets far more often


class Watched(Connection):
    """A socket that the event loop reads from as soon as something is there, one piece ahead of who receives it.

    What is to go into room of the receiver's own is read when there is some.

    Args:
        sock: the socket, connected.
        loop: the event loop: see `Loop.watches`.
    """

    __slots__ = (
        "_came", "_clock", "_deadline", "_empty_until", "_fd", "_has_room", "_is_watched", "_loop", "_native",
        "_outbox", "_ref", "_rings", "_room", "_size", "_sock", "_timer", "_unsent", "_waiter", "_was_short",
    )  # fmt: skip

    def __init__(self, sock: socket.socket, loop: Loop) -> None:
        super().__init__()
        self._sock = sock
        self._fd = sock.fileno()
        self._loop = loop
        assert loop.asyncio is not None
        self._native = loop.asyncio
        self._clock = loop.clock
        self._outbox = loop.outbox
        self._unsent: bytes | memoryview = b""  # what is held, or did not go at once
        self._ref = ref[Watched](self)  # the loop must not keep alive what nobody else refers to
        self._size = 1
        self._empty_until = -inf  # when to look again whether something has come that the loop has not noticed yet
        self._came: bytes | memoryview | OSError | None = None  # what nobody has received yet
        self._room: memoryview | None = None  # where who waits for it wants it
        self._has_room = False  # what is received goes where there is room for it, so that nothing is read ahead
        self._waiter: asyncio.Future[bool] | None = None  # of who receives: whether something came in time
        self._deadline = inf
        self._timer: asyncio.TimerHandle | None = None
        self._rings = inf  # when the timer does
        self._is_watched = False
        self._was_short = False  # the last that was received without waiting: the next is waited for
        self._watch()

    def __del__(self) -> None:
        self.abandon()

    async def send(self, data: bytes | memoryview) -> None:
        await send_all(self._sock, data)

    def send_at_once(self, data: bytes | memoryview) -> int:
        return send_some(self._sock, data)

    def send_soon(self, data: bytes) -> int:
        outbox = self._outbox
        if not outbox.takes(data):
            outbox.send()
            return send_some(self._sock, data)
        if outbox.is_empty:
            self._native.call_soon(outbox.send)  # if those that were woken have nothing more to send
        self._unsent = data
        outbox.hold(self)
        return len(data)

    def send_held(self) -> None:
        data, self._unsent = self._unsent, b""
        with suppress(OSError):
            sent = send_some(self._sock, data)
            if sent < len(data):
                self._unsent = memoryview(data)[sent:]
                self._native.add_writer(self._fd, Watched._write, self._ref)

    async def receive(self, size: int, deadline: float) -> bytes | None:
        self._has_room = self._room is not None
        if deadline <= self._clock():
            return None
        if self._came is None:
            self._size = size
            self._deadline = deadline
            if deadline < self._rings:
                self._set_timer()
            if not self._is_watched:
                self._watch()
            self._waiter = self._native.create_future()
            try:
                if not await self._waiter:
                    return None
            finally:
                self._outbox.go_on(self._waiter)
                self._waiter = None
        came, self._came = self._came, None
        if isinstance(came, OSError):
            raise came
        return came  # type: ignore[return-value]  # a view is only for `receive_into`, whose room it is of

    async def receive_into(self, room: memoryview, deadline: float) -> bytes | memoryview | None:
        self._has_room = True
        if self._came is None and not self._was_short and deadline > self._clock():
            with suppress(BlockingIOError, InterruptedError):
                size = self._sock.recv_into(room)
                self._empty_until = -inf
                # A peer that is always faster must not keep all others waiting.
                self._was_short = size < len(room)
                return room[:size]
        self._was_short = False
        self._room = room
        try:
            return await self.receive(len(room), deadline)
        finally:
            self._room = None

    @property
    def source(self) -> socket.socket | None:
        return self._sock if self._has_room and self._came is None else None

    @property
    def is_dropped(self) -> bool:
        if self._came is not None or self._unsent:
            return True
        return self._clock() > self._empty_until and has_news(self._sock)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._loop.is_open:
            _close(self._native, self._sock)
        else:
            self._sock.close()

    def abandon(self) -> None:
        if self._sock.fileno() < 0:
            return
        # Here it ends, but its number must not become another socket's while the loop still watches it.
        if self._loop.call_soon(partial(_close, self._native, self._sock)):
            with suppress(OSError):
                self._sock.shutdown(SHUT_RDWR)
        else:
            self._sock.close()

    def _watch(self) -> None:
        self._native.add_reader(self._fd, Watched._read, self._ref)
        self._is_watched = True

    def _set_timer(self) -> None:
        """One timer serves many waits: when it is up, it is set anew for the one that there is then."""
        if self._timer is not None:
            self._timer.cancel()
        self._rings = self._deadline
        self._timer = self._native.call_at(self._deadline, Watched._time_out, self._ref)

    # --- what the loop calls

    @staticmethod
    def _read(connection: ref[Watched]) -> None:
        self = connection()
        if self is None:
            return
        # If nobody takes what came, or says yet where to put it, the rest stays with the system, at last with the peer.
        if self._came is not None or (self._has_room and self._waiter is None):
            self._native.remove_reader(self._fd)
            self._is_watched = False
            return
        try:
            room = self._room
            came = self._sock.recv(self._size) if room is None else room[: self._sock.recv_into(room)]
            self._came = came
            self._empty_until = self._clock() + _MOMENT if len(came) < self._size else -inf
        except (BlockingIOError, InterruptedError):
            return
        except OSError as exc:
            self._came = exc
        self._wake(came=True)

    def _wake(self, *, came: bool) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(came)
            self._outbox.wake()

    @staticmethod
    def _write(connection: ref[Watched]) -> None:
        self = connection()
        if self is not None:
            self._native.remove_writer(self._fd)
            self.send_held()

    @staticmethod
    def _time_out(connection: ref[Watched]) -> None:
        self = connection()
        if self is None:
            return
        self._timer, self._rings = None, inf
        if self._waiter is None or self._waiter.done():
            return
        if self._clock() < self._deadline:
            self._set_timer()
        else:
            self._wake(came=False)


def _close(loop: asyncio.AbstractEventLoop, sock: socket.socket) -> None:
    if sock.fileno() >= 0:
        loop.remove_reader(sock.fileno())
        loop.remove_writer(sock.fileno())
        sock.close()
