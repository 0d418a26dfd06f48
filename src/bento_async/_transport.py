"""One exchange on one connection: bytes out, bytes in, and what goes wrong between as `Lost`."""

from __future__ import annotations

import math
import ssl
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Final, Generic, TypeVar

import anyio
from anyio import CancelScope, to_thread
from anyio.lowlevel import checkpoint

from bento_files import BLOCK, blocks
from bento_proto import Delivery, FilePart, Loss, Lost, State
from bento_proto.http11 import Wire

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bento_proto import Exchange, Step, Timeout

    from ._connections import Connections, Lease
    from ._socket import Connection

T = TypeVar("T")

_SMALL: Final = 1 << 16  # sent without looking whether the server has refused it before it had it all
_READ: Final = 1 << 16  # larger buffers cost more than they save
_READ_FILE: Final = 1 << 18
_BLOCKS: Final = 4  # of a file, read at a time: a thread is not for nothing


async def carry_out(step: Step, connections: Connections) -> Open[object] | None:
    """Carry out a step until its exchange wants no more; whoever takes one that is handed over reads on.

    Raises:
        LocalProtocolError: the client is closed, or the request can't be sent.
        OSError: a file of the request can't be read.
    """
    exchange, timeout = step.exchange, step.timeout
    origin = exchange.request.origin
    ends = math.inf if timeout.total is None else anyio.current_time() + timeout.total
    try:
        lease = await connections.local.places(origin).lease(_until(timeout.pool, ends), fresh=step.fresh)
    except TimeoutError as exc:
        reason = f"no connection became free within {timeout.pool:g} seconds"
        exchange.receive(Lost(Loss.TIMEOUT, reason, sent=False, cause=exc))
        return None
    opened: Open[object] | None = None
    try:
        reused = lease.connection is not None
        connection = lease.connection or await _connect(exchange, lease, connections, _until(timeout.connect, ends))
        if connection is not None:
            opened = Open(exchange, Wire(exchange, reused=reused), lease, connection, timeout, ends)
            await opened.begin()
            if exchange.is_handed_over:
                return opened
    except BaseException:
        lease.give_back(reusable=False)
        raise
    if opened is None:
        lease.give_back(reusable=False)
    else:
        opened.close()
    return None


async def _connect(
    exchange: Exchange[object], lease: Lease, connections: Connections, deadline: float
) -> Connection | None:
    origin = exchange.request.origin
    with CancelScope(deadline=deadline):
        try:
            return await connections.open(lease, origin)
        except ssl.SSLError as exc:
            exchange.receive(Lost(Loss.UNTRUSTED, f"no TLS with {origin}: {exc}", cause=exc))
        except OSError as exc:
            exchange.receive(Lost(Loss.CONNECT, f"can't connect to {origin}: {exc}", cause=exc))
        return None
    reason = f"connecting to {origin} took too long"
    exchange.receive(Lost(Loss.TIMEOUT, reason, sent=False, cause=TimeoutError(reason)))
    return None


def _until(seconds: float | None, ends: float) -> float:
    """Until when a single wait may last, when all of them have an end."""
    return ends if seconds is None else min(anyio.current_time() + seconds, ends)


class Open(Generic[T]):
    """An exchange under way, which holds a connection until it is over or closed.

    Args:
        exchange: what is under way.
        wire: speaks it.
        lease: what the connection came with.
        connection: the connection.
        timeout: how long to wait for what.
        ends: when the total of the timeout is up.
    """

    def __init__(
        self,
        exchange: Exchange[T],
        wire: Wire[T],
        lease: Lease,
        connection: Connection,
        timeout: Timeout,
        ends: float,
    ) -> None:
        self.exchange: Exchange[T] = exchange
        self._wire = wire
        self._lease = lease
        self._connection = connection
        self._timeout = timeout
        self._ends = ends
        self._early: list[T] = []  # items that came along with the head

    async def begin(self) -> None:
        """Send the request, and read what the exchange wants before it is handed over."""
        reason = "the server did not take the request in time"
        with CancelScope() as scope:
            await self._send(scope)
            reason = "the server did not answer in time"
            while self.exchange.wants_body or (self.exchange.head is None and not self._wire.is_over):
                scope.deadline = _until(self._timeout.receive, self._ends)
                self._early += await self._receive()
        if scope.cancelled_caught:
            self._wire.timed_out(reason, TimeoutError(reason))

    @property
    def is_over(self) -> bool:
        """Whether there is nothing more to `receive`."""
        return self._wire.is_over and not self._early

    async def receive(self) -> Sequence[T]:
        """The next items; the connection is given back with the last of them."""
        items: Sequence[T] = ()
        try:
            if self._early:
                items, self._early = self._early, []
            elif not self._wire.is_over:
                with CancelScope(deadline=_until(self._timeout.receive, self._ends)) as scope:
                    items = await self._receive()
                if scope.cancelled_caught:
                    reason = "the server did not answer in time"
                    self._wire.timed_out(reason, TimeoutError(reason))
        except BaseException as exc:
            self._wire.broken("reading the answer was given up", exc)
            raise
        finally:
            if self._wire.is_over:
                self.close()
        return items

    def close(self) -> None:
        """Give the connection back: for further use if the exchange is over, else it is closed."""
        self._lease.give_back(reusable=self._wire.is_reusable)

    def abandon(self) -> None:
        """`close`, from wherever the garbage collector comes."""
        self._lease.abandon()

    async def _send(self, scope: CancelScope) -> None:
        request = self.exchange.request
        if all(isinstance(segment, bytes) for segment in request.body) and (request.content_length or 0) <= _SMALL:
            await self._send_segments(scope)
            return
        failure: Exception | None = None
        async with anyio.create_task_group() as watching:
            watching.start_soon(self._watch, watching.cancel_scope)
            try:
                await self._send_segments(scope)
            except Exception as exc:  # noqa: BLE001 - the task group would wrap it
                failure = exc
            watching.cancel_scope.cancel()
        if failure is not None:
            raise failure

    async def _watch(self, sending: CancelScope) -> None:
        """Stop the sending when the server refuses the request before it has it all."""
        while self.exchange.state is State.WAITING:
            self._early += await self._receive()
        if self.exchange.state is not State.OPEN:
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
        reading = blocks(part)
        endless = part.size is None  # such as a pipe, which may keep its reader waiting for ever
        try:
            while True:
                scope.deadline = self._ends
                some = await to_thread.run_sync(_some, reading, 1 if endless else _BLOCKS, abandon_on_cancel=endless)
                if not some:
                    return True
                for block in some:
                    if not await self._send_bytes(self._wire.frame(block), scope):
                        return False
        finally:
            with suppress(ValueError):  # a thread that was left alone is still in it
                reading.close()

    async def _send_bytes(self, data: bytes, scope: CancelScope) -> bool:
        """Send bytes; False once there is no point in sending more."""
        view = memoryview(data)
        for start in range(0, len(view), BLOCK):
            if start:
                await checkpoint()
            scope.deadline = _until(self._timeout.send, self._ends)
            try:
                await self._connection.send(view[start : start + BLOCK])
            except OSError:
                return False  # it may have answered before it closed: reading tells
        return True

    async def _receive(self) -> Sequence[T]:
        try:
            data = await self._connection.receive(_READ_FILE if self.exchange.delivery is Delivery.FILE else _READ)
        except OSError as exc:
            self._wire.broken(f"the connection broke: {exc}", exc)
            return ()
        return self._wire.receive(data)


def _some(reading: Iterator[bytes], count: int) -> list[bytes]:
    return list(islice(reading, count))
