"""One exchange on one connection: bytes out, bytes in, and `ConnectionFailed` for what fails on the way."""

from __future__ import annotations

import math
import ssl
import time
from contextlib import closing
from typing import TYPE_CHECKING, Final

from bento_proto import ConnectionFailed, FailureKind
from bento_proto.exchange import State
from bento_proto.http import FilePart, ProxyError, connect_failure
from bento_proto.http11 import HTTP11Exchange

from ._connection import is_untrusted
from ._connection_pool import Holder
from ._stream import OpenExchange

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bento_proto import Step
    from bento_proto.session import Transport
    from bento_proto.testing import Responder

    from ._batch import Stop
    from ._connection_pool import Connection, OriginPool, PoolManager

_BLOCK: Final = 1 << 18  # sent at a time, so that a timeout is one of progress
_RECORD: Final = 1 << 14  # no more than one of TLS: the peer reads all of a record or nothing (RFC 8446, 5.1)


class SocketExchange(Holder, OpenExchange[object]):
    """An exchange in progress on a connection of a pool.

    Args:
        step: what is carried out.
        pools: where its connection comes from.
        stop: what can stop it from another thread, if anything does.
    """

    _connection: Connection
    _http11: HTTP11Exchange[object] | None = None
    _pool: OriginPool | None = None
    _sent = False  # whether a byte of the request may have reached the peer

    def __init__(self, step: Step, pools: PoolManager, stop: Stop | None) -> None:
        self.exchange = step.exchange
        self._pools = pools
        self._stop = stop
        self._fresh = step.fresh
        self._timeout = step.timeout
        self._deadline = math.inf if step.timeout.total is None else time.monotonic() + step.timeout.total

    def begin(self) -> None:
        exchange, timeout = self.exchange, self._timeout
        try:
            pool = self._pool = self._pools.pool(exchange.request.origin)
        except ProxyError as exc:
            exchange.receive(connect_failure(exchange.request.origin, exc))
            return
        place = pool.acquire(self, timeout.pool, fresh=self._fresh)
        if place is None:
            exchange.receive(ConnectionFailed.no_connection(timeout.pool))
            return
        self._http11 = http11 = HTTP11Exchange(exchange, reused=place.connection is not None, proxy=pool.forwarder)
        if place.connection is None:
            connecting = math.inf if timeout.connect is None else time.monotonic() + timeout.connect
            try:
                place.open(pool.connect(min(connecting, self._deadline)), time.monotonic())
            except (OSError, ValueError) as exc:
                kind = FailureKind.TLS if is_untrusted(exc) else FailureKind.CONNECT
                exchange.receive(connect_failure(pool.route, exc, kind))
                return
        assert place.connection is not None
        self._connection = place.connection
        if self._stop is not None:
            self._stop.watch(self._connection.sock)
        small = http11.small_request()
        if small is None:
            self._send_segments(http11)
        else:
            self._send(http11, small)
        state, began, total = State.DONE, 0.0, self._deadline  # it is in another one while it wants data
        while exchange.wants_data:
            if exchange.state is not state:
                state, began, self._deadline = exchange.state, time.monotonic(), total
            elif exchange.has_one_deadline and timeout.receive is not None:  # a head, or an error, that trickles
                self._deadline = min(total, began + timeout.receive)
            self.early = (*self.early, *self.receive())
        self._deadline = total

    def close(self) -> None:
        place, http11 = self.place, self._http11
        if self._stop is not None and place is not None and place.connection is not None:
            self._stop.forget(place.connection.sock)
        reusable = http11 is not None and http11.is_reusable
        if self._pool is not None:
            self._pool.release(self, reusable=reusable, head=self.exchange.head)
        self.exchange.close()

    def receive(self) -> Sequence[object]:
        http11, sock = self._http11, self._connection.sock
        assert http11 is not None
        try:
            if self._deadline != math.inf or sock.gettimeout() != self._timeout.receive:
                self._set_timeout(self._timeout.receive)
            if self.recv_buffer is not None and http11.accepts_memoryview:
                data: bytes | memoryview = self.recv_buffer[: sock.recv_into(self.recv_buffer)]
            else:
                data = sock.recv(http11.max_read)
        except OSError as exc:
            http11.failed(exc, sent=self._sent)
            return ()
        if not data and not self._sent:
            http11.connection_lost("the server closed the connection before the request was sent", sent=False)
            return ()
        return http11.receive(data)

    def _send_segments(self, http11: HTTP11Exchange[object]) -> None:
        for segment in http11.segments():
            if not isinstance(segment, FilePart):
                going_on = self._send_blocks(http11, segment)
            else:
                from bento_files import blocks  # few send files

                with closing(blocks(segment)) as reading:
                    going_on = all(self._send_blocks(http11, http11.frame(block)) for block in reading)
            if not going_on:
                return

    def _send_blocks(self, http11: HTTP11Exchange[object], data: bytes | memoryview) -> bool:
        """Send bytes; False if there is no point in sending more, as the server has refused the request."""
        view = memoryview(data)
        for start in range(0, len(view), _BLOCK):
            if not self._send(http11, view[start : start + _BLOCK]):
                return False
            if len(view) >= _BLOCK and self._is_refused(http11):
                return False
        return True

    def _is_refused(self, http11: HTTP11Exchange[object]) -> bool:
        """Whether the server has refused the request before it had it all."""
        connection = self._connection
        while self.exchange.state is State.WAITING and connection.is_readable():
            connection.sock.settimeout(0)
            try:
                data = connection.sock.recv(http11.max_read)
            except (BlockingIOError, ssl.SSLWantReadError):
                break  # what came is TLS's own: session tickets, mostly
            except OSError as exc:
                http11.failed(exc)
            else:
                self.early = (*self.early, *http11.receive(data))
        return self.exchange.state not in (State.WAITING, State.RECEIVING)

    def _send(self, http11: HTTP11Exchange[object], data: bytes | memoryview) -> bool:
        sock = self._connection.sock
        try:
            if self._deadline != math.inf or sock.gettimeout() != self._timeout.send:
                self._set_timeout(self._timeout.send)
            if not self._sent:  # `sendall`, and over TLS `send`, don't tell what was sent before they failed
                count = sock.send(memoryview(data)[:_RECORD])
                self._sent = True
                if count == len(data):
                    return True
                data = memoryview(data)[count:]
            sock.sendall(data)
        except TimeoutError as exc:
            http11.failed(exc, sending=True, sent=self._sent)
            return False
        except OSError:
            return False  # it may have answered before it closed: reading tells
        return True

    def _set_timeout(self, seconds: float | None) -> None:
        if self._deadline != math.inf:
            left = self._deadline - time.monotonic()
            seconds = left if seconds is None else min(seconds, left)
        if seconds is not None and seconds <= 0:  # which a socket would take for "don't wait"
            raise TimeoutError("timed out")
        self._connection.sock.settimeout(seconds)


class PlayedExchange(OpenExchange[object]):
    """An exchange in progress that a responder answers."""

    def __init__(self, step: Step, responder: Responder) -> None:
        from bento_files import read_body  # few have a responder
        from bento_proto.testing import Playback

        self.exchange = step.exchange
        self._playback = Playback(step, responder, read_body(step.exchange.request))

    def begin(self) -> None:
        super().begin()
        self.skipped = self._playback.skipped

    def receive(self) -> Sequence[object]:
        time.sleep(self._playback.wait())
        return self._playback.receive()

    def close(self) -> None:
        self._playback.close()


class CarriedExchange(OpenExchange[object]):
    """An exchange in progress that a transport of the caller's carries."""

    def __init__(self, step: Step, transport: Transport) -> None:
        from bento_proto.session import TransportExchange  # few have one

        self.exchange = step.exchange
        self._wire = TransportExchange(step)
        self._transport = transport
        self._blocks: Iterator[bytes] = iter(())
        self._deadline = math.inf if step.timeout.total is None else time.monotonic() + step.timeout.total

    def begin(self) -> None:
        from bento_files import body_blocks

        with self._wire.failures():
            request = self._wire.request(body_blocks(self.exchange.request))
            self._blocks = iter(self._wire.respond(self._transport.send(request)))
        super().begin()

    def receive(self) -> Sequence[object]:
        items: Sequence[object] = ()
        with self._wire.failures():
            block = next(self._blocks, None)
            if time.monotonic() > self._deadline:
                raise TimeoutError("timed out")
            items = self._wire.receive(block)
        return items  # noqa: RET504 - what failed is swallowed

    def close(self) -> None:
        self._wire.close()
