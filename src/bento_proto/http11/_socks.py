"""A connection through a SOCKS5 proxy (RFC 1928), with user and password if need be (RFC 1929), as bytes."""

from __future__ import annotations

from collections.abc import Generator
from typing import Final

from bento_proto import http, http11
from bento_proto._types import is_a
from bento_proto.errors import LocalProtocolError
from bento_proto.http._messages import FailureKind, Origin
from bento_proto.http._proxy import Proxy, ProxyError
from bento_proto.http._redaction import SecretBytes

_NO_CREDENTIALS: Final = 0
_USER_AND_PASSWORD: Final = 2
_IPV4, _NAME, _IPV6 = 1, 3, 4
_REFUSALS: Final = {
    1: "general failure",
    2: "not allowed",
    3: "network unreachable",
    4: "host unreachable",
    5: "connection refused",
    6: "TTL expired",
}
_NOT_ALLOWED: Final = 2
_LONGEST: Final = 255


def open_tunnel(proxy: Proxy, origin: Origin, limits: http.Limits) -> http11.Tunnel | SocksTunnel:
    """What opens a connection to an origin through a proxy, by the proxy's kind. Arguments are those of `Tunnel`."""
    if proxy.is_socks:
        return SocksTunnel(proxy, origin)
    return http11.Tunnel(proxy, origin, limits)  # which loads h11


def check_received(data: object, is_over: bool) -> None:
    """Check what a tunnel is given.

    Raises:
        LocalProtocolError: it is not bytes, or the tunnel takes no more.
    """
    if not is_a(data, bytes, bytearray):
        raise LocalProtocolError(f"what is received is bytes, and no {type(data).__qualname__}")
    if is_over:
        raise LocalProtocolError("the tunnel is open or has failed: it takes no more")


class SocksTunnel:
    """A connection to an origin, which a SOCKS5 proxy opens. The proxy resolves the name of the host.

    It is used as a `Tunnel` is.

    Args:
        proxy: where the connection leads so far.
        origin: where it is to lead.

    Attributes:
        request: what to send first.
        is_open: whether the proxy has connected to the origin.
    """

    def __init__(self, proxy: Proxy, origin: Origin) -> None:
        self._proxy = proxy
        self._origin = origin
        self._received = bytearray()
        self._dialogue = self._open()
        self.request: bytes
        self.request, self._wanted = next(self._dialogue)
        self.is_open: bool = False
        self._failed = False

    def __repr__(self) -> str:
        return f"<SocksTunnel through {self._proxy}: {'open' if self.is_open else 'asked for'}>"

    def receive(self, data: bytes) -> bytes:
        """Take received bytes, or ``b""`` when the peer has closed; return what to send next, which may be nothing.

        Raises:
            ProxyError: the proxy does not connect; its ``kind`` says whether trying again may help.
            LocalProtocolError: the data is not bytes, or the tunnel is open or has failed; nothing changed.
        """
        check_received(data, self.is_open or self._failed)
        self._failed = True  # unless it goes well
        to_send = self._take(data)
        self._failed = False
        return to_send

    def _take(self, data: bytes) -> bytes:
        if not data:
            raise ProxyError(f"the proxy {self._proxy} closed the connection without a response", FailureKind.CONNECT)
        self._received += data
        to_send = b""
        while not self.is_open and len(self._received) >= self._wanted:
            part, self._received = bytes(self._received[: self._wanted]), self._received[self._wanted :]
            try:
                more, self._wanted = self._dialogue.send(part)
            except StopIteration:
                self.is_open = True
            else:
                to_send = SecretBytes(to_send + more)
        if self.is_open and self._received:  # the origin can have sent nothing yet
            raise ProxyError(f"the proxy {self._proxy} sends more than a response")
        return to_send

    def _open(self) -> Generator[tuple[bytes, int], bytes, None]:
        """The dialogue: yields what to send, and how many bytes to receive then."""
        proxy = self._proxy
        methods = bytes((_NO_CREDENTIALS,) if proxy.userinfo is None else (_NO_CREDENTIALS, _USER_AND_PASSWORD))
        version, method = yield bytes((5, len(methods))) + methods, 2
        if version != 5:
            raise ProxyError(f"the proxy {proxy} does not speak SOCKS5")
        if method not in methods:
            raise ProxyError(f"the proxy {proxy} requires a user and a password, or another kind of them")
        if method == _USER_AND_PASSWORD:
            login = _login(proxy.userinfo or "")
            if login is None:
                raise ProxyError(f"the user or the password for the proxy {proxy} is too long")
            _, refused = yield login, 2
            if refused:
                raise ProxyError(f"the proxy {proxy} did not accept the user and password")
        port = self._origin.port.to_bytes(2, "big")
        version, reply, _, kind, first = yield b"\5\1\0" + _address(self._origin.server_name) + port, 5
        if version == 5 and reply:
            failure = FailureKind.CONNECT if reply in _REFUSALS and reply != _NOT_ALLOWED else FailureKind.PROXY
            reason = _REFUSALS.get(reply, f"reply {reply}")
            raise ProxyError(f"the proxy {proxy} does not connect: {reason}", failure)
        lengths = {_IPV4: 4, _NAME: 1 + first, _IPV6: 16}  # of the address from which the proxy has connected
        if version != 5 or kind not in lengths:
            raise ProxyError(f"the proxy {proxy} does not speak SOCKS5")
        yield b"", lengths[kind] - 1 + 2


def _address(host: str) -> bytes:
    """The address in a request: its kind, and its bytes."""
    if ":" not in host and host.strip("0123456789."):
        return bytes((_NAME, len(host))) + host.encode()
    import ipaddress  # slow to import, and rarely needed

    packed = ipaddress.ip_address(host).packed
    return bytes((_IPV6 if ":" in host else _IPV4,)) + packed


def _login(userinfo: str) -> SecretBytes | None:
    """The request of RFC 1929; None if a part is too long. It stands in no frame of an error."""
    user, _, password = userinfo.partition(":")
    fields = user.encode(), password.encode()
    if max(map(len, fields)) > _LONGEST:
        return None
    return SecretBytes(b"\1" + b"".join(bytes((len(field),)) + field for field in fields))
