"""URLs: base URLs, those of proxies, request targets, and the targets of redirects."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, quote, unquote, urljoin, urlsplit

from bento_proto._frozen import Frozen
from bento_proto._text import decoded_utf8, is_unicode
from bento_proto.errors import RemoteProtocolError

from ._messages import DEFAULT_PORTS, Origin
from ._redaction import Secret, SecretURL, redacted_urls, without_frames

if TYPE_CHECKING:
    from typing import Final

_AUTHORITY: Final = r"(?:\[([0-9A-Fa-f:.]+(?:%[A-Za-z0-9._~-]+)?)\]|([^\[\]:]+))(?::([0-9]{0,5}))?"
_LABEL: Final = "abcdefghijklmnopqrstuvwxyz0123456789_~-"  # the characters of each part of a name
_LABEL_LENGTH: Final = 63  # RFC 1035 section 2.3.4
_NAME_LENGTH: Final = 255
_OCTETS: Final = frozenset(map(str, range(256)))
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


@without_frames
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
        hint = f"; did you mean http://{_shown(url)}?" if url and "://" not in url else ""
        known = "http://, https://, tcp:// or unix:"
        raise ValueError(f"the URL of a Service must start with {known}, not {_shown(url)!r}{hint}")
    origin = _origin(parts, url, "https" if parts.scheme == "https" else "http")
    return BaseURL(origin, quote(parts.path.rstrip("/"), safe=_SAFE + "%"), _userinfo(parts))


@without_frames
def parse_proxy(url: str) -> BaseURL:
    """Parse the URL of a proxy.

    Args:
        url: ``http://``, ``https://``, ``socks5://`` or ``socks5h://`` with host, and optional port, user and password.
            The last two mean the same: the proxy resolves names.

    Raises:
        ValueError: the URL is not of this form.
    """
    parts = _split(url)
    scheme = "socks5" if parts.scheme == "socks5h" else parts.scheme
    if scheme not in ("http", "https", "socks5"):
        raise ValueError(f"the URL of a proxy must start with http://, https://, or socks5:// for SOCKS: {_shown(url)}")
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError(f"the URL of a proxy must end with its host and port: {_shown(url)}")
    return BaseURL(_origin(parts, url, scheme), "", _userinfo(parts))


@lru_cache(maxsize=256)
def quote_route(route: str) -> str:
    """Percent-encode a route of the schema, which is unescaped there, as UTF-8."""
    return quote(route, safe=_SAFE)


def quote_segment(text: str) -> str:
    """Percent-encode text for one segment of a path or one value of a query."""
    return quote(text, safe="")


@without_frames
def checked_target(path: str) -> SecretURL:
    """Check a percent-encoded path and query that a caller gives.

    Raises:
        ValueError: it is not of this form, or would be taken for another host.
    """
    url = SecretURL(path)
    if not re.fullmatch(_TARGET, path):
        raise ValueError(f"a path must start with a single slash, be percent-encoded and have no fragment: {url!r}")
    return url


@without_frames
def target_of(url: str, base: BaseURL) -> SecretURL:
    """The request target of a path under a base URL, or of an absolute URL of its origin.

    Raises:
        ValueError: it is malformed, or of another origin, to which the credentials must not go.
    """
    if "://" not in url.partition("?")[0]:
        return SecretURL(base.path + checked_target(url if url.startswith("/") else f"/{url}"))
    try:
        parts = _split(url)
        there = _origin(parts, url, parts.scheme)
        if "@" in parts.netloc or (there.scheme, there.authority) != (base.origin.scheme, base.origin.authority):
            raise ValueError
    except (ValueError, KeyError):  # a KeyError for a scheme without a default port
        own = f"the client's own origin, {base.origin}"
        raise ValueError(f"a URL must be percent-encoded and of {own}: {_shown(url)}") from None
    return checked_target((parts.path or "/") + (f"?{parts.query}" if parts.query else ""))


@without_frames
def resolve(origin: Origin, target: str, location: str) -> tuple[Origin, str]:
    """Resolve a Location (RFC 9110 section 10.2.2) to origin and request target.

    A URL with the same scheme and authority has the same origin, with its Unix socket or IPv6 zone.

    Raises:
        RemoteProtocolError: it is not an http or https URL, or leads from https to http.
    """
    try:
        location = decoded_utf8(location.strip())
        if any(c < " " or c == "\x7f" for c in location):  # urlsplit removes some, and proxies may read them otherwise
            raise ValueError("a control character")
        given = urlsplit(location)
        if not given.netloc and (given.scheme or location.startswith("//")):  # urljoin takes it for the base's
            raise ValueError("no host")
        parts = urlsplit(urljoin(f"{origin.scheme}://{origin.authority}{target}", location))
        if parts.scheme not in ("http", "https"):
            raise ValueError(parts.scheme)
        there = _origin(parts, location, parts.scheme)
    except ValueError:
        raise RemoteProtocolError("the server redirects to a Location that is not a valid http or https URL") from None
    if origin.scheme == "https" and there.scheme == "http":
        raise RemoteProtocolError(f"the server redirects from https to http ({there}); that is never followed")
    path = quote(parts.path or "/", safe=_SAFE + "%")
    query = "?" + quote(parts.query, safe=_SAFE + "?%") if parts.query else ""
    is_same = (there.scheme, there.authority) == (origin.scheme, origin.authority)
    return origin if is_same else there, SecretURL(path + query)


def is_ipv4(host: str) -> bool:
    """Whether a host is an IPv4 address of four decimal numbers without leading zeros (RFC 3986 section 3.2.2)."""
    parts = host.split(".")
    # Not a pattern, since compiling one takes as long as a small call.
    return len(parts) == 4 and all(part in _OCTETS for part in parts)


def ascii_name(name: str) -> str:
    """A host name in ASCII and in lower case: as IDNA 2008 encodes it, after the mapping of UTS 46.

    Raises:
        ValueError: the name can't be encoded.
    """
    if len(name) > _NAME_LENGTH:  # before IDNA, which takes quadratic time
        raise ValueError("the name of the host is too long")
    if name.isascii():
        return name.lower()
    import idna  # slow to import, and rarely needed

    return idna.encode(name, uts46=True).decode()


def _split(url: str) -> SplitResult:
    if not is_unicode(url) or any(c <= " " or c == "\x7f" for c in url):
        raise ValueError(f"a URL must have no spaces and no control characters: {_shown(url)!r}")
    try:
        return urlsplit(url)
    except ValueError:  # its message may quote a password
        raise ValueError(f"not a URL: {_shown(url)}") from None


def _userinfo(parts: SplitResult) -> Secret | None:
    userinfo = parts.netloc.rpartition("@")[0]
    return Secret(unquote(userinfo)) if userinfo else None


def _origin(parts: SplitResult, url: str, scheme: str) -> Origin:
    userinfo, _, authority = parts.netloc.rpartition("@")
    found = re.fullmatch(_AUTHORITY, authority)
    try:
        # To browsers, a backslash ends the authority as a slash does; to other parsers, white space does.
        if found is None or re.search(r"[\\\s]", userinfo):
            raise ValueError
        host = _address(found[1]) if found[1] else _name(found[2])
        port = int(found[3] or DEFAULT_PORTS[scheme])
        if not 0 < port < 65536:
            raise ValueError
    except ValueError:
        raise ValueError(f"a URL must have a valid host and a port from 1 to 65535: {_shown(url)}") from None
    return Origin(scheme, host, port)


def _address(text: str) -> str:
    """An IPv6 address, perhaps with a zone (RFC 6874); raises ValueError for any other text."""
    import ipaddress  # slow to import, and rarely needed

    address, mark, zone = text.partition("%")
    ipaddress.IPv6Address(address)
    return address.lower() + mark + (zone.removeprefix("25") or zone)


def _name(text: str) -> str:
    """A name or an IPv4 address in ASCII and lower case; raises ValueError for any other text."""
    name = ascii_name(text)
    labels = name.removesuffix(".").split(".")
    if any(not 0 < len(label) <= _LABEL_LENGTH or label.strip(_LABEL) for label in labels):
        raise ValueError
    # Resolvers read numbers in several ways: 127.1, 0x7f.1 and 017700000001 are all 127.0.0.1 to some.
    last = labels[-1]
    is_number = last.isdecimal() or (last.startswith("0x") and not last[2:].strip("0123456789abcdef"))
    if is_number and not (is_ipv4(name) and text.isascii()):  # nor are digits of other scripts taken for an address
        raise ValueError
    return name


def _shown(url: str) -> str:
    """The URL for an error message: redacted, and without anything before an @."""
    return redacted_urls(re.sub(r"(?s)^([a-z]+://)?.*@", r"\1***@", url))
