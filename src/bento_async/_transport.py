"""One exchange on one connection: bytes out, bytes in, and what goes wrong between as `ConnectionFailed`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, TypeVar

import anyio
from anyio import CancelScope
from anyio.lowlevel import checkpoint

from bento_proto import ConnectionFailed, FailureKind
from bento_proto.exchange import State
from bento_proto.http import FilePart, ProxyError
from bento_proto.http11 import HTTP11Exchange

from ._underway import TOO_LATE, Underway, until

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Sequence

    from bento_proto import Exchange, Request, Step, Timeout

    from ._connection import Connection
    from ._connections import Connections, Lease

T = TypeVar("T")

_BLOCK: Final = 1 << 18  # sent at a time, so that a timeout is one of progress
_SMALL: Final = 1 << 16  # what the system takes at once, as a rule
_PASSED: Final = 1 << 23  # in one go of a thread's, which can't be cancelled


async def carry_out(step: Step, connections: Connections) -> Open[object] | None:
    """Carry out a step until its exchange wants no more; whoever takes one that is handed over reads on.

    Raises:
        LocalProtocolError: the client is closed, or the request can't be sent.
        OSError: a file of the request can't be read.
    """
    exchange, timeout = step.exchange, step.timeout
    origin = exchange.request.origin
    local = connections.local
    clock, places = local.loop.clock, local.places(origin)
    ends = math.inf if timeout.total is None else clock() + timeout.total
    lease = places.lease(fresh=step.fresh)
    if not lease.granted:
        try:
            await places.wait(lease, until(timeout.pool, ends, clock))
        except TimeoutError as exc:
            reason = f"no connection became free within {timeout.pool:g} seconds"
            exchange.receive(ConnectionFailed(FailureKind.TIMEOUT, reason, sent=False, cause=exc))
            return None
    try:
        connection = lease.connection
        reused = connection is not None
        if connection is None:
            connection = await _connect(exchange, lease, connections, until(timeout.connect, ends, clock))
        if connection is not None:
            opened = Open(exchange, timeout, ends, clock, lease, connection, reused=reused)
            await opened.begin()
            return opened.hand_over()
    except BaseException:
        lease.give_back(reusable=False)
        raise
    lease.give_back(reusable=False)
    return None


async def _connect(
    exchange: Exchange[object], lease: Lease, connections: Connections, deadline: float
) -> Connection | None:
    import ssl  # the event loop has loaded it by now

    where = str(exchange.request.origin)
    with CancelScope(deadline=deadline):
        try:
            route = connections.route(exchange.request.origin)
            where = str(route)
            return await connections.open(lease, route)
        except ssl.SSLError as exc:
            exchange.receive(ConnectionFailed(FailureKind.TLS, f"no TLS with {where}: {exc}", cause=exc))
        except OSError as exc:
            loss = exc.kind if isinstance(exc, ProxyError) else FailureKind.CONNECT
            exchange.receive(ConnectionFailed(loss, f"can't connect to {where}: {exc}", cause=exc))
        return None
    reason = f"connecting to {where} took too long"
    exchange.receive(ConnectionFailed(FailureKind.TIMEOUT, reason, sent=False, cause=TimeoutError(reason)))
    return None


class Open(Underway[T]):
    """An exchange on a connection, which goes back to its pool when the exchange is over or closed.

    Args:
        exchange: what is under way.
        timeout: how long to wait for what.
        ends: when the total of the timeout is up, on the event loop's clock.
        clock: that clock.
        lease: what the connection came with.
        connection: the connection.
        reused: whether it has served an exchange before.
    """

    def __init__(
        self,
        exchange: Exchange[T],
        timeout: Timeout,
        ends: float,
        clock: Callable[[], float],
        lease: Lease,
        connection: Connection,
        *,
        reused: bool,
    ) -> None:
        super().__init__(exchange, timeout, ends, clock)
        self._wire: HTTP11Exchange[T] = HTTP11Exchange(exchange, reused=reused, proxy=connection.forwarder)
        self._lease = lease
        self._connection = connection
        self._unreadable: Exception | None = None  # what was raised, by who is told of the progress, say

    def close(self) -> None:
        """Give the connection back: for further use if the exchange is over, else it is closed."""
        self._lease.give_back(reusable=self._wire.is_reusable)
        self.exchange.close()

    def abandon(self) -> None:
        """`close`, for the garbage collector."""
        self._lease.abandon(self.exchange.close)

    @property
    def source(self) -> tuple[socket.socket, int] | None:
        sock, most = self._connection.source, self._wire.max_direct_read
        return (sock, min(most, _PASSED)) if sock is not None and most else None

    def passed(self, size: int) -> None:
        self._wire.direct_read(size)

    @property
    def _is_complete(self) -> bool:
        return self._wire.is_over

    def _lose(self, loss: FailureKind, reason: str, cause: BaseException) -> None:
        if loss is FailureKind.TIMEOUT:
            self._wire.timed_out(reason, cause)
        else:
            self._wire.connection_lost(reason, cause)

    async def _send(self) -> None:
        rest = b""
        data = self._wire.small_request()
        if data is None and _is_small(self.exchange.request):
            data = self._wire.data_to_send()
        if data is not None:
            try:
                sent = self._connection.send_soon(data)
            except OSError:
                return  # it may have answered before it closed: reading tells
            if sent == len(data):
                return
            rest = data[sent:]
        with CancelScope(deadline=self.ends) as scope:
            if rest:
                await self._send_bytes(rest, scope)
            else:
                await self._send_watched(scope)
        if scope.cancelled_caught:
            reason = "the server did not take the request in time"
            self._wire.timed_out(reason, TimeoutError(reason))

    async def _send_watched(self, scope: CancelScope) -> None:
        failure: Exception | None = None
        async with anyio.create_task_group() as watching:
            watching.start_soon(self._watch, watching.cancel_scope)
            try:
                await self._send_segments(scope)
            except Exception as exc:  # noqa: BLE001 - the task group would wrap it
                failure = exc
            watching.cancel_scope.cancel()
        failure = failure or self._unreadable
        if failure is not None:
            raise failure

    async def _watch(self, sending: CancelScope) -> None:
        """Stop the sending when the server refuses the request before it has it all."""
        try:
            while self.exchange.state is State.WAITING:
                self._early += await self._receive(math.inf)
        except Exception as exc:  # noqa: BLE001 - the task group would wrap it
            self._unreadable = exc
        if self.exchange.state is not State.RECEIVING or self._unreadable is not None:
            sending.cancel()

    async def _send_segments(self, scope: CancelScope) -> None:
        for segment in self._wire.segments():
            if isinstance(segment, FilePart):
                going_on = await self._send_file(segment, scope)
            else:
                going_on = await self._send_bytes(segment, scope)
            if not going_on:
                return

    async def _send_file(self, part: FilePart, scope: CancelScope) -> bool:
        from ._reading import Reading  # few send files

        with Reading(part) as reading:
            while True:
                scope.deadline = self.ends
                some = await reading.next()
                if not some:
                    return True
                for block in some:
                    if not await self._send_bytes(self._wire.frame(block), scope):
                        return False

    async def _send_bytes(self, data: bytes | memoryview, scope: CancelScope) -> bool:
        """Send bytes; False once there is no point in sending more."""
        view = memoryview(data)
        for start in range(0, len(view), _BLOCK):
            if start:
                await checkpoint()
            block = view[start : start + _BLOCK]
            try:
                sent = self._connection.send_at_once(block)
                if sent < len(block):
                    scope.deadline = until(self.timeout.send, self.ends, self._clock)
                    await self._connection.send(block[sent:])
                    scope.deadline = self.ends
            except OSError:
                return False  # it may have answered before it closed: reading tells
        return True

    async def _receive(self, deadline: float) -> Sequence[T]:
        try:
            if self.room is not None and self._wire.accepts_memoryview:
                data = await self._connection.receive_into(self.room, deadline)
            else:
                data = await self._connection.receive(self._wire.max_read, deadline)
        except OSError as exc:
            self._wire.connection_lost(f"the connection broke: {exc}", exc)
            return ()
        if data is None:
            self._wire.timed_out(TOO_LATE, TimeoutError(TOO_LATE))
            return ()
        return self._wire.receive(data)


def _is_small(request: Request) -> bool:
    """Whether it is sent without looking whether the server has refused it before it had it all."""
    size = 0
    for segment in request.body:
        if isinstance(segment, FilePart):
            return False
        size += len(segment)
    return size <= _SMALL
