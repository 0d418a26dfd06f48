"""urllib3's connection pools, one for each origin: they connect, and keep connections until these expire."""

from __future__ import annotations

import queue
import select
import socket
import ssl
import sys
import threading
import time
from functools import partial
from typing import TYPE_CHECKING, Final, TypeAlias, cast

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ClosedPoolError, EmptyPoolError
from urllib3.util.wait import wait_for_read

from bento_proto import LocalProtocolError
from bento_proto.http import Origin, Route
from bento_proto.session import check_picklable

from ._fork import renew_after_fork
from ._places import Places

if TYPE_CHECKING:
    from collections.abc import Callable

    from urllib3._base_connection import BaseHTTPConnection

    from bento_proto import Limits
    from bento_proto.http import Proxies, Proxy

# uvicorn closes a connection that was idle for 5 seconds; whoever sends at that very moment loses the race.
_IDLE: Final = 4.0
_ORIGINS: Final = 8  # more than one are only met by redirects

Connection: TypeAlias = "HTTPConnection | HTTPSConnection"
Pool: TypeAlias = "_Leases"


class _Leases(HTTPConnectionPool):
    """What the pools add to urllib3's: connections leave and come back without its way of making requests.

    Attributes:
        route: the way that its connections take.
        forwarder: the proxy that its requests are sent to, as it forwards them: `Route.forwarder`.
        most_idle: how many connections may stay open while no call uses them.
    """

    QueueCls = Places
    route: Route
    forwarder: Proxy | None
    most_idle: int

    def lease(self, timeout: float | None, *, fresh: bool) -> Connection:
        """A connection that is open or can be opened.

        Args:
            timeout: how long to wait for a free place, in seconds.
            fresh: whether it must not be open yet.

        Raises:
            EmptyPoolError: no place became free.
            ClosedPoolError: the pool is closed, or was while this waited.
        """
        places = self.pool
        try:
            idle: Connection | None = None if places is None else places.get(timeout=timeout)
        except queue.Empty:
            raise EmptyPoolError(self, "no place became free") from None
        connection = idle or cast("Connection", self._new_conn())
        if places is None or self.pool is None:
            connection.close()
            _wake_next(places)
            raise ClosedPoolError(self, "Pool is closed.")
        if idle is not None and connection.sock is not None and (fresh or _is_spent(connection)):
            connection.close()
        return connection

    def give_back(self, connection: Connection, *, reusable: bool) -> None:
        """Free the place; close the connection unless it can serve again."""
        places = self.pool
        if reusable and places is not None and (self.most_idle >= places.maxsize or self._may_stay(places)):
            setattr(connection, "used_at", time.monotonic())  # noqa: B010 - urllib3's class does not declare it
        else:
            connection.close()
        places = self.pool
        if places is None:
            connection.close()
        else:
            places.put(connection)

    def _may_stay(self, places: queue.LifoQueue[BaseHTTPConnection | None]) -> bool:
        """Whether one more connection may be idle. No lock: this may be the garbage collector, amid anything."""
        return sum(idle is not None and not idle.is_closed for idle in list(places.queue)) < self.most_idle

    def leave_to_parent(self) -> None:
        """Close this process's copies of the sockets, in a forked child; whose lock they are under may be no more."""
        places = self.pool
        if places is not None:
            idle = list(places.queue)
            type(places).__init__(places, places.maxsize)  # with locks of its own, and nothing in it
            for connection in idle:
                if connection is not None:
                    connection.close()

    def close(self) -> None:
        """Close the connections that are idle, and refuse whoever waits for one."""
        places = self.pool
        super().close()
        _wake_next(places)


def _wake_next(places: queue.LifoQueue[BaseHTTPConnection | None] | None) -> None:
    """Let one who waits go on, and find that the pool is closed; who goes on lets the next one."""
    if places is not None:
        places.put(None)


def _is_spent(connection: Connection) -> bool:
    """Whether an open connection has been idle for too long, or its peer has closed it or spoken out of turn."""
    used_at: float = getattr(connection, "used_at")  # noqa: B009 - see `give_back`
    if time.monotonic() - used_at > _IDLE:
        return True
    poll: Callable[[int], object] | None = getattr(connection, "poll", None)
    assert connection.sock is not None
    return bool(poll(0) if poll is not None else wait_for_read(connection.sock, 0.0))


class _Secure(_Leases, HTTPSConnectionPool):
    """The same over TLS."""


class _Unix(_Leases):
    def __init__(self, path: str, size: int) -> None:
        super().__init__("localhost", maxsize=size, block=True)
        self.ConnectionCls = partial(_UnixConnection, path)  # type: ignore[assignment]  # it is only called


class _UnixConnection(HTTPConnection):
    def __init__(self, path: str, **_: object) -> None:
        super().__init__("localhost")
        self._path = path

    def _new_conn(self) -> socket.socket:
        if sys.platform == "win32":  # whose Python has no AF_UNIX
            raise LocalProtocolError("this platform's Python has no Unix sockets")
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.settimeout(self.timeout)
            connection.connect(self._path)
        except BaseException:
            connection.close()
            raise
        return connection


class _Proxied(_Leases):
    def __init__(self, route: Route, proxy: Proxy, context: ssl.SSLContext | None, limits: Limits) -> None:
        from ._proxied import ProxiedConnection  # which most have no use for

        super().__init__(route.origin.host, route.origin.port, maxsize=limits.connections, block=True)
        tunnel = None if route.forwarder else route.origin
        self.ConnectionCls = partial(ProxiedConnection, proxy, tunnel, context, limits)  # type: ignore[assignment]


class Connections:
    """The pools of one client.

    Args:
        limits: how many connections there may be to one origin at a time.
        context: the TLS settings; by default those of Python: the system's certificates, or those that
            ``SSL_CERT_FILE`` names.
        proxies: which proxy leads where.
    """

    def __init__(self, limits: Limits, context: ssl.SSLContext | None, proxies: Proxies) -> None:
        self._limits = limits
        self._given = context
        self._context = context
        self._proxies = proxies
        self._lock = threading.Lock()
        self._pools: dict[Origin, Pool] = {}
        self._closed = False
        renew_after_fork(self)

    def __reduce__(self) -> tuple[type[Connections], tuple[Limits, None, Proxies]]:
        """Others like these, in a process of their own.

        Raises:
            TypeError: there are TLS settings, which can't leave theirs.
        """
        check_picklable(ssl_context=self._given)
        return Connections, (self._limits, None, self._proxies)

    def after_fork(self) -> None:
        """Leave the sockets to the parent, and connect anew."""
        self._lock = threading.Lock()
        for pool in self._pools.values():
            pool.leave_to_parent()
        self._pools = {}

    def pool(self, origin: Origin) -> Pool:
        """The pool of an origin.

        Raises:
            LocalProtocolError: the client is closed.
            ProxyError: there is no way to the origin.
        """
        pool = self._pools.get(origin)
        return pool if pool is not None else self._new_pool(origin)

    def _new_pool(self, origin: Origin) -> Pool:
        with self._lock:
            if self._closed:
                raise LocalProtocolError("the client is closed")
            if origin not in self._pools:
                route = self._proxies.route(origin)
                if len(self._pools) >= _ORIGINS:
                    self._pools.pop(list(self._pools)[-1]).close()
                pool = self._make(route)
                pool.route, pool.forwarder, pool.most_idle = route, route.forwarder, self._limits.idle
                self._pools[origin] = pool  # now others find it
            return self._pools[origin]

    def _make(self, route: Route) -> Pool:
        origin, proxy, size = route.origin, route.proxy, self._limits.connections
        if origin.socket is not None:
            return _Unix(origin.socket, size)
        if self._context is None and (origin.scheme == "https" or (proxy and proxy.origin.scheme == "https")):
            self._context = ssl.create_default_context()
        if proxy is not None:
            return _Proxied(route, proxy, self._context, self._limits)
        if origin.scheme == "http":
            return _Leases(origin.host, origin.port, maxsize=size, block=True)
        return _Secure(origin.host, origin.port, maxsize=size, block=True, ssl_context=self._context)

    def close(self) -> None:
        """Close all connections that are idle; those in use close when they are given back."""
        with self._lock:
            self._closed = True
            for pool in self._pools.values():
                pool.close()
            self._pools.clear()


def open_socket(connection: Connection, timeout: float | None) -> socket.socket:
    """Connect, within so many seconds; return the socket.

    Raises:
        HTTPError, OSError: it can't be connected.
    """
    connection.timeout = timeout
    connection.connect()
    sock = connection.sock
    if sock is None:
        raise ConnectionError("the connection was closed at once")
    if sys.platform != "win32" and hasattr(select, "poll"):  # gevent takes it away
        watching = select.poll()
        watching.register(sock, select.POLLIN)
        setattr(connection, "poll", watching.poll)  # noqa: B010 - made once: that takes longer than to use it
    return sock
