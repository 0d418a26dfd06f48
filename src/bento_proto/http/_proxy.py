"""HTTP and SOCKS5 proxies, and the choice of one for an origin."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import EllipsisType
from typing import Final

from bento_proto._frozen import Frozen
from bento_proto._types import Fields

from ._credentials import basic, is_local
from ._messages import ConnectionFailed, FailureKind, Origin
from ._redaction import Secret, SecretURL, without_frames
from ._url import ascii_name, parse_proxy

# The codes of OpenSSL for certificates that are signed by themselves, or by authorities that are not trusted.
_UNKNOWN_AUTHORITIES: Final = frozenset({18, 19, 20})
_AUTHORITY: Final = (
    "; an authority of your own is trusted by ssl_context=tls_context(ca_file=...), and if this system has no CA "
    "certificates at all, install certifi"
)
_PLAIN: Final = "; if the server speaks plain HTTP, its URL must start with http://"
_CLIENT_CERTIFICATE: Final = (
    "; if the server asks for a client certificate, give it by ssl_context=tls_context(client_cert=...)"
)
_CLOSED: Final = "the peer closed the connection during the TLS handshake"
_HINTS: Final = {  # by the reason in an `ssl.SSLError`
    "WRONG_VERSION_NUMBER": _PLAIN,
    "PACKET_LENGTH_TOO_LONG": _PLAIN,
    "RECORD_LAYER_FAILURE": _PLAIN,
    "SSLV3_ALERT_HANDSHAKE_FAILURE": _CLIENT_CERTIFICATE,
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": _CLIENT_CERTIFICATE,
}
_SYSTEM: Final = "system settings"
_ENTRY: Final = r"(?:\[([^\]]*)\]|([^:]*))(?::(\d+))?"  # host, [IPv6] or network; and a port


class ProxyError(ConnectionError):
    """The proxy can't be used, so nothing was sent to the server.

    Attributes:
        kind: `FailureKind.CONNECT` if trying again may help, else `FailureKind.PROXY` or `FailureKind.TLS`.
    """

    def __init__(self, message: str, kind: FailureKind = FailureKind.PROXY) -> None:
        super().__init__(message)
        self.kind: FailureKind = kind


def connect_failure(where: object, error: Exception, kind: FailureKind = FailureKind.CONNECT) -> ConnectionFailed:
    """The failure to connect to an origin.

    Args:
        where: the origin, or the `Route` to it.
        error: the reason; a `TimeoutError` if the timeout expired.
        kind: what failed, where the error does not say it: `FailureKind.CONNECT` or `FailureKind.TLS`.
    """
    if isinstance(error, TimeoutError):
        return ConnectionFailed(FailureKind.TIMEOUT, f"connecting to {where} took too long", sent=False, cause=error)
    if isinstance(error, ProxyError):
        return ConnectionFailed(error.kind, f"can't connect to {where}: {error}", cause=error)
    if kind is FailureKind.TLS:
        return ConnectionFailed(kind, no_tls(where, error), cause=error)
    why = _CLOSED if getattr(error, "reason", None) == "UNEXPECTED_EOF_WHILE_READING" else error
    return ConnectionFailed(kind, f"can't connect to {where}: {why}", cause=error)


def no_tls(where: object, error: BaseException | None) -> str:
    """What to say of a failure of TLS, and what can be done about it.

    Args:
        where: the origin, or the `Route` to it.
        error: an `ssl.SSLError`.
    """
    if getattr(error, "verify_code", None) in _UNKNOWN_AUTHORITIES:
        hint = _AUTHORITY
    else:
        hint = _HINTS.get(str(getattr(error, "reason", None)), "")
    return f"no TLS with {where}: {error}{hint}"


class Proxy:
    """An HTTP or SOCKS5 proxy. Its `str` and `repr` have no credentials.

    Args:
        origin: the origin of the proxy.
        userinfo: ``user:password``, or None.

    Attributes:
        origin: the origin of the proxy; with the scheme ``https``, the connection to it uses TLS.
        headers: the header fields for an HTTP proxy alone: the Proxy-Authorization, if there is one.
        userinfo: the ``user:password`` for a SOCKS5 proxy, or None.
    """

    __slots__ = ("headers", "origin", "userinfo")

    def __init__(self, origin: Origin, userinfo: str | None = None) -> None:
        self.origin: Origin = origin
        self.headers: Fields = ()
        self.userinfo: str | None = Secret(userinfo) if self.is_socks and userinfo is not None else None
        if userinfo is not None and not self.is_socks:
            self.headers = (("proxy-authorization", basic(userinfo if ":" in userinfo else f"{userinfo}:")),)

    def __str__(self) -> str:
        return str(self.origin)

    def __repr__(self) -> str:
        return f"<Proxy {self.origin}>"

    @property
    def is_socks(self) -> bool:
        """Whether it is a SOCKS5 proxy, which tunnels everything."""
        return self.origin.scheme == "socks5"

    @property
    def unauthorized(self) -> str:
        """The error message for its status 407."""
        reason = "did not accept the user and password" if self.headers else "requires a user and a password"
        return f"the proxy {self} {reason} (status 407)"


class Route(Frozen):
    """The route to an origin.

    Attributes:
        origin: the origin.
        proxy: the proxy to use; None for a direct connection.
        source: what determined the proxy: ``"argument"``; the name of an environment variable, such as
            ``"HTTPS_PROXY"`` or ``"NO_PROXY"``; ``"system settings"``; ``"loopback"`` or ``"Unix socket"``, for which
            both are ignored; or ``"default"``.
    """

    origin: Origin
    proxy: Proxy | None
    source: str

    def __str__(self) -> str:
        return f"{self.origin}" if self.proxy is None else f"{self.origin} through {self.proxy} ({self.source})"

    @property
    def forwarder(self) -> Proxy | None:
        """The proxy if it forwards requests; None if it tunnels (CONNECT), or there is none."""
        return None if self.proxy is None or self.proxy.is_socks or self.origin.scheme != "http" else self.proxy


class Proxies:
    """Chooses the proxy for an origin.

    The environment variables are those of curl and Python: ``https_proxy`` or ``http_proxy`` by the origin's scheme,
    then ``all_proxy``, unless ``no_proxy`` matches the origin. The lower-case name takes precedence over the upper-case
    one. If the environment names no proxy at all, the settings of the system apply. Connections to loopback addresses
    and Unix sockets never use a proxy from either.

    Args:
        proxy: the URL of the proxy for all origins but Unix sockets; None for no proxy; ``...`` for the environment.
        environ: the environment variables.
        system: the system's proxies by the scheme of the origin, as `urllib.request.getproxies` returns them.

    Raises:
        ValueError: the URL is not that of a proxy.
    """

    @without_frames
    def __init__(
        self, proxy: str | EllipsisType | None, environ: Mapping[str, str], system: Mapping[str, str] | None = None
    ) -> None:
        self._from_environment = isinstance(proxy, EllipsisType)
        self._proxy: Proxy | None = None
        self._variables: dict[str, str] = {}
        self._system: dict[str, str] = {}
        if isinstance(proxy, EllipsisType):
            named = ((name, value) for name, value in environ.items() if name.lower().endswith("_proxy"))
            self._variables = {name: SecretURL(value) for name, value in named}
            if "REQUEST_METHOD" in environ:  # under CGI, it is the Proxy field of the request (httpoxy)
                self._variables.pop("HTTP_PROXY", None)
            if system and not self._first("http_proxy", "https_proxy", "all_proxy")[1]:
                self._system = {scheme: SecretURL(value.strip()) for scheme, value in system.items()}
        elif proxy is not None:
            self._proxy = _proxy_of(proxy)

    def route(self, origin: Origin) -> Route:
        """The route to an origin.

        Raises:
            ProxyError: the environment variable, or the system's setting, is not the URL of a proxy.
        """
        if origin.socket is not None:
            return Route(origin, None, "Unix socket")
        if not self._from_environment:
            return Route(origin, self._proxy, "argument")
        if is_local(origin):
            return Route(origin, None, "loopback")
        name, url = self._first(f"{origin.scheme}_proxy", "all_proxy")
        if not url:
            name, url = _SYSTEM, SecretURL(self._system.get(origin.scheme, ""))
        if not url:
            return Route(origin, None, "default")
        exempting, exempt = self._first("no_proxy")
        if any(_matches(entry, origin) for entry in exempt.lower().replace(",", " ").split()):
            return Route(origin, None, exempting)
        try:
            return Route(origin, _proxy_of(url if "://" in url else f"http://{url}"), name)
        except ValueError as exc:
            what = "the proxy of the system settings" if name == _SYSTEM else f"the environment variable {name}"
            raise ProxyError(f"{what} is not the URL of a proxy: {exc}") from None

    def _first(self, *names: str) -> tuple[str, str]:
        """Name and value of the first variable that is set and not empty."""
        for name in names:
            for spelled in (name, name.upper()):
                value = SecretURL(self._variables.get(spelled, "").strip())
                if value:
                    return spelled, value
        return "", ""


def _proxy_of(url: str) -> Proxy:
    base = parse_proxy(url)
    return Proxy(base.origin, base.userinfo)


def _matches(entry: str, origin: Origin) -> bool:
    """Whether an entry of ``no_proxy`` matches the origin: a host, a domain, an address, a network, or ``*``."""
    if entry == "*":
        return True
    parts = re.fullmatch(_ENTRY, entry)
    name = entry if parts is None else parts[1] or parts[2]  # an IPv6 address may stand without brackets
    if not name or (parts is not None and parts[3] not in (None, str(origin.port))):
        return False
    host = origin.host.rstrip(".")
    if ":" in host or not host.strip("0123456789."):
        return _contains(name, host)
    try:
        name = ascii_name(name.lstrip("*").strip("."))
    except ValueError:
        return False
    return bool(name) and (host == name or host.endswith(f".{name}"))


def _contains(network: str, host: str) -> bool:
    import ipaddress  # slow to import, and rarely needed

    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False
