"""Small requests that wait until the tasks that go on in the same round of the event loop have theirs ready, too.

To send wakes whoever waits for it, which for a server on the same machine is a good part of what a call costs; of
several that are sent in one go, only the first does.
"""

from __future__ import annotations

import os
from math import inf
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

_MOST: Final = 16
_SMALL: Final = 1 << 14  # the system takes it as a whole, as a rule
_QUICK: Final = 0.0005  # whose next request comes later than that is not worth waiting for


class Sender(Protocol):
    """Who has something to send."""

    def send_held(self) -> None:
        """Send it; what goes wrong is found when the answer is read."""


class Outbox:
    """What is held by the tasks of one event loop.

    Args:
        clock: tells seconds.
    """

    __slots__ = ("_clock", "_held", "_last", "_process", "woken")

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._held: list[Sender] = []
        self._last = -inf
        self._process = os.getpid()
        self.woken: int = 0  # tasks that are to go on, each of which may send something

    @property
    def is_empty(self) -> bool:
        return not self._held

    def wake(self) -> None:
        """Take note that a task is to go on."""
        self.woken += 1
        self._last = self._clock()

    def begin(self) -> None:
        """Take note that some are, where they are not counted."""
        self._last = self._clock()

    def takes(self, data: bytes) -> bool:
        """Whether something may be held: if it is small, and the tasks are quick to have something to send."""
        last, self._last = self._last, self._clock()
        return self._last - last < _QUICK and len(data) <= _SMALL

    def hold(self, sender: Sender) -> None:
        """Have it send with the others."""
        self._held.append(sender)
        if len(self._held) == _MOST:
            self.send()

    def send(self) -> None:
        """Have all of them send, in the order in which they came."""
        if self._held:
            held, self._held = self._held, []
            if os.getpid() == self._process:  # a fork's child has it, too
                for sender in held:
                    sender.send_held()
