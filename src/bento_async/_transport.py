"""One exchange on one connection: send the request, receive the response, say what went wrong as `ConnectionFailed`."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from contextlib import closing
from time import monotonic
from typing import TYPE_CHECKING, Final, Generic, TypeVar

import anyio
from anyio import CancelScope, to_thread
from anyio.lowlevel import checkpoint

from bento_proto import ConnectionFailed, FailureKind
from bento_proto.exchange import State
from bento_proto.http import FilePart
from bento_proto.http11 import HTTP11Exchange

from ._backends.base import DeadlineExceeded

if TYPE_CHECKING:
    import socket
    from collections.abc import Sequence

    from typing_extensions import Self

    from bento_proto import Exchange, Step, Timeout
    from bento_proto.exchange import LargeItem
    from bento_proto.pool import PooledConnection

    from ._backends.base import Backend, Bytes
    from ._connection_pool import Connections
    from ._tls import AnyStream

T = TypeVar("T")
Large = TypeVar("Large")

_BLOCK: Final = 1 << 18  # sent at a time, so that a timeout is one of progress
_DIRECT: Final = 1 << 23  # read at a time by a thread, which can't be cancelled


class ActiveExchange(ABC, Generic[T]):
    """An exchange that is being carried out, wherever its response comes from, within its timeouts.

    Args:
        exchange: the exchange.
        timeout: its timeouts.
        backend: the event loop.

    Attributes:
        deadline: when the total of the timeout is up, on the event loop's clock.
        buffer: where the next bytes of a file may be received, from its start: the item is a view of it then.
    """

    def __init__(self, exchange: Exchange[T], timeout: Timeout, backend: Backend) -> None:
        self.exchange: Exchange[T] = exchange
        self.exchange.defers = True  # to a worker thread
        self.timeout: Timeout = timeout
        self.deadline: float = math.inf if timeout.total is None else backend.time() + timeout.total
        self.buffer: memoryview | None = None
        self._backend = backend
        self._early: list[T] = []  # items that came along with the head

    async def run(self) -> Self | None:
        """Send the request, and receive what the exchange wants before it is handed back to its flow.

        Returns:
            Itself, if the items are the caller's to `receive`; else it is closed.
        """
        exchange = self.exchange
        try:
            await self._send()
            state, due = None, 0.0
            while exchange.wants_data:
                if exchange.state is not state or not exchange.has_one_deadline:  # a head, or an error, may trickle
                    state, due = exchange.state, self.until(self.timeout.receive)
                self._early += await self._receive(due)
            if exchange.awaits_conversion:
                await to_thread.run_sync(exchange.convert)
        except BaseException:
            self.release()
            raise
        if not exchange.is_streaming or exchange.is_over:
            self.close()
        return self if exchange.is_streaming else None

    @property
    def is_over(self) -> bool:
        """Whether there is nothing more to `receive`."""
        return self.exchange.is_over and not self._early

    async def receive(self) -> Sequence[T]:
        """The next items, perhaps none. With the last of them it is closed; so it is if the wait is cancelled."""
        items: Sequence[T] = ()
        try:
            if self._early:
                items, self._early = self._early, []
            elif not self.exchange.is_over:
                items = await self._receive(self.until(self.timeout.receive))
        except BaseException as exc:
            if not self.exchange.is_over:
                reason = "the wait for the response was cancelled"
                self.exchange.receive(ConnectionFailed(FailureKind.DISCONNECTED, reason, cause=exc))
            raise
        finally:
            if self.exchange.is_over:
                self.close()
        return items

    async def convert(self, item: LargeItem[Large], /) -> Large:
        """Make a large item in a worker thread."""
        return await to_thread.run_sync(item.convert)

    def until(self, seconds: float | None) -> float:
        """The deadline of a wait that may take so long."""
        return self.deadline if seconds is None else min(self._backend.time() + seconds, self.deadline)

    def close(self) -> None:
        """Stop receiving. Idempotent."""
        self.release()
        self.exchange.close()

    @abstractmethod
    def release(self) -> None:
        """Let go of what it holds. Idempotent."""

    def abandon(self) -> None:
        """`close` from any thread, in the midst of anything: for the garbage collector."""
        self._backend.call_soon(self.close)

    @property
    def direct_read_source(self) -> tuple[socket.socket, int] | None:
        """A socket from which another thread may read bytes of a file now, and how many at most."""
        return None

    def direct_read(self, size: int) -> None:
        """Report that so many bytes were read so."""

    async def _send(self) -> None:
        """Send the request."""

    @abstractmethod
    async def _receive(self, deadline: float) -> Sequence[T]:
        """Wait for the next event, or the deadline, and give it to the exchange."""


class ConnectionExchange(ActiveExchange[object]):
    """An exchange on a connection, which goes back to its pool when the exchange is over or closed.

    Args:
        step: what to carry out.
        connections: those of the client.
    """

    def __init__(self, step: Step, connections: Connections) -> None:
        loop = connections.on_this_loop()
        super().__init__(step.exchange, step.timeout, loop.backend)
        self._connections = connections
        self._pool = loop.pool(step.exchange.request.origin)
        self._fresh = step.fresh
        self._place: PooledConnection[AnyStream] | None = None
        self._unreadable: Exception | None = None  # what was raised while the request was sent
        self._sent = False  # whether a byte of the request may have reached the peer

    async def _connect(self) -> bool:
        """Get a connection; False if there is none, and the exchange knows why."""
        timeout = self.timeout
        try:
            place = self._place = await self._pool.acquire(lambda: self.until(timeout.pool), fresh=self._fresh)
        except DeadlineExceeded:
            self.exchange.receive(ConnectionFailed.no_connection(timeout.pool))
            return False
        reused = place.connection is not None
        if not reused:
            from ._connect import connect  # the event loop has loaded what this takes by now

            origin, deadline = self.exchange.request.origin, self.until(timeout.connect)
            opened = await connect(origin, self._connections, self._backend, deadline)
            if isinstance(opened, ConnectionFailed):
                self.exchange.receive(opened)
                return False
            place.open(opened, monotonic())
        assert place.connection is not None
        self._stream: AnyStream = place.connection
        self._wire = HTTP11Exchange(self.exchange, reused=reused, proxy=self._stream.forwarder)
        return True

    def release(self) -> None:
        place, self._place = self._place, None
        if place is not None:
            reusable = self._sent and self._wire.is_reusable  # who was interrupted before may have no wire yet
            self._pool.release(place, reusable=reusable, head=self.exchange.head)

    def abandon(self) -> None:
        if self._place is not None:
            self._stream.abandon()
            super().abandon()

    @property
    def direct_read_source(self) -> tuple[socket.socket, int] | None:
        sock, most = self._stream.direct_socket, self._wire.max_direct_read
        return (sock, min(most, _DIRECT)) if sock is not None and most else None

    def direct_read(self, size: int) -> None:
        self._wire.direct_read(size)

    # --- sending

    async def _send(self) -> None:
        if not await self._connect():
            return
        data = self._wire.small_request()  # during which no refusal is looked for
        try:
            if data is None:
                await self._send_watched()
            else:
                await self._send_bytes(data)
        except DeadlineExceeded:
            self._wire.failed(TimeoutError("timed out"), sending=True)

    async def _send_watched(self) -> None:
        """Send a large request, and stop when the server refuses it before it has all of it."""
        failure: Exception | None = None
        async with anyio.create_task_group() as watching:
            watching.start_soon(self._watch, watching.cancel_scope)
            try:
                with CancelScope(deadline=self.deadline) as scope:
                    await self._send_segments()
                if scope.cancelled_caught:
                    failure = DeadlineExceeded()
            except Exception as exc:  # noqa: BLE001 - the task group would wrap it
                failure = exc
            watching.cancel_scope.cancel()
        failure = failure or self._unreadable
        if failure is not None:
            raise failure

    async def _watch(self, sending: CancelScope) -> None:
        try:
            while self.exchange.state is State.WAITING:
                self._early += await self._receive(math.inf)
        except Exception as exc:  # noqa: BLE001 - the task group would wrap it
            self._unreadable = exc
        if self.exchange.state is not State.RECEIVING or self._unreadable is not None:
            sending.cancel()

    async def _send_segments(self) -> None:
        for segment in self._wire.segments():
            if isinstance(segment, FilePart):
                from ._files import FileReader  # few send files

                with closing(FileReader(segment)) as reader:
                    while blocks := await reader.next():
                        for block in blocks:
                            if not await self._send_bytes(self._wire.frame(block)):
                                return
            elif not await self._send_bytes(segment):
                return

    async def _send_bytes(self, data: Bytes) -> bool:
        """Send bytes; False if the connection broke: the server may have answered before, which receiving tells."""
        view = memoryview(data)
        for start in range(0, len(view), _BLOCK):
            if start:
                await checkpoint()
            try:
                rest = self._stream.write(view[start : start + _BLOCK])
                self._sent = True
                if rest:
                    await self._stream.drain(rest, self.until(self.timeout.send))
            except OSError:
                return False
        return True

    # --- receiving

    async def _receive(self, deadline: float) -> Sequence[object]:
        wire = self._wire
        try:
            if self.buffer is not None and wire.accepts_memoryview:
                data = await self._stream.receive_into(self.buffer, deadline)
            else:
                data = await self._stream.receive(wire.max_read, deadline)
        except DeadlineExceeded:
            wire.failed(TimeoutError("timed out"))
            return ()
        except OSError as exc:
            wire.failed(exc, sent=self._sent)
            return ()
        if not data and not self._sent:
            wire.connection_lost("the server closed the connection before the request was sent", sent=False)
            return ()
        return wire.receive(data)
