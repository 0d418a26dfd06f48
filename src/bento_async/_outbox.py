"""Small requests that wait until the tasks that go on in the same round of the event loop have theirs ready, too.

To send wakes whoever waits for it, which for a server on the same machine is a good part of what a call costs; of
several that are sent in one go, only the first does.
"""

from __future__ import annotations

import os
from math import inf
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from asyncio import Future
    from collections.abc import Callable

_MOST: Final = 16  # held at a time
_SMALL: Final = 1 << 12  # an idle connection takes it as a whole, on any system
_QUICK: Final = 0.0005  # whose next request comes later than that is not worth waiting for
_LATE: Final = 0.05  # then somebody computed, and may do so again
_PAUSE: Final = 1.0


class Sender(Protocol):
    """Who has something to send."""

    def send_held(self) -> None:
        """Send it; what goes wrong is found when the answer is read."""


class Outbox:
    """What is held by the tasks of one event loop.

    Args:
        clock: tells seconds.

    Attributes:
        woken: how many tasks are to go on, as far as they are counted.
        asked: how many have asked whether it `takes` what they send.
    """

    __slots__ = ("_clock", "_held", "_last", "_process", "_resumes", "_since", "asked", "woken")

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._held: list[Sender] = []
        self._since = inf  # when the first of them came
        self._last = -inf  # when a task was woken or asked
        self._resumes = -inf  # until when nothing is held
        self._process = os.getpid()
        self.woken: int = 0
        self.asked: int = 0

    @property
    def is_empty(self) -> bool:
        return not self._held

    def wake(self) -> None:
        """Take note that a task is to go on."""
        self.woken += 1
        self._last = self._clock()

    def go_on(self, waiter: Future[bool] | Future[None]) -> None:
        """Take note that the task of a wait does, unless it was cancelled before it was woken."""
        if waiter.done() and not waiter.cancelled():
            self.woken -= 1

    def takes(self, data: bytes) -> bool:
        """Whether something is to be held: if it is small, and others are to go on and quick to have something, too."""
        last, self._last = self._last, self._clock()
        self.asked += 1
        return bool(self.woken) and self._last - last < _QUICK and self._last >= self._resumes and len(data) <= _SMALL

    def hold(self, sender: Sender) -> None:
        """Have it send with the others."""
        if not self._held:
            self._since = self._last
        self._held.append(sender)
        if len(self._held) == _MOST:
            self.send()

    def send(self) -> None:
        """Have all of them send, in the order in which they came."""
        if not self._held:
            return
        held, self._held = self._held, []
        if os.getpid() != self._process:  # a fork's child has what its parent sends
            return
        if self._clock() - self._since > _LATE:
            self._resumes = self._clock() + _PAUSE
        try:
            while held:
                held.pop(0).send_held()
        finally:
            if held:  # what a signal's handler raises, say, must not keep back the others
                self._held = held + self._held
                self.send()
