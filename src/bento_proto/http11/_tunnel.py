"""A tunnel through an HTTP proxy (CONNECT), as bytes."""

from __future__ import annotations

import sys
from typing import Final

import h11

from bento_proto import http
from bento_proto.http._messages import FailureKind, Origin
from bento_proto.http._proxy import Proxy, ProxyError
from bento_proto.http._redaction import SecretBytes

from ._fast_path import foreign
from ._h11 import told
from ._socks import check_received

# Statuses of a proxy while it, or the server behind it, is overloaded or not started.
_TRANSIENT: Final = frozenset({408, 425, 429, 500, 502, 503, 504})


class Tunnel:
    """A tunnel to an origin, which a proxy opens on CONNECT (RFC 9110 section 9.3.6).

    Send `request`. Pass everything that is received to `receive`, and ``b""`` when the peer has closed, until
    `is_open`. From then on the connection leads to the origin, and a TLS handshake can begin.

    Args:
        proxy: where the connection leads so far.
        origin: where it is to lead.
        limits: how much the proxy may send: the head of one response.

    Attributes:
        request: what to send.
        is_open: whether the proxy has opened the tunnel.
    """

    def __init__(self, proxy: Proxy, origin: Origin, limits: http.Limits) -> None:
        self._proxy = proxy
        self._limit = limits.head
        self._received = 0
        self._parser = h11.Connection(h11.CLIENT, max_incomplete_event_size=limits.head)
        host = f"[{origin.host}]" if ":" in origin.host else origin.host
        authority = f"{host}:{origin.port}"
        request = h11.Request(method="CONNECT", target=authority, headers=[("host", authority), *proxy.headers])
        self.request: bytes = SecretBytes(
            (self._parser.send(request) or b"") + (self._parser.send(h11.EndOfMessage()) or b"")
        )
        self.is_open: bool = False
        self._failed = False

    def __repr__(self) -> str:
        return f"<Tunnel through {self._proxy}: {'open' if self.is_open else 'asked for'}>"

    def receive(self, data: bytes) -> bytes:
        """Take received bytes, or ``b""`` when the peer has closed; return what to send next, which is nothing.

        Raises:
            ProxyError: the proxy does not open the tunnel; its ``kind`` says whether trying again may help.
            LocalProtocolError: the data is not bytes, or the tunnel is open or has failed; nothing changed.
        """
        check_received(data, self.is_open or self._failed)
        self._failed = True  # unless it goes well
        self._take(data)
        self._failed = False
        return b""

    def _take(self, data: bytes) -> None:
        if not data:
            raise ProxyError(f"the proxy {self._proxy} closed the connection without a response", FailureKind.CONNECT)
        self._received += len(data)
        if self._received > self._limit:
            raise ProxyError(f"the proxy {self._proxy} sends more than a response")
        handled = sys.exc_info()[1]
        try:
            self._parser.receive_data(data)
            if sent := foreign(self._parser.trailing_data[0]):
                raise ProxyError(f"the proxy {self._proxy} does not speak HTTP/1.1: it sent {sent}")
            event = self._parser.next_event()
            while isinstance(event, h11.InformationalResponse):
                event = self._parser.next_event()
        except h11.RemoteProtocolError as exc:
            raise ProxyError(f"the proxy {self._proxy} does not speak HTTP/1.1: {told(exc, handled)}") from exc
        if isinstance(event, h11.Response):
            self._decide(event.status_code)

    def _decide(self, status: int) -> None:
        if status == 407:
            raise ProxyError(self._proxy.unauthorized)
        if not 200 <= status < 300:
            kind = FailureKind.CONNECT if status in _TRANSIENT else FailureKind.PROXY
            raise ProxyError(f"the proxy {self._proxy} does not connect (status {status})", kind)
        if self._parser.trailing_data[0]:  # the origin can have sent nothing yet
            raise ProxyError(f"the proxy {self._proxy} sends more than a response")
        self.is_open = True
