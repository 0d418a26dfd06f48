"""A connection on trio, whose waits go without anyio, and whose deadlines without a cancel scope for each."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, TypeVar
from weakref import ref

import trio

from ._connection import Polled

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from ._loop import Loop

T = TypeVar("T")


class Native(Polled):
    """A socket that is waited for by trio itself, with one task that watches the deadlines of all waits.

    Args:
        sock: the socket, connected.
        loop: the event loop, which is trio's.
    """

    __slots__ = ("_alarm", "_clock", "_deadline", "_is_waiting", "_loop", "_rings")

    def __init__(self, sock: socket.socket, loop: Loop) -> None:
        super().__init__(sock)
        self._loop = loop
        self._clock = loop.clock
        self._deadline = inf
        self._is_waiting = False
        self._alarm: trio.CancelScope | None = None  # of the task that sleeps until a deadline
        self._rings = inf  # when it wakes up

    def __del__(self) -> None:
        self.close()

    def close(self) -> None:
        super().close()
        alarm, self._alarm = self._alarm, None
        if alarm is not None:
            self._loop.call_soon(alarm.cancel)

    abandon = close

    async def _receive(self, take: Callable[[], T], deadline: float) -> T | None:
        if not self._was_sent:
            return await super()._receive(take, deadline)
        if deadline <= self._clock():
            return None
        self._deadline = deadline
        if deadline < self._rings:
            self._set_alarm()
        self._is_waiting = True
        try:
            while True:
                await trio.lowlevel.wait_readable(self._sock)
                try:
                    data = take()
                except (BlockingIOError, InterruptedError):
                    continue
                self._was_sent = False
                return data
        except trio.ClosedResourceError:  # as `_ring` says
            return None
        finally:
            self._is_waiting = False

    def _set_alarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm, self._rings = trio.CancelScope(), self._deadline
        trio.lowlevel.spawn_system_task(Native._watch, ref[Native](self), self._alarm, self._rings)

    def _ring(self) -> float:
        """End the wait whose deadline has passed; return the next one's, or that of none."""
        if self._is_waiting and self._clock() < self._deadline:
            self._rings = self._deadline  # of a later wait than what the alarm was set for
            return self._rings
        self._alarm, self._rings = None, inf
        if self._is_waiting:
            trio.lowlevel.notify_closing(self._sock)
        return inf

    @staticmethod
    async def _watch(connection: ref[Native], alarm: trio.CancelScope, deadline: float) -> None:
        with alarm:
            while deadline < inf:
                await trio.sleep_until(deadline)
                self = connection()
                deadline = inf if self is None else self._ring()
                del self
