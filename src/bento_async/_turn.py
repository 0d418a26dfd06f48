"""Waiting until something is there, or until a deadline."""

from __future__ import annotations

from functools import partial
from math import inf
from typing import TYPE_CHECKING, Final, Protocol

from anyio import CancelScope, Event

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from ._loop import Loop
    from ._outbox import Outbox

_GRAIN: Final = 0.005


class Turn(Protocol):
    """What one task waits for, once."""

    def come(self) -> None:
        """End the wait, if it has not ended."""

    async def wait(self, deadline: float) -> None:
        """Wait until it comes, or until the deadline has passed."""


def turns(loop: Loop) -> Callable[[], Turn]:
    """What makes them, for tasks of this event loop, which is the running one."""
    return _Anywhere if loop.asyncio is None else partial(_OnAsyncio, _Alarm(loop.asyncio), loop.outbox)


class _Anywhere:
    def __init__(self) -> None:
        self._event = Event()

    def come(self) -> None:
        self._event.set()

    async def wait(self, deadline: float) -> None:
        with CancelScope(deadline=deadline):
            await self._event.wait()


class _OnAsyncio:
    """The same for less: many wait at a time where there are more calls than connections."""

    __slots__ = ("_alarm", "_future", "_outbox")

    def __init__(self, alarm: _Alarm, outbox: Outbox) -> None:
        self._alarm = alarm
        self._outbox = outbox
        self._future: asyncio.Future[None] = alarm.loop.create_future()

    def come(self) -> None:
        if not self._future.done():
            self._future.set_result(None)
            self._outbox.wake()

    async def wait(self, deadline: float) -> None:
        self._alarm.set(self, deadline)
        try:
            await self._future
        finally:
            self._alarm.unset(self)
            self._outbox.go_on(self._future)


class _Alarm:
    """One timer of asyncio's for the deadlines of many turns, most of which come long before."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop: asyncio.AbstractEventLoop = loop
        self._deadlines: dict[_OnAsyncio, float] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._rings = inf  # when it does

    def set(self, turn: _OnAsyncio, deadline: float) -> None:
        """Let the turn come at the deadline."""
        self._deadlines[turn] = deadline
        if deadline < self._rings:
            self._ring_at(deadline)

    def unset(self, turn: _OnAsyncio) -> None:
        """Forget it."""
        del self._deadlines[turn]

    def _ring_at(self, when: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._rings = self.loop.call_at(when, self._ring), when

    def _ring(self) -> None:
        self._timer, self._rings = None, inf
        now = self.loop.time()
        for turn, deadline in self._deadlines.items():
            if deadline <= now:
                turn.come()
        next_ = min((deadline for deadline in self._deadlines.values() if deadline > now), default=inf)
        if next_ < inf:
            self._ring_at(max(next_, now + _GRAIN))  # not for each of thousands by itself
