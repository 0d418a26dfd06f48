"""A connection on trio, whose waits go without anyio, and whose deadlines without a cancel scope for each."""

from __future__ import annotations

from contextlib import suppress
from math import inf
from time import monotonic
from typing import TYPE_CHECKING, Final, TypeVar
from weakref import ref

import trio

from ._connection import Polled, send_some
from ._outbox import Outbox

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

    __slots__ = ("_alarm", "_clock", "_deadline", "_is_short", "_is_waiting", "_loop", "_outbox", "_rings", "_unsent")

    def __init__(self, sock: socket.socket, loop: Loop) -> None:
        super().__init__(sock)
        self._loop = loop
        self._clock = loop.clock
        self._outbox = _outbox()
        self._unsent: bytes | memoryview = b""  # what is held, or did not go at once
        self._is_short = False  # the latter
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

    def send_soon(self, data: bytes) -> int:
        self._was_sent = True
        outbox = self._outbox
        if not outbox.takes(data):
            outbox.send()
            return send_some(self._sock, data)
        self._unsent = data
        outbox.hold(self)
        return len(data)

    def send_held(self) -> None:
        data, self._unsent, self._is_short = self._unsent, b"", False
        with suppress(OSError):
            sent = send_some(self._sock, data)
            if sent < len(data):
                self._unsent, self._is_short = memoryview(data)[sent:], True
                self._loop.call_soon(self._look_again)  # as trio has settled by now what it will wait for

    @property
    def is_dropped(self) -> bool:
        return bool(self._unsent) or super().is_dropped

    async def _receive(self, take: Callable[[], T], deadline: float) -> T | None:
        if not self._was_sent and not self._is_short:
            return await super()._receive(take, deadline)
        if deadline <= self._clock():
            return None
        self._deadline = deadline
        if deadline < self._rings:
            self._set_alarm()
        self._is_waiting = True
        try:
            while True:
                try:
                    if self._is_short:
                        await trio.lowlevel.wait_writable(self._sock)
                        self.send_held()
                    else:
                        await trio.lowlevel.wait_readable(self._sock)
                        data = take()
                        self._was_sent = False
                        return data
                except (BlockingIOError, InterruptedError):
                    continue
                except trio.ClosedResourceError:  # as `_look_again` says
                    if deadline <= self._clock():
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
        self._look_again()
        return inf

    def _look_again(self) -> None:
        """Have who waits look what there is to wait for by now."""
        if self._is_waiting and self._sock.fileno() >= 0:
            trio.lowlevel.notify_closing(self._sock)

    @staticmethod
    async def _watch(connection: ref[Native], alarm: trio.CancelScope, deadline: float) -> None:
        with alarm:
            while deadline < inf:
                await trio.sleep_until(deadline)
                self = connection()
                deadline = inf if self is None else self._ring()
                del self


class _Rounds(trio.abc.Instrument):
    """Sends what is held when all tasks wait.

    How many go on after that, trio does not tell; that there are several is likely when it was so in the last round.
    """

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._has_several = False

    def after_io_wait(self, timeout: float) -> None:  # noqa: ARG002 - as trio calls it
        if self._has_several:
            self._outbox.wake()

    def before_io_wait(self, timeout: float) -> None:  # noqa: ARG002
        outbox = self._outbox
        if outbox.asked:
            self._has_several, outbox.asked = outbox.asked > 1, 0
        outbox.woken = 0  # first: trio parts with what raises, and then nothing must be held
        outbox.send()


_outboxes: Final = trio.lowlevel.RunVar[Outbox]("what bento_async holds")


def _outbox() -> Outbox:
    """That of the run."""
    try:
        return _outboxes.get()
    except LookupError:
        outbox = Outbox(monotonic)
        _outboxes.set(outbox)
        trio.lowlevel.add_instrument(_Rounds(outbox))
        return outbox
