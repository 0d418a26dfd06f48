"""Streams by way of anyio, for event loops of asyncio that can't watch sockets by themselves, as Windows' can't."""

from __future__ import annotations

import anyio
from anyio import CancelScope

from .base import DeadlineExceeded, Stream


class AnyioStream(Stream):
    """A socket that anyio is asked for each wait to watch."""

    __slots__ = ()

    async def wait_readable(self, deadline: float) -> None:
        if deadline > self._clock():
            with CancelScope(deadline=deadline):
                await anyio.wait_readable(self.sock)
                return
        raise DeadlineExceeded

    async def wait_writable(self, deadline: float) -> None:
        with CancelScope(deadline=deadline):
            await anyio.wait_writable(self.sock)
            return
        raise DeadlineExceeded
