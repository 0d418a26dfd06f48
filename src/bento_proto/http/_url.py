"""URLs: base URLs, those of proxies, request targets, and the targets of redirects."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, quote, unquote, urljoin, urlsplit

from bento_proto._errors import RemoteProtocolError
from bento_proto._frozen import Frozen
from bento_proto._text import is_unicode

from ._messages import DEFAULT_PORTS, Origin

if TYPE_CHECKING:
    from typing import Final

_HOST: Final = r"[a-z0-9._~-]+|[0-9a-f:.]+(?:%[A-Za-z0-9._~-]+)?"  # a name, or IPv6 with its zone
_TARGET: Final = r'/(?!/)[!"$-~]*'  # visible ASCII without the #
_SAFE: Final = "/:@!$&'()*+,;=~-._"  # RFC 3986 section 3.3: not percent-encoded in a path


class BaseURL(Frozen):
    """A parsed base URL.

    Attributes:
        origin: its origin.
        path: the prefix of every path of the Service, without a slash at the end; empty if there is none.
        userinfo: its ``user:password``, percent-decoded, for Basic authentication; else None.
    """

    origin: Origin
    path: str
    userinfo: str | None = None

    def __repr__(self) -> str:  # the userinfo holds a password
        return f"<BaseURL {self.origin}{self.path}>"


def parse_base_url(url: str) -> BaseURL:
    """Parse the URL of a Service.

    Args:
        url: ``http://`` or ``https://`` with host, and optional port and path; ``tcp://host:port``, which is the same
            as http; ``unix:/path/to.sock`` or ``file:///path/to.sock`` for a Unix socket.

    Raises:
        ValueError: the URL is none of these.
    """
    parts = _split(url)
    if parts.query or parts.fragment:
        raise ValueError(f"the URL of a Service must have no query and no fragment: {_shown(url)}")
    if parts.scheme in ("unix", "file"):
        path = unquote(parts.path)
        if parts.netloc not in ("", "localhost") or not path.startswith("/") or "\0" in path:
            raise ValueError(f"the path of a Unix socket must be absolute, as in unix:/run/service.sock: {_shown(url)}")
        return BaseURL(Origin("http", "localhost", 80, path), "")
    if parts.scheme not in ("http", "https", "tcp"):
        hint = f"; did you mean http://{_shown(url)}?" if "://" not in url else ""
        raise ValueError(f"the URL of a Service must start with http://, https://, tcp:// or unix: {_shown(url)}{hint}")
    origin = _origin(parts, url, "https" if parts.scheme == "https" else "http")
    userinfo = parts.netloc.rpartition("@")[0]
    return BaseURL(origin, quote(parts.path.rstrip("/"), safe=_SAFE + "%"), unquote(userinfo) if userinfo else None)


def parse_proxy(url: str) -> BaseURL:
    """Parse the URL of a proxy: ``http://`` or ``https://`` with host, and optional port, user and password.

    Raises:
        ValueError: the URL is not of this form.
    """
    parts = _split(url)
    if parts.scheme not in ("http", "https"):
        raise ValueError(f"the URL of a proxy must start with http:// or https://, not SOCKS: {_shown(url)}")
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError(f"the URL of a proxy must end with its host and port: {_shown(url)}")
    userinfo = parts.netloc.rpartition("@")[0]
    return BaseURL(_origin(parts, url, parts.scheme), "", unquote(userinfo) if userinfo else None)


@lru_cache(maxsize=256)
def quote_route(route: str) -> str:
    """Percent-encode a route of the schema, which is unescaped there, as UTF-8."""
    return quote(route, safe=_SAFE)


def quote_segment(text: str) -> str:
    """Percent-encode text for one segment of a path or one value of a query."""
    return quote(text, safe="")


def checked_target(path: str) -> str:
    """Check a percent-encoded path and query that a caller gives.

    Raises:
        ValueError: it is not of this form, or would be taken for another host.
    """
    if not re.fullmatch(_TARGET, path):
        raise ValueError(f"a path must start with a single slash, be percent-encoded and have no fragment: {path!r}")
    return path


def resolve(origin: Origin, target: str, location: str) -> tuple[Origin, str]:
    """Resolve a Location (RFC 9110 section 10.2.2) to origin and request target.

    A URL with the same scheme and authority stays on the same Unix socket.

    Raises:
        RemoteProtocolError: it is not an http or https URL, or leads from https to http.
    """
    try:
        parts = urlsplit(urljoin(f"{origin.scheme}://{origin.authority}{target}", location.strip()))
        if parts.scheme not in ("http", "https"):
            raise ValueError(parts.scheme)
        there = _origin(parts, location, parts.scheme)
    except ValueError:
        raise RemoteProtocolError("the server redirects to a Location that is not a valid http or https URL") from None
    if origin.scheme == "https" and there.scheme == "http":
        raise RemoteProtocolError(f"the server redirects from https to http ({there}); that is never followed")
    path = quote(parts.path or "/", safe=_SAFE + "%")
    query = "?" + quote(parts.query, safe=_SAFE + "?%") if parts.query else ""
    return (origin if there == origin.replace(socket=None) else there), path + query


def _split(url: str) -> SplitResult:
    if not is_unicode(url) or any(c <= " " or c == "\x7f" for c in url):
        raise ValueError(f"a URL must have no spaces and no control characters: {_shown(url)!r}")
    try:
        return urlsplit(url)
    except ValueError:  # its message may quote a password
        raise ValueError(f"not a URL: {_shown(url)}") from None


def _origin(parts: SplitResult, url: str, scheme: str) -> Origin:
    try:
        host, port = parts.hostname or "", parts.port
        if not host.isascii():
            host = host.encode("idna").decode()
    except ValueError:
        host, port = "", None
    if not re.fullmatch(_HOST, host) or port == 0:
        raise ValueError(f"a URL must have a valid host and a port from 1 to 65535: {_shown(url)}")
    return Origin(scheme, host, port or DEFAULT_PORTS[scheme])


def _shown(url: str) -> str:
    """The URL for an error message: without anything before an @."""
    return re.sub(r"(?s)^([a-z]+://)?.*@", r"\1***@", url)
