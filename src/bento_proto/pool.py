"""The decisions of a connection pool: who gets which connection, and which connections are closed.

In go requests for a connection, and what became of each; out come places in the pool, with a connection or to open one.
It never opens or closes anything, reads no clock and takes no lock: it is for one thread at a time.
"""

from __future__ import annotations

import math
import re
from collections import deque
from collections.abc import Mapping
from typing import Final, Generic, TypeVar

from bento_proto import http

from .errors import LocalProtocolError

__all__ = ("ConnectionPool", "PooledConnection", "keep_alive_timeout")

ConnectionT = TypeVar("ConnectionT")
WaiterT = TypeVar("WaiterT")

ORIGINS: Final = 8
"""The most pools that a client keeps: more than one are only met by redirects."""

KEEP_ALIVE: Final = 4.0
"""Seconds that a connection stays idle where the server names no time: uvicorn, and so BentoML, closes after 5."""

# What an idle connection that was found closed says about the server holds for this long, in seconds: at first, as it
# may have been a restart, and twice as long each time that it is seen again.
_FIRST_MEMORY: Final = 60.0
_LONGEST_MEMORY: Final = 3600.0
_SHORTEST_EXPIRY: Final = 0.25

_TIMEOUT: Final = r"(?:^|[,;\s])timeout\s*=\s*\"?([0-9]{1,9})(?![0-9.])"


class PooledConnection(Generic[ConnectionT]):
    """A place in the pool, held by one caller at a time.

    Attributes:
        connection: the connection in it; None until one is opened. Whoever holds the place sets it by `open`.
        opened_at: what the clock read when it was opened.
        expires_at: what the clock reads when it is no longer used, if it is idle.
        idle_since: what the clock read when it was released.
        idle_for: seconds for which it was idle before it was acquired.
        closed_after: seconds after which the idle connection that was in the place before was found closed; 0 if none
            was.
    """

    __slots__ = ("closed_after", "connection", "expires_at", "idle_for", "idle_since", "opened_at")

    def __init__(self) -> None:
        self.connection: ConnectionT | None = None
        self.opened_at: float = 0.0
        self.expires_at: float = 0.0
        self.idle_since: float = 0.0
        self.idle_for: float = 0.0
        self.closed_after: float = 0.0

    def __repr__(self) -> str:
        return f"<PooledConnection {self.connection!r}>"

    def open(self, connection: ConnectionT, now: float) -> None:
        """Put a new connection in the place. If there was an idle one in it, the peer had closed that."""
        self.connection, self.opened_at = connection, now
        self.closed_after = self.idle_for


class ConnectionPool(Generic[ConnectionT, WaiterT]):
    """The connections to one origin, for callers that are served first come, first served.

    Of the idle connections the one that was used last is used next, so that the others expire.

    Args:
        max_connections: the most connections at a time, in use and idle.
        max_idle: the most idle ones.
        lifetime: seconds after which a connection is not used again; None for no limit. With a limit, a host name that
            moves to another address is followed.
        expiry: seconds after which an idle connection is not used again, unless the server announces less; None for
            what it announces, or else `KEEP_ALIVE`. Where one was found closed sooner, it is half of that time for a
            while.

    Attributes:
        closing: connections that left the pool and are the caller's to close: drain it after each call.
        is_closed: whether `close` was called.
    """

    __slots__ = (
        "_expiry", "_held", "_idle", "_learned", "_learned_until", "_lifetime", "_max_connections", "_max_idle",
        "_memory", "_waiting", "closing", "is_closed",
    )  # fmt: skip

    def __init__(
        self, max_connections: int, max_idle: int, lifetime: float | None = None, expiry: float | None = None
    ) -> None:
        self._max_connections = max_connections
        self._max_idle = max_idle
        self._lifetime = math.inf if lifetime is None else lifetime
        self._expiry = math.inf if expiry is None else expiry
        self._learned = math.inf  # an expiry too, until the clock reads so much
        self._learned_until = -math.inf
        self._memory = _FIRST_MEMORY
        self._held: dict[PooledConnection[ConnectionT], WaiterT] = {}
        self._idle: deque[PooledConnection[ConnectionT]] = deque()  # the longest idle one first
        self._waiting: dict[WaiterT, bool] = {}  # in order of arrival; whether each needs a new connection
        self.closing: list[ConnectionT] = []
        self.is_closed: bool = False

    def __repr__(self) -> str:
        return f"<ConnectionPool: {self.in_use} in use, {len(self._idle)} idle, {len(self._waiting)} waiting>"

    @property
    def in_use(self) -> int:
        """The number of places that are held."""
        return len(self._held)

    @property
    def held(self) -> Mapping[PooledConnection[ConnectionT], WaiterT]:
        """The places that are held, and who asked for each."""
        return self._held

    @property
    def idle(self) -> int:
        """The number of idle connections."""
        return len(self._idle)

    @property
    def waiting(self) -> int:
        """The number of callers that wait for a place."""
        return len(self._waiting)

    def acquire(self, waiter: WaiterT, now: float, *, fresh: bool = False) -> PooledConnection[ConnectionT] | None:
        """Ask for a place. Who waits may ask again, and keeps its turn.

        Args:
            waiter: who asks: what `release` returns when a place becomes free.
            now: what the clock reads.
            fresh: whether an idle connection must not be used.

        Returns:
            The place, which the caller now holds until `release`; or None if the caller has to wait.

        Raises:
            LocalProtocolError: the pool is closed.
        """
        if self.is_closed:
            raise LocalProtocolError("the client is closed")
        idle = self._idle
        while idle and idle[0].expires_at <= now:
            self._discard(idle.popleft())
        while idle and not fresh:
            place = idle.pop()
            if place.expires_at > now:
                place.idle_for = now - place.idle_since
                self._held[place] = waiter
                return place
            self._discard(place)
        if len(self._held) + len(idle) >= self._max_connections:
            if not idle:
                self._waiting[waiter] = fresh
                return None
            self._discard(idle.popleft())  # makes room for the new connection
        new: PooledConnection[ConnectionT] = PooledConnection()
        self._held[new] = waiter
        return new

    def cancel(self, waiter: WaiterT) -> bool:
        """Stop waiting; False if the caller does not wait: a place was assigned to it, which it has to release."""
        return self._waiting.pop(waiter, None) is not None

    def release(
        self, place: PooledConnection[ConnectionT], now: float, *, reusable: bool, head: http.Head | None = None
    ) -> WaiterT | None:
        """Give a place back.

        Args:
            place: the place, with its connection, or without if none was opened or the caller closed it.
            now: what the clock reads.
            reusable: whether the connection can serve another request.
            head: that of the last response on it, which may say how long the server keeps it open while it is idle.

        Returns:
            The first of those who wait: it holds the place now, as it is, and is to be woken. None if nobody waits.

        Raises:
            LocalProtocolError: nobody holds the place: it was released before, or is another pool's; nothing changed.
        """
        if place not in self._held:
            raise LocalProtocolError("nobody holds this place of the pool")
        connection = place.connection
        if place.closed_after:
            self._learn(place.closed_after, now)
            place.closed_after = 0.0
        place.idle_for = 0.0
        if connection is not None:
            ends = place.opened_at + self._lifetime
            if not reusable or self.is_closed or now >= ends:
                self._discard(place)
                connection = None
            else:
                keep_alive = keep_alive_timeout(head) if head is not None and "keep-alive" in head.first else None
                expiry = self._expiry if keep_alive is None else min(self._expiry, keep_alive)
                expiry = KEEP_ALIVE if expiry == math.inf else expiry
                if now < self._learned_until:
                    expiry = min(expiry, self._learned)
                place.idle_since = now
                place.expires_at = min(now + expiry, ends)
        if self._waiting:
            waiter = next(iter(self._waiting))
            if self._waiting.pop(waiter) and connection is not None:
                self._discard(place)
            self._held[place] = waiter
            return waiter
        del self._held[place]
        if connection is not None and self._max_idle > 0:
            if len(self._idle) >= self._max_idle:
                self._discard(self._idle.popleft())
            self._idle.append(place)
        elif connection is not None:
            self._discard(place)
        return None

    def close(self) -> list[WaiterT]:
        """Close the pool: idle connections are to be closed, those in use when they are released.

        Returns:
            Who waited, to be woken: none of them gets a place.
        """
        self.is_closed = True
        while self._idle:
            self._discard(self._idle.popleft())
        waiting = list(self._waiting)
        self._waiting.clear()
        return waiting

    def _learn(self, closed_after: float, now: float) -> None:
        """An idle connection was found closed, and another could be opened: let them expire well before that time."""
        if now >= self._learned_until:
            self._learned = math.inf
            self._learned_until = now + self._memory
            self._memory = min(2 * self._memory, _LONGEST_MEMORY)
        self._learned = min(self._learned, max(closed_after / 2, _SHORTEST_EXPIRY))

    def _discard(self, place: PooledConnection[ConnectionT]) -> None:
        assert place.connection is not None
        self.closing.append(place.connection)
        place.connection = None


def keep_alive_timeout(head: http.Head | None) -> float | None:
    """Seconds for which a connection may stay idle by the ``Keep-Alive: timeout=`` of a response (RFC 2068, 19.7.1.1).

    It is less than what the server says by a second, or by half of it where that is less: the server's time runs while
    its response is on the way. None where it says nothing.
    """
    value = None if head is None else head.first.get("keep-alive")
    found = None if value is None else re.search(_TIMEOUT, value, re.IGNORECASE)
    if found is None:
        return None
    seconds = float(found[1])
    return seconds - min(1.0, seconds / 2)
