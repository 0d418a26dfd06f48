"""The places of a connection pool: a queue that takes a lock only where somebody waits."""

from __future__ import annotations

import queue
import threading
import time
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")


class Places(queue.LifoQueue[T]):
    """What is put in last comes out first: connections that are idle, and None for each place that has none.

    What is taken and given back are single operations on a list, which need no lock. Whoever finds nothing waits, and
    is counted before looking again, so that whoever gives back after that knows.
    """

    def __init__(self, maxsize: int = 0) -> None:
        super().__init__(maxsize)
        self.mutex: threading.Lock = threading.RLock()  # type: ignore[assignment]  # the garbage collector may give back in the midst
        self.not_empty: threading.Condition = threading.Condition(self.mutex)
        self._waiting = 0

    def get(self, block: bool = True, timeout: float | None = None) -> T:
        """Take a place; wait until there is one, for so many seconds at most.

        Raises:
            queue.Empty: there is none.
        """
        try:
            return self.queue.pop()
        except IndexError:
            if not block:
                raise queue.Empty from None
        return self._wait(None if timeout is None else time.monotonic() + timeout)

    def _wait(self, ends: float | None) -> T:
        with self.not_empty:
            self._waiting += 1
            try:
                while True:
                    with suppress(IndexError):
                        return self.queue.pop()
                    left = None if ends is None else ends - time.monotonic()
                    if left is not None and left <= 0:
                        raise queue.Empty
                    self.not_empty.wait(left)
            finally:
                self._waiting -= 1

    def put(self, item: T, block: bool = True, timeout: float | None = None) -> None:  # noqa: ARG002
        """Give a place back; there is room for any number."""
        self.queue.append(item)
        if self._waiting:
            with self.not_empty:
                self.not_empty.notify()
