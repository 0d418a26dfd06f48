"""The connections of one client: a pool for each origin, on each event loop that the client is used on."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from anyio import to_thread

from bento_proto import LocalProtocolError
from bento_proto.session import check_picklable

from ._discovery import Discovery
from ._loop import Loop, loop_key
from ._pool import Pool
from ._turn import turns

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from bento_proto import Limits
    from bento_proto.http import Origin, Proxies, Route

    from ._connection import Connection
    from ._pool import Decision
    from ._turn import Turn

# uvicorn closes a connection that was idle for 5 seconds; whoever sends at that very moment loses the race.
_IDLE: Final = 4.0
_ORIGINS: Final = 8  # more than one are only met by redirects


class Lease:
    """A place in a pool, from when it is asked for until it is given back.

    Attributes:
        connection: the connection in it, once there is one.
        granted: whether it is the lease's own.
        refused: whether it never will be.
    """

    __slots__ = ("_places", "_turn", "connection", "granted", "refused")

    def __init__(self, places: Places) -> None:
        self.connection: Connection | None = None
        self.granted: bool = False
        self.refused: bool = False
        self._places = places
        self._turn: Turn | None = None

    async def turn(self, deadline: float) -> None:
        """Wait until it is granted or refused, or until the deadline has passed."""
        if not self.granted and not self.refused:
            self._turn = self._places.turns()
            await self._turn.wait(deadline)

    def check(self) -> None:
        """Let go of the connection if the server has closed it while it was idle."""
        if self.connection is not None and self.connection.is_dropped:
            self.connection.close()
            self.connection = None

    def answer(self, *, granted: bool, connection: Connection | None = None) -> None:
        """Grant it, with an idle connection or without, or refuse it."""
        self.granted, self.refused, self.connection = granted, not granted, connection
        if self._turn is not None:
            self._turn.come()

    def give_back(self, *, reusable: bool) -> None:
        """Free the place; the connection is closed unless it can serve again. A second time does nothing."""
        if self.granted:
            self.granted = False
            connection, self.connection = self.connection, None
            self._places.take_back(connection, reusable=reusable)

    def abandon(self, then: Callable[[], None]) -> None:
        """`give_back` for the garbage collector, which may come in the midst of anything, in any thread.

        Args:
            then: what to call after that, if it was not given back before.
        """
        if self.granted and self.connection is not None:
            self.connection.abandon()
            self._places.loop.call_soon(lambda: self.give_back(reusable=False))
            self._places.loop.call_soon(then)


class Places:
    """The places for connections to one origin.

    Args:
        loop: the event loop that all of them belong to.
        limits: how many there are.
    """

    def __init__(self, loop: Loop, limits: Limits) -> None:
        self.loop: Loop = loop
        self.turns: Callable[[], Turn] = turns(loop)
        self._pool: Pool[Lease, Connection] = Pool(limits.connections, limits.idle, _IDLE)

    def lease(self, *, fresh: bool) -> Lease:
        """Ask for a place, with the connection that is idle in it, if there is one that still stands.

        Args:
            fresh: whether no connection is wanted that was used before.

        Returns:
            The place, or what to `wait` for.
        """
        lease, now = Lease(self), time.monotonic()
        connection = None if fresh else self._pool.take(now)
        if connection is not None:
            lease.granted, lease.connection = True, connection
        else:
            self._carry_out(self._pool.ask(lease, now, fresh=fresh))
        lease.check()
        return lease

    async def wait(self, lease: Lease, deadline: float) -> None:
        """Wait for a place that was asked for.

        Raises:
            TimeoutError: none became free.
            LocalProtocolError: the client is closed.
        """
        try:
            await lease.turn(deadline)
        except BaseException:
            self._pool.leave(lease)
            lease.give_back(reusable=True)  # it may have been granted at the same moment
            raise
        if lease.refused:
            raise LocalProtocolError("the client is closed")
        if not lease.granted:
            self._pool.leave(lease)
            raise TimeoutError
        lease.check()

    def take_back(self, connection: Connection | None, *, reusable: bool) -> None:
        """A lease is over."""
        if connection is not None and reusable:
            now = time.monotonic()
            if self._pool.put_back(connection, now):
                return
            next_ = self._pool.pass_on()
            if next_ is not None:
                next_.answer(granted=True, connection=connection)
            else:
                self._carry_out(self._pool.give_back(connection, now))
            return
        if connection is not None:
            connection.close()
        self._carry_out(self._pool.free())

    def close(self) -> None:
        """Close what is idle and refuse who waits; what is in use closes when it is given back."""
        self._carry_out(self._pool.close())

    def _carry_out(self, decision: Decision[Lease, Connection]) -> None:
        for connection in decision.close:
            connection.close()
        for lease, connection in decision.use:
            lease.answer(granted=True, connection=connection)
        for lease in decision.open:
            lease.answer(granted=True)
        for lease in decision.refuse:
            lease.answer(granted=False)


class Local:
    """What a client has on one event loop.

    Args:
        limits: how many connections there may be to one origin.

    Attributes:
        loop: this one.
        discovery: finds the Service on the first use here.
    """

    def __init__(self, limits: Limits) -> None:
        self.loop: Loop = Loop()
        self.discovery: Discovery = Discovery()
        self._limits = limits
        self._places: dict[Origin, Places] = {}

    def places(self, origin: Origin) -> Places:
        """The places of an origin."""
        places = self._places.get(origin)
        if places is None:
            if len(self._places) >= _ORIGINS:
                self._places.pop(list(self._places)[-1]).close()
            places = self._places[origin] = Places(self.loop, self._limits)
        return places

    def close(self) -> None:
        """Close all of them: here if this is the loop or if that has ended, else there."""
        if self.loop.key == loop_key() or not self.loop.call_soon(self._close):
            self._close()

    def _close(self) -> None:
        for places in self._places.values():
            places.close()


class Connections:
    """The connections of one client, on whichever event loops it is used.

    Args:
        limits: how many there may be to one origin at a time, on each loop.
        context: the TLS settings; by default those of Python: the system's certificates, or those that
            ``SSL_CERT_FILE`` names.
        proxies: which proxy leads where.

    Attributes:
        closed: whether it is closed.
    """

    def __init__(self, limits: Limits, context: ssl.SSLContext | None, proxies: Proxies) -> None:
        self._limits = limits
        self._given = context
        self._context = context
        self._proxies = proxies
        self._locals: dict[object, Local] = {}
        self.closed: bool = False

    def __reduce__(self) -> tuple[type[Connections], tuple[Limits, None, Proxies]]:
        """Others like these, in a process of their own.

        Raises:
            TypeError: there are TLS settings, which can't leave theirs.
        """
        check_picklable(ssl_context=self._given)
        return Connections, (self._limits, None, self._proxies)

    @property
    def local(self) -> Local:
        """What belongs to the running event loop.

        Raises:
            LocalProtocolError: the client is closed.
        """
        local = self._locals.get(loop_key())
        return local if local is not None and not self.closed else self._new_local()

    def check_open(self) -> None:
        """See that there may be more of them.

        Raises:
            LocalProtocolError: the client is closed.
        """
        if self.closed:
            raise LocalProtocolError("the client is closed")

    def _new_local(self) -> Local:
        self.check_open()
        for key, other in list(self._locals.items()):
            if not other.loop.call_soon(_nothing):  # the loop has ended, or is that of the process before a fork
                self._locals.pop(key, None)
                other.close()
        local = Local(self._limits)
        return self._locals.setdefault(local.loop.key, local)

    def route(self, origin: Origin) -> Route:
        """The way to an origin.

        Raises:
            ProxyError: there is none.
        """
        return self._proxies.route(origin)

    async def open(self, lease: Lease, route: Route) -> Connection:
        """Connect a lease that has no connection.

        Raises:
            ssl.SSLError: the certificate does not hold, or the peer speaks no TLS.
            OSError: there is no connection to be had.
        """
        import ssl  # the event loop has loaded what this takes by now

        from ._socket import connect

        secure = "https" in (route.origin.scheme, route.proxy and route.proxy.origin.scheme)
        if secure and self._context is None:
            self._context = await to_thread.run_sync(ssl.create_default_context)  # reads files
        lease.connection = await connect(route, self._context, self._limits, self.local.loop)
        return lease.connection

    def close(self) -> None:
        """Close all connections that are idle; those in use close when they are given back."""
        self.closed = True
        for local in self._locals.values():
            local.close()
        self._locals.clear()


def _nothing() -> None:
    pass
