"""What a client has on one event loop: connections, for which tasks wait as `bento_proto.pool` decides."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeAlias

from bento_proto import LocalProtocolError
from bento_proto.pool import ORIGINS, ConnectionPool

from ._backends.auto import current_backend
from ._backends.base import running_loop

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from anyio import Event

    from bento_proto import Head, Limits
    from bento_proto.http import Origin
    from bento_proto.pool import PooledConnection
    from bento_proto.session import ClientConfig, ConnectAttempt

    from ._backends.base import Backend, Waiter
    from ._tls import AnyStream

    Place: TypeAlias = PooledConnection[AnyStream]


class AsyncConnectionPool:
    """The connections to one origin.

    Args:
        backend: the event loop that they belong to.
        limits: how many there may be.
    """

    def __init__(self, backend: Backend, limits: Limits) -> None:
        self.backend: Backend = backend
        self._pool: ConnectionPool[AnyStream, Waiter[Place | None]] = ConnectionPool(
            limits.connections, limits.idle, limits.lifetime, limits.keepalive_expiry
        )

    async def acquire(self, deadline: Callable[[], float], *, fresh: bool) -> Place:
        """Wait for a place; the connection in it, if there is one, is open and silent.

        Args:
            deadline: returns until when to wait, if there is no place now.
            fresh: whether an idle connection must not be used.

        Raises:
            DeadlineExceeded: no place became free.
            LocalProtocolError: the client is closed.
        """
        waiter: Waiter[Place | None] = self.backend.waiter(None)
        place = self._pool.acquire(waiter, time.monotonic(), fresh=fresh)
        if self._pool.closing:
            self._close_discarded()
        if place is None:
            try:
                await waiter.wait(deadline())
            except BaseException:
                if not self._pool.cancel(waiter) and waiter.value is not None:  # assigned at the same moment
                    self.release(waiter.value, reusable=True)
                raise
            place = waiter.value
            if place is None:
                raise LocalProtocolError("the client is closed")
        connection = place.connection
        if connection is not None and connection.is_readable:  # closed, or more came than was asked for
            connection.close()
            place.connection = None
        return place

    def release(self, place: Place, *, reusable: bool, head: Head | None = None) -> None:
        """Give a place back.

        Args:
            place: the place.
            reusable: whether its connection can serve another request.
            head: that of the last response on it.
        """
        reusable = reusable and place.connection is not None and not place.connection.has_buffered
        waiter = self._pool.release(place, time.monotonic(), reusable=reusable, head=head)
        if self._pool.closing:
            self._close_discarded()
        if waiter is not None:
            waiter.value = place
            waiter.set()

    def close(self) -> None:
        """Close what is idle and wake who waits; what is in use closes when it is released."""
        for waiter in self._pool.close():
            waiter.set()
        self._close_discarded()

    def _close_discarded(self) -> None:
        while self._pool.closing:
            self._pool.closing.pop().close()


class LoopState:
    """What a client has on the running event loop.

    Args:
        limits: how many connections there may be to one origin.

    Attributes:
        backend: the event loop.
        discovery: the attempt to find the Service that a task makes, if one does.
    """

    def __init__(self, limits: Limits) -> None:
        self.backend: Backend = current_backend()
        self.discovery: ConnectAttempt[Event] | None = None
        self._limits = limits
        self._pools: dict[Origin, AsyncConnectionPool] = {}

    def pool(self, origin: Origin) -> AsyncConnectionPool:
        """The connections to an origin."""
        pool = self._pools.get(origin)
        if pool is None:
            if len(self._pools) >= ORIGINS:
                self._pools.popitem()[1].close()
            pool = self._pools[origin] = AsyncConnectionPool(self.backend, self._limits)
        return pool

    def close(self) -> None:
        """Close all of them: here if this is the loop or if that has ended, else there."""
        if self.backend.is_current or not self.backend.call_soon(self._close):
            self._close()

    def _close(self) -> None:
        for pool in self._pools.values():
            pool.close()


class Connections:
    """The connections of a client, on each event loop that it is used on.

    Args:
        config: what the client was made with.

    Attributes:
        config: the same.
        ssl_context: the TLS settings; None for Python's, as long as there was no TLS.
    """

    def __init__(self, config: ClientConfig) -> None:
        self.config: ClientConfig = config
        self.ssl_context: ssl.SSLContext | None = config.ssl_context
        self.is_closed: bool = False
        self._loops: dict[object, LoopState] = {}

    def on_this_loop(self) -> LoopState:
        """What belongs to the running event loop.

        Raises:
            LocalProtocolError: the client is closed, or the loop is one of the process that this was forked from.
        """
        loop = self._loops.get(running_loop())
        if loop is not None:
            return loop
        if self.is_closed:
            raise LocalProtocolError("the client is closed")
        for key, other in list(self._loops.items()):
            if not other.backend.call_soon(lambda: None):  # it has ended, or is that of the process before a fork
                self._loops.pop(key, None)
                other.close()
        loop = LoopState(self.config.limits)
        return self._loops.setdefault(loop.backend.native, loop)

    def close(self) -> None:
        """Close idle connections; one in use closes when it is released."""
        self.is_closed = True
        for loop in self._loops.values():
            loop.close()
        self._loops.clear()
