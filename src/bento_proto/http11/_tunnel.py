"""The way through an HTTP proxy, as bytes: an adapter needs nothing but something to send to and to receive from."""

from __future__ import annotations

from typing import Final

import h11

from bento_proto import http
from bento_proto.http._messages import FailureKind, Origin
from bento_proto.http._proxy import Proxy, ProxyError

# What a proxy says while it, or the server behind it, is overloaded or not there yet.
_PASSING: Final = frozenset({408, 425, 429, 500, 502, 503, 504})


class Tunnel:
    """A connection to an origin, which a proxy is asked for with CONNECT (RFC 9110 section 9.3.6).

    Send `request`, and hand everything that arrives to `receive`, and ``b""`` when the peer has closed, until
    `is_open`. From then on the connection is one to the origin, and a TLS handshake can begin.

    Args:
        proxy: what the connection so far leads to.
        origin: where it is to lead.
        limits: how much the proxy may send: no more than the head of one answer.

    Attributes:
        request: what to send.
        is_open: whether the proxy has connected.
    """

    def __init__(self, proxy: Proxy, origin: Origin, limits: http.Limits) -> None:
        self._proxy = proxy
        self._limit = limits.head
        self._received = 0
        self._parser = h11.Connection(h11.CLIENT, max_incomplete_event_size=limits.head)
        host = f"[{origin.host}]" if ":" in origin.host else origin.host
        authority = f"{host}:{origin.port}"
        request = h11.Request(method="CONNECT", target=authority, headers=[("host", authority), *proxy.headers])
        self.request: bytes = (self._parser.send(request) or b"") + (self._parser.send(h11.EndOfMessage()) or b"")
        self.is_open: bool = False

    def __repr__(self) -> str:
        return f"<Tunnel through {self._proxy}: {'open' if self.is_open else 'asked for'}>"

    def receive(self, data: bytes) -> None:
        """Take what arrived, or ``b""`` once the peer has closed.

        Raises:
            ProxyError: the proxy does not connect; its ``loss`` says whether it may do so later.
        """
        if not data:
            raise ProxyError(f"the proxy {self._proxy} closed the connection without an answer", FailureKind.CONNECT)
        self._received += len(data)
        if self._received > self._limit:
            raise ProxyError(f"the proxy {self._proxy} sends more than an answer")
        try:
            self._parser.receive_data(data)
            event = self._parser.next_event()
            while isinstance(event, h11.InformationalResponse):
                event = self._parser.next_event()
        except h11.RemoteProtocolError as exc:
            raise ProxyError(f"the proxy {self._proxy} does not speak HTTP/1.1: {exc}") from exc
        if isinstance(event, h11.Response):
            self._answered(event.status_code)

    def _answered(self, status: int) -> None:
        if status == 407:
            raise ProxyError(self._proxy.unauthorized)
        if not 200 <= status < 300:
            loss = FailureKind.CONNECT if status in _PASSING else FailureKind.PROXY
            raise ProxyError(f"the proxy {self._proxy} does not connect (status {status})", loss)
        if self._parser.trailing_data[0]:  # before the server was spoken to
            raise ProxyError(f"the proxy {self._proxy} sends more than an answer")
        self.is_open = True
