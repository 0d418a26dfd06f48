"""Which call gets which connection, as a decision: no I/O, no clock, no event loop."""

from __future__ import annotations

import math
from collections import OrderedDict, deque
from typing import Generic, TypeVar

C = TypeVar("C")
L = TypeVar("L")


class Decision(Generic[L, C]):
    """What is to be done now; a lease that stands nowhere here waits for its turn.

    Attributes:
        use: leases, each with the idle connection that is now its own.
        open: leases that have a place, and no connection yet.
        close: connections that nobody is to use again.
        refuse: leases that will never get anything, as the pool is closed.
    """

    __slots__ = ("close", "open", "refuse", "use")

    def __init__(self) -> None:
        self.use: list[tuple[L, C]] = []
        self.open: list[L] = []
        self.close: list[C] = []
        self.refuse: list[L] = []


class Pool(Generic[L, C]):
    """The connections to one origin. Each of its places is owned by a lease, holds an idle connection, or is free.

    Whoever asks first is served first. Of the idle connections the one that was used last is used next, so that the
    others expire. Which ones have is looked at whenever a place is asked for or a connection comes back.

    Args:
        size: how many places there are.
        most_idle: how many of them may hold an idle connection.
        lifetime: how many seconds a connection may be idle.
    """

    def __init__(self, size: int, most_idle: int, lifetime: float) -> None:
        self._size = size
        self._most_idle = most_idle
        self._lifetime = lifetime
        self._owned = 0
        self._idle: deque[tuple[float, C]] = deque()  # the longest idle one first
        self._queue: OrderedDict[L, bool] = OrderedDict()  # whether it must be a new connection
        self._closed = False
        self._nothing: Decision[L, C] = Decision()

    def __repr__(self) -> str:
        return f"<Pool of {self._size}: {self._owned} owned, {len(self._idle)} idle, {len(self._queue)} waiting>"

    @property
    def owned(self) -> int:
        """How many places are owned."""
        return self._owned

    @property
    def idle(self) -> int:
        """How many places hold an idle connection."""
        return len(self._idle)

    @property
    def waiting(self) -> int:
        """How many leases wait for a place."""
        return len(self._queue)

    def take(self, now: float) -> C | None:
        """`ask`, if an idle connection is all that comes of it; None, and nothing has changed, if it is not."""
        if not self._idle or self._queue or now - self._idle[0][0] > self._lifetime:
            return None
        self._owned += 1
        return self._idle.pop()[1]

    def ask(self, lease: L, now: float, *, fresh: bool = False) -> Decision[L, C]:
        """A lease wants a place.

        Args:
            lease: who asks.
            now: what the clock reads.
            fresh: whether it must not be a connection that was used before.
        """
        self._queue[lease] = fresh
        return self._decide(now)

    def leave(self, lease: L) -> None:
        """A lease waits no longer."""
        self._queue.pop(lease, None)

    def give_back(self, connection: C, now: float) -> Decision[L, C]:
        """An owned place has a connection that can serve again."""
        self._owned -= 1
        self._idle.append((now, connection))
        return self._decide(now)

    def put_back(self, connection: C, now: float) -> bool:
        """`give_back`, if nothing more comes of it; False, and nothing has changed, if something does."""
        if self._queue or self._closed or len(self._idle) >= self._most_idle:
            return False
        if self._idle and now - self._idle[0][0] > self._lifetime:
            return False
        self._owned -= 1
        self._idle.append((now, connection))
        return True

    def pass_on(self) -> L | None:
        """`give_back`, if whoever asked first gets the connection; None, and nothing has changed, if nobody does."""
        lease = next(iter(self._queue), None)
        if lease is None or self._queue[lease]:
            return None
        del self._queue[lease]
        return lease

    def free(self) -> Decision[L, C]:
        """An owned place has no connection any more, or never got one."""
        self._owned -= 1
        return self._decide()

    def close(self) -> Decision[L, C]:
        """Keep nothing and serve nobody from now on; what is owned stays so until it is given back."""
        self._closed = True
        return self._decide()

    def _decide(self, now: float = -math.inf) -> Decision[L, C]:
        if self._owned == self._size and not self._closed:
            return self._nothing  # often, where more wait than there are places
        decision: Decision[L, C] = Decision()
        while self._idle and (self._closed or now - self._idle[0][0] > self._lifetime):
            decision.close.append(self._idle.popleft()[1])
        if self._closed:
            decision.refuse += self._queue
            self._queue.clear()
        while self._queue:
            lease = next(iter(self._queue))
            fresh = self._queue[lease]
            if self._idle and not fresh:
                decision.use.append((lease, self._idle.pop()[1]))
            elif self._owned + len(self._idle) < self._size:
                decision.open.append(lease)
            elif self._idle:
                decision.close.append(self._idle.popleft()[1])
                decision.open.append(lease)
            else:
                break
            del self._queue[lease]
            self._owned += 1
        while len(self._idle) > self._most_idle:
            decision.close.append(self._idle.popleft()[1])
        return decision
