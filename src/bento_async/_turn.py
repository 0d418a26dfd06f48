"""Waiting until something is there, or until a deadline."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Protocol

from anyio import CancelScope, Event

if TYPE_CHECKING:
    import asyncio

    from ._loop import Loop
    from ._outbox import Outbox


class Turn(Protocol):
    """What one task waits for, once."""

    def come(self) -> None:
        """End the wait, if it has not ended."""

    async def wait(self, deadline: float) -> None:
        """Wait until it comes, or until the deadline has passed."""


def turn(loop: Loop) -> Turn:
    """One for a task of this event loop, which is the running one."""
    return _Anywhere() if loop.asyncio is None else _OnAsyncio(loop.asyncio, loop.outbox)


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

    def __init__(self, loop: asyncio.AbstractEventLoop, outbox: Outbox) -> None:
        self._loop = loop
        self._outbox = outbox
        self._future: asyncio.Future[None] = loop.create_future()

    def come(self) -> None:
        if not self._future.done():
            self._future.set_result(None)
            self._outbox.wake()

    async def wait(self, deadline: float) -> None:
        timer = self._loop.call_at(deadline, self.come) if deadline < inf else None
        try:
            await self._future
        finally:
            if self._future.done() and not self._future.cancelled():
                self._outbox.woken -= 1
            if timer is not None:
                timer.cancel()
