"""Opening a connection: name look-up, addresses, proxy and TLS, all within one deadline."""

from __future__ import annotations

import errno
import math
import os
import selectors
import socket
import ssl
import sys
import threading
import time
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Final, TypeAlias, cast

from urllib3.connection import HTTPConnection
from urllib3.util.ssltransport import SSLTransport

from bento_files import check_protocol
from bento_proto import FailureKind, LocalProtocolError
from bento_proto.http import ConnectionRace, ProxyError, is_address

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bento_proto.http import Route
    from bento_proto.session import ClientConfig, SocketOptions

    Address: TypeAlias = tuple[socket.AddressFamily, socket.SocketKind, int, str, tuple[object, ...]]

_OPTIONS: Final = ((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1), (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1))
_CONNECTING: Final = (0, errno.EINPROGRESS, errno.EWOULDBLOCK)


class RoutedConnection(HTTPConnection):
    """A connection of urllib3 whose socket leads to the end of a route, with TLS where the route says so.

    Args:
        route: the origin, and the proxy on the way, if there is one.
        context: the TLS settings; None if there is no TLS on the route.
        config: what the client was made with.
        deadline: when `connect` gives up, on the monotonic clock; infinite for never.
    """

    def __init__(self, route: Route, context: ssl.SSLContext | None, config: ClientConfig, deadline: float) -> None:
        self._route = route
        self._context = context
        self._config = config
        self._deadline = deadline
        self._first = route.origin if route.proxy is None else route.proxy.origin
        super().__init__(self._first.host, self._first.port)

    def _new_conn(self) -> socket.socket:
        first, origin, proxy, deadline = self._first, self._route.origin, self._route.proxy, self._deadline
        if origin.socket is not None:
            return _connect_unix(origin.socket, deadline)
        options = (*_OPTIONS, *self._config.socket_options)
        sock = _connect(look_up(first.host, first.port, deadline), options, deadline)
        try:
            if proxy is not None and first.scheme == "https":
                try:
                    sock = self._secure(sock, first.server_name)
                except ssl.SSLError as exc:
                    kind = FailureKind.TLS if is_untrusted(exc) else FailureKind.CONNECT
                    raise ProxyError(f"no TLS with the proxy {proxy}: {exc}", kind) from exc
            if proxy is not None and self._route.forwarder is None:
                from bento_proto.http11 import open_tunnel  # few have a proxy

                tunnel = open_tunnel(proxy, origin, self._config.limits)
                data = tunnel.request
                while not tunnel.is_open:
                    within(sock, deadline).sendall(data)
                    data = tunnel.receive(within(sock, deadline).recv(1 << 16))
            return self._secure(sock, origin.server_name) if origin.scheme == "https" else sock
        except BaseException:
            sock.close()
            raise

    def _secure(self, sock: socket.socket, name: str) -> socket.socket:
        """Do the TLS handshake with a server of that name; return the socket with TLS over it."""
        context = self._context
        assert context is not None
        within(sock, self._deadline)
        # Python's own TLS does not go over itself.
        if isinstance(sock, ssl.SSLSocket):
            tls: ssl.SSLSocket | TLSInTLS = TLSInTLS(sock, context, name, suppress_ragged_eofs=False)
        else:
            tls = context.wrap_socket(sock, server_hostname=name, suppress_ragged_eofs=False)
        try:
            check_protocol(tls.selected_alpn_protocol())
        except ssl.SSLError:
            tls.close()
            raise
        return cast("socket.socket", tls)


class TLSInTLS(SSLTransport):
    """urllib3's TLS over TLS, which also tells how many bytes were received and not read."""

    def pending(self) -> int:
        """The number of these bytes, decrypted or not."""
        return self.sslobj.pending() + self.incoming.pending + cast("ssl.SSLSocket", self.socket).pending()


def is_untrusted(exc: BaseException) -> bool:
    """Whether TLS failed for good: by a certificate or an alert, not because the connection ended."""
    return isinstance(exc, ssl.SSLError) and not isinstance(exc, (ssl.SSLEOFError, ssl.SSLZeroReturnError))


def within(sock: socket.socket, deadline: float) -> socket.socket:
    """The same socket, which waits no longer than until the deadline; raises `TimeoutError` if that is reached."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("timed out")
    sock.settimeout(None if left == math.inf else left)
    return sock


def look_up(host: str, port: int, deadline: float) -> Sequence[Address]:
    """The addresses of a host.

    Nothing interrupts a look-up: where there is a deadline, a thread makes it, and is left alone if it takes longer.

    Raises:
        TimeoutError: there is no answer before the deadline.
        OSError, ValueError: the name can't be looked up.
    """
    found: SimpleQueue[Sequence[Address] | Exception] = SimpleQueue()

    def ask() -> None:
        try:
            found.put(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except Exception as exc:  # noqa: BLE001 - raised by who waits for it
            found.put(exc)

    if deadline == math.inf or is_address(host):
        ask()
    else:
        try:
            threading.Thread(target=ask, name="bento-look-up", daemon=True).start()
        except RuntimeError:  # the interpreter is ending, and starts no threads any more
            ask()
    try:
        addresses = found.get(timeout=None if deadline == math.inf else max(deadline - time.monotonic(), 0))
    except Empty:
        raise TimeoutError(f"looking up {host} took too long") from None
    if isinstance(addresses, Exception):
        raise addresses
    return addresses


def _connect(addresses: Sequence[Address], options: SocketOptions, deadline: float) -> socket.socket:
    """Connect to the first of the addresses that answers.

    Raises:
        TimeoutError: none did before the deadline.
        OSError: none can be connected to; it is the error of the last one.
    """
    race = ConnectionRace(((address[0], address) for address in addresses), time.monotonic())
    error = OSError("the host has no address")
    with selectors.DefaultSelector() as attempts:
        try:
            while not race.is_lost:
                now = time.monotonic()
                if now >= deadline:
                    raise TimeoutError("timed out")
                address = race.start(now)
                try:
                    if address is not None:
                        _begin(address, options, attempts)
                    else:
                        due = min(race.next_at, deadline) - now
                        for key, _ in attempts.select(None if due == math.inf else due):
                            return _end(cast("socket.socket", key.fileobj), attempts)
                except OSError as exc:
                    error = exc
                    race.fail(time.monotonic())
        finally:
            for key in list(attempts.get_map().values()):
                cast("socket.socket", key.fileobj).close()
    raise error


def _begin(address: Address, options: SocketOptions, attempts: selectors.BaseSelector) -> None:
    """Begin an attempt to connect."""
    sock = socket.socket(*address[:3])
    attempts.register(sock, selectors.EVENT_WRITE)
    for option in options:
        sock.setsockopt(*option)
    sock.setblocking(False)
    failed = sock.connect_ex(address[4])
    if failed not in _CONNECTING:
        attempts.unregister(sock)
        sock.close()
        raise OSError(failed, os.strerror(failed))


def _end(sock: socket.socket, attempts: selectors.BaseSelector) -> socket.socket:
    """Take the socket of an attempt that is over; raises `OSError` if it failed."""
    attempts.unregister(sock)
    failed = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if failed:
        sock.close()
        raise OSError(failed, os.strerror(failed))
    sock.setblocking(True)
    return sock


def _connect_unix(path: str, deadline: float) -> socket.socket:
    if sys.platform == "win32":  # whose Python has no AF_UNIX
        raise LocalProtocolError("this platform's Python has no Unix sockets")
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        within(sock, deadline).connect(path)
    except BaseException:
        sock.close()
        raise
    return sock
