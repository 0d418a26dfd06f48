"""Connections that are kept and used again, by any number of threads, first come, first served.

An exception may come after any call, as signal handlers raise some, and the garbage collector may give a connection
back while this very thread is changing a pool. So each place is held under a weak reference to its holder, by which one
that was lost on the way is found again; and what is given back is queued, and acted on by whoever changes the pool.
"""

from __future__ import annotations

import math
import select
import ssl
import sys
import threading
import time
import weakref
from collections import deque
from functools import partial
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Final, TypeAlias

from urllib3.util.wait import wait_for_read

from bento_proto import LocalProtocolError
from bento_proto.pool import ConnectionPool, PooledConnection
from bento_proto.session import check_picklable

from ._connection import RoutedConnection
from ._fork import renew_after_fork

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from bento_proto import Limits
    from bento_proto.http import Origin, Proxies, Proxy, Route

_ORIGINS: Final = 8  # more than one are only met by redirects
_LOOK: Final = 1.0  # seconds after which who waits looks for places that were lost


class Connection:
    """An open connection.

    Attributes:
        sock: its socket.
    """

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
        """Close it."""
        self.sock.close()

    __del__ = close  # of a client that was dropped, say


Place: TypeAlias = "PooledConnection[Connection]"


class Holder:
    """What can hold a place in a pool, once.

    Attributes:
        place: the place, while it is held.
        woken: is given something when there is one, or when the pool is closed.
    """

    place: Place | None = None
    woken: SimpleQueue[None] | None = None


class OriginPool:
    """The connections to one origin: the core decides, and here threads wait.

    Args:
        route: the way to the origin.
        context: the TLS settings; None if there is no TLS on the route.
        limits: how many connections there may be, and how much a proxy may send.

    Attributes:
        route: the way to the origin.
        forwarder: the proxy that requests are handed to, as it forwards them: see `Route.forwarder`.
    """

    def __init__(self, route: Route, context: ssl.SSLContext | None, limits: Limits) -> None:
        self.route: Route = route
        self.forwarder: Proxy | None = route.forwarder
        self._context = context
        self._limits = limits
        self._pool: ConnectionPool[Connection, weakref.ref[Holder]] = ConnectionPool(
            limits.connections, limits.idle, limits.lifetime
        )
        self._lock = threading.RLock()
        self._is_changing = False
        self._held = self._pool.held
        self._released: deque[tuple[Holder | None, Place, bool, float | None]] = deque()

    def acquire(self, holder: Holder, timeout: float | None, *, fresh: bool) -> Place | None:
        """Get a place, with an open connection or without; None if none became free in time.

        Args:
            holder: who is to hold it, until `release`.
            timeout: how long to wait, in seconds.
            fresh: whether it must be without one.

        Raises:
            LocalProtocolError: the pool is closed, or was while this waited.
        """
        self._ask(holder, fresh)
        place = holder.place or self._wait(holder, timeout, fresh)
        if place is not None and place.connection is not None and place.connection.is_readable():
            place.connection.close()
            place.connection = None
        return place

    def release(self, holder: Holder, *, reusable: bool, keep_alive: float | None) -> None:
        """Give the place of a holder back, if it has one.

        Args:
            holder: who holds it.
            reusable: whether its connection can serve another request.
            keep_alive: for how many seconds the server keeps that open, if it said so.
        """
        place = holder.place
        if place is not None:
            self._released.append((holder, place, reusable, keep_alive))
            self._settle()
            holder.place = None

    def connect(self, deadline: float) -> Connection:
        """Open a connection.

        Args:
            deadline: when to give up, on the monotonic clock; infinite for never.

        Raises:
            OSError, ValueError: it can't be opened.
        """
        connection = RoutedConnection(self.route, self._context, self._limits, deadline)
        connection.connect()
        assert connection.sock is not None
        return Connection(connection.sock)

    def close(self) -> None:
        """Close the connections that are idle, and refuse whoever waits for one; those in use close when released."""
        with self._lock:
            for asked in self._pool.close():
                _wake(asked())
        self._settle()

    def after_fork(self) -> None:
        """Leave the sockets to the parent, in a forked child; whose lock they are under may be no more."""
        self._lock = threading.RLock()
        self._is_changing = False
        self.close()

    def _ask(self, holder: Holder, fresh: bool) -> None:
        with self._lock:
            self._is_changing = True
            try:
                if holder.place is None:
                    holder.place = self._pool.acquire(weakref.ref(holder), time.monotonic(), fresh=fresh)
                if holder.place is None:
                    self._find_lost()
                    holder.woken = holder.woken or SimpleQueue()
            finally:
                self._is_changing = False
        if self._released or self._pool.closing:
            self._settle()

    def _wait(self, holder: Holder, timeout: float | None, fresh: bool) -> Place | None:
        ends = math.inf if timeout is None else time.monotonic() + timeout
        try:
            while holder.place is None and (left := ends - time.monotonic()) > 0:
                assert holder.woken is not None
                try:
                    holder.woken.get(timeout=min(left, _LOOK))
                except Empty:
                    pass
                self._ask(holder, fresh)
        finally:
            with self._lock:
                self._pool.cancel(weakref.ref(holder))
        return holder.place  # which may have come at the last moment

    def _find_lost(self) -> None:
        """Find places that were lost by an exception amid taking or handing them over."""
        for place, asked in self._held.items():
            holder = asked()
            if holder is None:
                self._released.append((None, place, False, None))
            elif holder.place is None:
                holder.place = place
                _wake(holder)

    def _settle(self) -> None:
        """Act on what was given back, and close the connections that leave the pool."""
        while self._released or self._pool.closing:
            with self._lock:
                if self._is_changing:  # by this thread, which will act on it when it is done
                    return
                self._is_changing = True
                try:
                    while self._released:
                        self._take_back(*self._released.popleft())
                    closing, self._pool.closing = self._pool.closing, []
                finally:
                    self._is_changing = False
            for connection in closing:
                connection.close()

    def _take_back(self, holder: Holder | None, place: Place, reusable: bool, keep_alive: float | None) -> None:
        asked = self._held.get(place)
        if asked is None or asked() is not holder:  # it was given back before
            return
        now = time.monotonic()
        while (asked := self._pool.release(place, now, reusable=reusable, keep_alive=keep_alive)) is not None:
            waiter = asked()
            if waiter is not None:
                waiter.place = place
                _wake(waiter)
                return


def _wake(holder: Holder | None) -> None:
    if holder is not None and holder.woken is not None:
        holder.woken.put(None)


class PoolManager:
    """The pools of one client, by origin.

    Args:
        limits: how many connections there may be to one origin at a time.
        context: the TLS settings; by default those of Python: the system's certificates, or those that
            ``SSL_CERT_FILE`` names.
        proxies: which proxy leads where.

    Attributes:
        is_closed: whether `close` was called.
    """

    def __init__(self, limits: Limits, context: ssl.SSLContext | None, proxies: Proxies) -> None:
        self.is_closed: bool = False
        self._limits = limits
        self._given = context
        self._context: ssl.SSLContext | None = None
        self._proxies = proxies
        self._pools: dict[Origin, OriginPool] = {}
        self._lock = threading.RLock()
        renew_after_fork(self)

    def __reduce__(self) -> tuple[type[PoolManager], tuple[Limits, None, Proxies]]:
        """Others like these, in a process of their own.

        Raises:
            TypeError: there are TLS settings, which can't leave theirs.
        """
        check_picklable(ssl_context=self._given)
        return PoolManager, (self._limits, None, self._proxies)

    def after_fork(self) -> None:
        """Leave the sockets to the parent, and connect anew."""
        self._lock = threading.RLock()
        pools, self._pools = self._pools, {}
        for pool in pools.values():
            pool.after_fork()

    def pool(self, origin: Origin) -> OriginPool:
        """The pool of an origin.

        Raises:
            LocalProtocolError: the client is closed.
            ProxyError: there is no way to the origin.
        """
        return self._pools.get(origin) or self._new_pool(origin)

    def _new_pool(self, origin: Origin) -> OriginPool:
        with self._lock:
            if self.is_closed:
                raise LocalProtocolError("the client is closed")
            if origin not in self._pools:
                route = self._proxies.route(origin)
                if len(self._pools) >= _ORIGINS:
                    self._pools.popitem()[1].close()
                self._pools[origin] = OriginPool(route, self._context_for(route), self._limits)
            return self._pools[origin]

    def _context_for(self, route: Route) -> ssl.SSLContext | None:
        if "https" not in (route.origin.scheme, route.proxy and route.proxy.origin.scheme):
            return None
        if self._context is None:
            context = self._given or ssl.create_default_context()
            context.set_alpn_protocols(["http/1.1"])
            self._context = context
        return self._context

    def close(self) -> None:
        """Close all connections that are idle; those in use close when they are given back."""
        with self._lock:
            self.is_closed = True
            pools, self._pools = self._pools, {}
        for pool in pools.values():
            pool.close()
