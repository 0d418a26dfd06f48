"""One exchange on one connection: bytes out, bytes in, and what goes wrong between as `ConnectionFailed`."""

from __future__ import annotations

import ssl
import time
from contextlib import closing
from typing import TYPE_CHECKING, Final, TypeVar

from urllib3.exceptions import ClosedPoolError, ConnectTimeoutError, EmptyPoolError, HTTPError, NewConnectionError
from urllib3.util.ssl_match_hostname import CertificateError
from urllib3.util.wait import wait_for_read

from bento_proto import ConnectionFailed, FailureKind, LocalProtocolError
from bento_proto.exchange import State
from bento_proto.http import FilePart, ProxyError
from bento_proto.http11 import HTTP11Exchange

from ._connections import open_socket
from ._underway import Underway

if TYPE_CHECKING:
    import socket
    from collections.abc import Sequence

    from bento_proto import Exchange, Step, Timeout

    from ._connections import Connection, Connections, Pool
    from ._stop import Stop

T = TypeVar("T")

_BLOCK: Final = 1 << 18  # sent at a time, so that a timeout is one of progress


def carry_out(step: Step, connections: Connections, stop: Stop | None) -> Open[object] | None:
    """Carry out a step until its exchange wants no more; whoever takes one that is handed over reads on.

    Raises:
        Stopped: it was stopped.
        LocalProtocolError: the client is closed, or the request can't be sent.
        OSError: a file of the request can't be read.
    """
    exchange, timeout = step.exchange, step.timeout
    ends = None if timeout.total is None else time.monotonic() + timeout.total
    try:
        pool = connections.pool(exchange.request.origin)
        connection = pool.lease(timeout.pool, fresh=step.fresh)
    except ProxyError as exc:
        exchange.receive(_unconnected(exc, str(exchange.request.origin)))
        return None
    except EmptyPoolError as exc:
        reason = f"no connection became free within {timeout.pool:g} seconds"
        exchange.receive(ConnectionFailed(FailureKind.TIMEOUT, reason, sent=False, cause=exc))
        return None
    except ClosedPoolError:
        raise LocalProtocolError("the client is closed") from None
    try:
        sock, reused = connection.sock, True
        if sock is None:
            sock, reused = open_socket(connection, _soonest(timeout.connect, ends)), False
    except (HTTPError, OSError, CertificateError) as exc:
        pool.give_back(connection, reusable=False)
        exchange.receive(_unconnected(exc, str(pool.route)))
        return None
    except BaseException:
        pool.give_back(connection, reusable=False)
        raise
    opened: Open[object] | None = None
    try:
        wire = HTTP11Exchange(exchange, reused=reused, proxy=pool.forwarder)
        if stop is not None:
            stop.watch(sock)
        opened = Open(exchange, wire, pool, connection, sock, timeout, ends, stop)
        opened.begin()
    except BaseException:
        pool.give_back(connection, reusable=False) if opened is None else opened.close()
        raise
    if exchange.is_streaming:
        return opened
    opened.close()
    return None


def _unconnected(exc: Exception, where: str) -> ConnectionFailed:
    """What an error of connecting means: nothing was sent."""
    if isinstance(exc, ProxyError):
        return ConnectionFailed(exc.kind, f"can't connect to {where}: {exc}", cause=exc)
    cause = exc.__cause__ or exc.__context__ or exc
    if isinstance(exc, (ConnectTimeoutError, TimeoutError)) and not isinstance(exc, NewConnectionError):
        return ConnectionFailed(FailureKind.TIMEOUT, f"connecting to {where} took too long", sent=False, cause=exc)
    if isinstance(exc, (ssl.SSLError, CertificateError)) and not isinstance(
        exc, (ssl.SSLEOFError, ssl.SSLZeroReturnError)
    ):
        return ConnectionFailed(FailureKind.TLS, f"no TLS with {where}: {exc}", cause=exc)
    return ConnectionFailed(
        FailureKind.CONNECT, f"can't connect to {where}: {cause if isinstance(cause, OSError) else exc}", cause=exc
    )


def _soonest(seconds: float | None, ends: float | None) -> float | None:
    """How long a single wait may be, when all of them have an end.

    Raises:
        TimeoutError: it is reached, or there is no time to wait at all.
    """
    if ends is not None:
        left = ends - time.monotonic()
        seconds = left if seconds is None else min(seconds, left)
    if seconds is not None and seconds <= 0:  # a socket would take 0 for "don't wait", and fail with another error
        raise TimeoutError
    return seconds


class Open(Underway[T]):
    """An exchange under way, which holds a connection until it is closed.

    Args:
        exchange: what is under way.
        wire: speaks it.
        pool: where the connection goes back to.
        connection: the connection.
        sock: its socket.
        timeout: how long to wait for what.
        ends: when the total of the timeout is up, on the monotonic clock.
        stop: may stop it, if it is given.
    """

    def __init__(
        self,
        exchange: Exchange[T],
        wire: HTTP11Exchange[T],
        pool: Pool,
        connection: Connection,
        sock: socket.socket,
        timeout: Timeout,
        ends: float | None,
        stop: Stop | None,
    ) -> None:
        super().__init__(exchange)
        self._wire = wire
        self._pool = pool
        self._connection: Connection | None = connection
        self._sock = sock
        self._timeout = timeout
        self._ends = ends
        self._stop = stop

    def begin(self) -> None:
        """Send the request, and read what the exchange wants before it is handed over."""
        self._send()
        while self._wire.wants_data:
            self._early += self._receive()

    def close(self) -> None:
        """Give the connection back: for further use if the exchange is over, else it is closed."""
        connection, self._connection = self._connection, None
        if connection is not None:
            if self._stop is not None:
                self._stop.forget(self._sock)
            self._pool.give_back(connection, reusable=self._wire.is_reusable)
        self.exchange.close()

    @property
    def _is_over(self) -> bool:
        return self._wire.is_over

    def _send(self) -> None:
        small = self._wire.small_request()
        if small is not None:
            self._send_block(small)
            return
        for segment in self._wire.segments():
            if not isinstance(segment, FilePart):
                going_on = self._send_all(segment)
            else:
                from bento_files import blocks  # few send files

                with closing(blocks(segment)) as reading:
                    going_on = all(self._send_all(self._wire.frame(block)) for block in reading)
            if not going_on:
                return

    def _send_all(self, data: bytes | memoryview) -> bool:
        """Send bytes; False once there is no point in sending more."""
        if len(data) < _BLOCK:
            return self._send_block(data)
        view = memoryview(data)
        for start in range(0, len(view), _BLOCK):
            if (start and self._is_refused()) or not self._send_block(view[start : start + _BLOCK]):
                return False
        return not self._is_refused()

    def _send_block(self, data: bytes | memoryview) -> bool:
        try:
            if self._ends is not None or self._sock.gettimeout() != self._timeout.send:
                self._wait_at_most(self._timeout.send)
            self._sock.sendall(data)
        except TimeoutError as exc:
            self._wire.timed_out("the server did not take the request in time", exc)
            return False
        except OSError:
            return False  # it may have answered before it closed: reading tells
        return True

    def _wait_at_most(self, seconds: float | None) -> None:
        if self._ends is not None or seconds == 0:
            seconds = _soonest(seconds, self._ends)
        self._sock.settimeout(seconds)

    def _is_refused(self) -> bool:
        """Whether the server has refused the request before it had it all."""
        while self.exchange.state is State.WAITING and wait_for_read(self._sock, 0):
            self._early += self._receive()
        return self.exchange.state not in (State.WAITING, State.RECEIVING)

    def _receive(self) -> Sequence[T]:
        try:
            if self._ends is not None or self._sock.gettimeout() != self._timeout.receive:
                self._wait_at_most(self._timeout.receive)
            if self.room is not None and self._wire.accepts_memoryview:
                data: bytes | memoryview = self.room[: self._sock.recv_into(self.room)]
            else:
                data = self._sock.recv(self._wire.max_read)
        except TimeoutError as exc:
            self._wire.timed_out("the server did not answer in time", exc)
        except OSError as exc:
            self._wire.connection_lost(f"the connection broke: {exc}", exc)
        else:
            return self._wire.receive(data)
        return ()
