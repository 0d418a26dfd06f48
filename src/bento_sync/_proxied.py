"""A connection that leads through an HTTP proxy."""

from __future__ import annotations

import math
import ssl
import time
from typing import TYPE_CHECKING, cast

from urllib3.connection import HTTPConnection
from urllib3.util.ssltransport import SSLTransport

from bento_proto import FailureKind
from bento_proto.http import ProxyError

if TYPE_CHECKING:
    import socket

    from bento_proto import Limits
    from bento_proto.http import Origin, Proxy


class ProxiedConnection(HTTPConnection):
    """A connection to a proxy, or through it to an origin; TLS with either is its own.

    Args:
        proxy: where it connects first.
        tunnel: the origin that the proxy is to connect to; None if it takes requests itself.
        context: the TLS settings.
        limits: how much the proxy may send before.
    """

    def __init__(
        self, proxy: Proxy, tunnel: Origin | None, context: ssl.SSLContext | None, limits: Limits, **_: object
    ) -> None:
        super().__init__(proxy.origin.host, proxy.origin.port)
        self._proxy = proxy
        self._origin = tunnel
        self._context = context
        self._limits = limits

    def _new_conn(self) -> socket.socket:
        ends = math.inf if self.timeout is None else time.monotonic() + self.timeout
        sock = super()._new_conn()
        try:
            if self._context is not None and self._proxy.origin.scheme == "https":
                sock = self._secure_proxy(_within(sock, ends), self._context)
            if self._origin is not None:
                self._open_tunnel(sock, self._origin, ends)
                if self._context is not None and self._origin.scheme == "https":
                    sock = _secured(_within(sock, ends), self._context, self._origin.host)
        except BaseException:
            sock.close()
            raise
        return sock

    def _secure_proxy(self, sock: socket.socket, context: ssl.SSLContext) -> socket.socket:
        try:
            return _secured(sock, context, self._proxy.origin.host)
        except ssl.SSLError as exc:
            passing = isinstance(exc, (ssl.SSLEOFError, ssl.SSLZeroReturnError))
            loss = FailureKind.CONNECT if passing else FailureKind.TLS
            raise ProxyError(f"no TLS with the proxy {self._proxy}: {exc}", loss) from exc

    def _open_tunnel(self, sock: socket.socket, origin: Origin, ends: float) -> None:
        from bento_proto.http11 import Tunnel

        tunnel = Tunnel(self._proxy, origin, self._limits)
        _within(sock, ends).sendall(tunnel.request)
        while not tunnel.is_open:
            tunnel.receive(_within(sock, ends).recv(1 << 16))


class _TLSInTLS(SSLTransport):
    """urllib3's TLS over TLS, whose end is what a socket's is."""

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        return cast("bytes", super().recv(buflen, flags) or b"")


def _secured(sock: socket.socket, context: ssl.SSLContext, host: str) -> socket.socket:
    """The same with TLS over it: Python's own does not go over itself."""
    if isinstance(sock, ssl.SSLSocket):
        return cast("socket.socket", _TLSInTLS(sock, context, host))
    return context.wrap_socket(sock, server_hostname=host)


def _within(sock: socket.socket, ends: float) -> socket.socket:
    """The same socket, which waits no longer than that.

    Raises:
        TimeoutError: the time is up.
    """
    left = ends - time.monotonic()
    if left <= 0:
        raise TimeoutError("timed out")
    sock.settimeout(None if left == math.inf else left)
    return sock
