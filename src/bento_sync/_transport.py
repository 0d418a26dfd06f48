"""One exchange on one connection: bytes out, bytes in, and `ConnectionFailed` for what fails on the way."""

from __future__ import annotations

import math
import ssl
import time
from contextlib import closing
from typing import TYPE_CHECKING, Final, TypeVar

from bento_proto import ConnectionFailed, FailureKind
from bento_proto.exchange import State
from bento_proto.http import FilePart, ProxyError
from bento_proto.http11 import HTTP11Exchange
from bento_proto.pool import keep_alive_timeout

from ._connection import is_untrusted
from ._connection_pool import Holder
from ._stream import OpenExchange

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bento_proto import FlowRunner, Step
    from bento_proto.testing import Playback, Responder

    from ._batch import Stop
    from ._connection_pool import Connection, OriginPool, PoolManager

T = TypeVar("T")

_BLOCK: Final = 1 << 18  # sent at a time, so that a timeout is one of progress


def send(step: Step, pools: PoolManager, stop: Stop | None) -> SocketExchange | None:
    """Carry out a step until its exchange wants no more; return it if it is still open, as its items are streamed.

    Raises:
        Stopped: it was stopped.
        LocalProtocolError: the client is closed, or the request can't be sent.
        OSError: a file of the request can't be read.
    """
    exchange = step.exchange
    try:
        pool = pools.pool(exchange.request.origin)
    except ProxyError as exc:
        exchange.receive(_connect_failure(exc, str(exchange.request.origin)))
        return None
    opened = SocketExchange(step, pool, stop)
    try:
        opened.begin(fresh=step.fresh)
    except BaseException:
        opened.close()
        raise
    if exchange.is_streaming:
        return opened
    opened.close()
    return None


def play(runner: FlowRunner[T], step: Step, responder: Responder) -> PlayedExchange | None:
    """Carry out a step as `send` does, its delay included, with a responder in the place of a server."""
    from bento_files import read_body  # few have one
    from bento_proto.testing import Playback

    exchange = step.exchange
    opened = PlayedExchange(Playback(step, responder, read_body(exchange.request)))
    try:
        while not opened.is_over and (exchange.head is None or exchange.wants_body):
            opened.early = (*opened.early, *opened.receive())
        runner.skip(opened.playback.skipped)
    finally:
        if not exchange.is_streaming:
            opened.close()
    return opened if exchange.is_streaming else None


def _connect_failure(exc: Exception, where: str) -> ConnectionFailed:
    if isinstance(exc, ProxyError):
        return ConnectionFailed(exc.kind, f"can't connect to {where}: {exc}", cause=exc)
    if isinstance(exc, TimeoutError):
        return ConnectionFailed(FailureKind.TIMEOUT, f"connecting to {where} took too long", sent=False, cause=exc)
    if is_untrusted(exc):
        return ConnectionFailed(FailureKind.TLS, f"no TLS with {where}: {exc}", cause=exc)
    return ConnectionFailed(FailureKind.CONNECT, f"can't connect to {where}: {exc}", cause=exc)


class SocketExchange(Holder, OpenExchange[object]):
    """An exchange in progress on a connection of a pool.

    Args:
        step: what is carried out.
        pool: where its connection comes from.
        stop: what can stop it from another thread, if anything does.
    """

    _connection: Connection
    _http11: HTTP11Exchange[object] | None = None

    def __init__(self, step: Step, pool: OriginPool, stop: Stop | None) -> None:
        super().__init__()
        self.exchange = step.exchange
        self._pool = pool
        self._stop = stop
        self._timeout = step.timeout
        self._deadline = math.inf if step.timeout.total is None else time.monotonic() + step.timeout.total

    def begin(self, *, fresh: bool) -> None:
        """Connect, send the request, and receive what the exchange wants before it is handed over."""
        exchange, pool, timeout = self.exchange, self._pool, self._timeout
        place = pool.acquire(self, timeout.pool, fresh=fresh)
        if place is None:
            reason = f"no connection became free within {timeout.pool:g} seconds"
            exchange.receive(ConnectionFailed(FailureKind.TIMEOUT, reason, sent=False))
            return
        self._http11 = http11 = HTTP11Exchange(exchange, reused=place.connection is not None, proxy=pool.forwarder)
        if place.connection is None:
            connecting = math.inf if timeout.connect is None else time.monotonic() + timeout.connect
            try:
                place.open(pool.connect(min(connecting, self._deadline)), time.monotonic())
            except (OSError, ValueError) as exc:
                exchange.receive(_connect_failure(exc, str(pool.route)))
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
        while http11.wants_data:
            self.early = (*self.early, *self.receive())

    def close(self) -> None:
        """Release the connection: for further use if the exchange is over, else it is closed. Idempotent."""
        place, http11, head = self.place, self._http11, self.exchange.head
        if self._stop is not None and place is not None and place.connection is not None:
            self._stop.forget(place.connection.sock)
        reusable = http11 is not None and http11.is_reusable
        keep_alive = keep_alive_timeout(head) if head is not None and "keep-alive" in head.first else None
        self._pool.release(self, reusable=reusable, keep_alive=keep_alive)
        self.exchange.close()

    @property
    def is_over(self) -> bool:
        return self._http11 is None or self._http11.is_over

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
        except TimeoutError as exc:
            http11.timed_out("the server did not answer in time", exc)
        except OSError as exc:
            http11.connection_lost(f"the connection broke: {exc}", exc)
        else:
            return http11.receive(data)
        return ()

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
                http11.connection_lost(f"the connection broke: {exc}", exc)
            else:
                self.early = (*self.early, *http11.receive(data))
        return self.exchange.state not in (State.WAITING, State.RECEIVING)

    def _send(self, http11: HTTP11Exchange[object], data: bytes | memoryview) -> bool:
        sock = self._connection.sock
        try:
            if self._deadline != math.inf or sock.gettimeout() != self._timeout.send:
                self._set_timeout(self._timeout.send)
            sock.sendall(data)
        except TimeoutError as exc:
            http11.timed_out("the server did not take the request in time", exc)
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

    def __init__(self, playback: Playback) -> None:
        self.exchange = playback.exchange
        self.playback: Playback = playback

    @property
    def is_over(self) -> bool:
        return self.playback.is_over

    def receive(self) -> Sequence[object]:
        time.sleep(self.playback.wait())
        return self.playback.receive()

    def close(self) -> None:
        self.playback.close()
