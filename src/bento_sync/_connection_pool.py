"""Connections that are kept and used again, by any number of threads, first come, first served.

An exception may come after any call, as signal handlers raise some, and the garbage collector may give a connection
back while this very thread is changing a pool. So each place is held under a weak reference to its holder, by which one
that was lost on the way is found again; and what is given back is queued, and acted on by whoever changes the pool.
"""

from __future__ import annotations

import math
import os
import select
import ssl
import sys
import threading
import time
import weakref
from collections import deque
from contextlib import suppress
from functools import partial
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Final, TypeAlias

from urllib3.util.wait import wait_for_read

from bento_files import tls_context
from bento_proto import LocalProtocolError
from bento_proto.http import Route
from bento_proto.pool import ORIGINS, ConnectionPool, PooledConnection

from ._connection import RoutedConnection

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from bento_proto import Head
    from bento_proto.http import Origin, Proxy
    from bento_proto.session import ClientConfig, ConnectAttempt

_LOOK: Final = 1.0  # seconds after which who waits looks for places that were lost


class Connection:
    """An open connection. It closes when it is dropped, as with its client."""

    __slots__ = ("_pending", "_poll", "sock")

    def __init__(self, sock: socket.socket) -> None:
        self.sock: socket.socket = sock
        self._pending: Callable[[], int] | None = getattr(sock, "pending", None)  # of TLS
        self._poll: Callable[[int], object] = partial(wait_for_read, sock)
        if sys.platform != "win32" and hasattr(select, "poll"):  # gevent takes it away
            poll = select.poll()  # made once: that takes longer than to use it
            poll.register(sock, select.POLLIN)
            self._poll = poll.poll

    def is_readable(self) -> bool:
        """Whether the peer has closed it, or sent something: of an idle connection nothing is expected."""
        return bool(self._poll(0)) or (self._pending is not None and self._pending() > 0)

    def close(self) -> None:
        """Close it. Idempotent."""
        self.sock.close()

    def __del__(self) -> None:
        try:  # and no `suppress`: when the interpreter ends, the names of modules are gone
            self.sock.close()
        except AttributeError:  # a signal handler raised while it was made
            pass


Place: TypeAlias = "PooledConnection[Connection]"


class Holder:
    """What holds a place in a pool, or waits for one."""

    place: Place | None = None
    _woken: SimpleQueue[None] | None = None

    def wait(self, seconds: float) -> None:
        """Wait until `wake` is called. The first call returns at once, since what it waits for may have come before."""
        if self._woken is None:
            self._woken = SimpleQueue()
        else:
            with suppress(Empty):
                self._woken.get(timeout=seconds)

    def wake(self) -> None:
        """End the wait, as there is a place, or the pool is closed."""
        if self._woken is not None:
            self._woken.put(None)


class OriginPool:
    """The connections to one origin: what the core decides, and threads that wait for it.

    Args:
        route: the way to the origin.
        context: the TLS settings; None if there is no TLS on the route.
        config: what the client was made with.
    """

    def __init__(self, route: Route, context: ssl.SSLContext | None, config: ClientConfig) -> None:
        limits = config.limits
        self.route: Route = route
        self.forwarder: Proxy | None = route.forwarder
        self._context = context
        self._config = config
        self._pool: ConnectionPool[Connection, weakref.ref[Holder]] = ConnectionPool(
            limits.connections, limits.idle, limits.lifetime, limits.keepalive_expiry
        )
        self._held = self._pool.held
        self._released: deque[tuple[Holder, bool, Head | None]] = deque()
        self._lock = threading.RLock()
        self._is_changing = False

    def acquire(self, holder: Holder, timeout: float | None, *, fresh: bool) -> Place | None:
        """Get a place, with an open connection or, as always if it is to be `fresh`, without; `release` follows.

        Returns:
            The place; None if none became free within `timeout` seconds.

        Raises:
            LocalProtocolError: the pool is closed, or was while this waited.
        """
        ends = 0.0
        while True:
            now = time.monotonic()
            with self._lock:
                self._is_changing = True
                try:
                    if holder.place is None:
                        holder.place = self._pool.acquire(weakref.ref(holder), now, fresh=fresh)
                    if holder.place is None:
                        self._find_lost(now)
                finally:
                    self._is_changing = False
            if self._released or self._pool.closing:
                self._settle()
            if holder.place is not None:
                break
            ends = ends or (math.inf if timeout is None else now + timeout)
            if now >= ends:
                return None
            holder.wait(min(ends - now, _LOOK))
        place = holder.place
        if place.connection is not None and place.connection.is_readable():
            place.connection.close()
            place.connection = None
        return place

    def release(self, holder: Holder, *, reusable: bool, head: Head | None = None) -> None:
        """Give the place of a holder back, if it has one. Arguments are as for `ConnectionPool.release`."""
        self._released.append((holder, reusable, head))
        self._settle()

    def connect(self, deadline: float) -> Connection:
        """Open a connection until a deadline; raises `OSError` or `ValueError` if it can't be opened."""
        connection = RoutedConnection(self.route, self._context, self._config, deadline)
        connection.connect()
        assert connection.sock is not None
        return Connection(connection.sock)

    def close(self) -> None:
        """Close the connections that are idle, and refuse whoever waits for one; those in use close when released."""
        with self._lock:
            for asked in self._pool.close():
                waiter = asked()
                if waiter is not None:
                    waiter.wake()
        self._settle()

    def after_fork(self) -> None:
        """Leave the sockets to the parent, in a forked child; whose lock they are under may be no more."""
        self._lock = threading.RLock()
        self._is_changing = False
        self.close()

    def _settle(self) -> None:
        """Act on what was given back, and close the connections that leave the pool."""
        while self._released or self._pool.closing:
            with self._lock:
                if self._is_changing:  # by this thread, which will act on it when it is done
                    return
                self._is_changing = True
                try:
                    while self._released:
                        holder, reusable, head = self._released.popleft()
                        place = holder.place
                        if place is None:
                            self._pool.cancel(weakref.ref(holder))
                        elif self._held.get(place) == weakref.ref(holder):
                            self._hand_on(place, time.monotonic(), reusable=reusable, head=head)
                        holder.place = None
                    closing, self._pool.closing = self._pool.closing, []
                finally:
                    self._is_changing = False
            for connection in closing:
                connection.close()

    def _hand_on(self, place: Place, now: float, *, reusable: bool, head: Head | None = None) -> None:
        while (asked := self._pool.release(place, now, reusable=reusable, head=head)) is not None:
            waiter = asked()
            if waiter is not None:
                waiter.place = place
                waiter.wake()
                return

    def _find_lost(self, now: float) -> None:
        """Find the places that an exception lost, after they were taken or while they were handed on."""
        for place, asked in list(self._held.items()):
            holder = asked()
            if holder is None:
                self._hand_on(place, now, reusable=False)
            elif holder.place is None:
                holder.place = place
                holder.wake()


class PoolManager:
    """The pools of one client, by origin.

    Args:
        config: what the client was made with.
        server: where connections to the client's own origin lead; None if that is the origin itself.

    Attributes:
        is_closed: whether `close` was called.
        connecting: the first use of the client, while a thread is at it.
    """

    def __init__(self, config: ClientConfig, server: Origin | None = None) -> None:
        self.is_closed: bool = False
        self.connecting: dict[str, ConnectAttempt[threading.Event]] = {}
        self._config = config
        self._server = server
        self._context: ssl.SSLContext | None = None
        self._pools: dict[Origin, OriginPool] = {}
        _managers.add(self)

    def __reduce__(self) -> tuple[type[PoolManager], tuple[ClientConfig]]:
        """Others like these, in a process of their own."""
        return PoolManager, (self._config,)

    def pool(self, origin: Origin) -> OriginPool:
        """The pool of an origin.

        Raises:
            LocalProtocolError: the client is closed.
            ProxyError: there is no way to the origin.
        """
        pool = self._pools.get(origin)
        if pool is None:
            self.check_open()
            if self._server is not None and origin == self._config.session.base.origin:
                route = Route(self._server, None, "app")
            else:
                route = self._config.proxies.route(origin)
            if len(self._pools) >= ORIGINS:
                self._pools.popitem()[1].close()
            if self._context is None and "https" in (route.origin.scheme, route.proxy and route.proxy.origin.scheme):
                self._context = self._config.ssl_context or tls_context()
            pool = self._pools.setdefault(origin, OriginPool(route, self._context, self._config))
            if self.is_closed:  # meanwhile
                pool.close()
        return pool

    def check_open(self) -> None:
        """Raise `LocalProtocolError` if the client is closed."""
        if self.is_closed:
            raise LocalProtocolError("the client is closed")

    def close(self) -> None:
        """Close all connections that are idle; those in use close when they are given back."""
        self.is_closed = True
        pools, self._pools = self._pools, {}
        for pool in pools.values():
            pool.close()

    def after_fork(self) -> None:
        """Leave calls and sockets to the parent, and connect anew."""
        self.connecting.clear()
        self._config.session.after_fork()
        while self._pools:
            self._pools.popitem()[1].after_fork()


_managers: Final[weakref.WeakSet[PoolManager]] = weakref.WeakSet()


def _after_fork() -> None:
    for manager in list(_managers):
        manager.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
