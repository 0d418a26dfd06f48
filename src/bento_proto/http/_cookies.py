"""Cookies (RFC 6265), which a Service or a load balancer sets to recognise a client.

A cookie is sent to the origin that set it and to no other: the Domain attribute is ignored.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bento_proto._frozen import Frozen

from ._dates import seconds_until
from ._headers import merged
from ._messages import Request
from ._redaction import Secret

if TYPE_CHECKING:
    from typing import Final

    from ._messages import Head, Origin

_MOST: Final = 100  # cookies of one client; RFC 6265 section 6.1: at least 50 for each domain
_LENGTH: Final = 4096  # bytes of a Set-Cookie field
_SENT: Final = 8190  # bytes of a Cookie field: servers allow about as many for all fields


class _Cookie(Frozen):
    value: str
    secure: bool
    expires: float | None


def set_cookies(head: Head) -> dict[str, str]:
    """The cookies that a response sets: names to values."""
    pairs = (value.partition(";")[0].partition("=") for value in head.get_all("set-cookie"))
    return {name.strip(): value.strip().strip('"') for name, equals, value in pairs if equals and name.strip()}


class Cookies:
    """The cookies of one client.

    Attributes:
        kept: the cookies by origin, path and name.
    """

    def __init__(self) -> None:
        self.kept: dict[tuple[Origin, str, str], _Cookie] = {}

    def take(self, origin: Origin, target: str, head: Head, now: float) -> None:
        """Store the cookies that a response sets, and remove those that it expires."""
        for value in head.get_all("set-cookie"):
            if len(value) <= _LENGTH:
                self._set(origin, target, value, head, now)

    def _set(self, origin: Origin, target: str, value: str, head: Head, now: float) -> None:
        pair, *attributes = value.split(";")
        name, equals, content = pair.partition("=")
        name, content = name.strip(), content.strip()
        if not equals or not name or any(ord(c) < 32 or ord(c) == 127 for c in pair):
            return
        given = {key.strip().lower(): text.strip() for key, _, text in (item.partition("=") for item in attributes)}
        path = given.get("path", "")
        if not path.startswith("/"):
            path = target.partition("?")[0].rpartition("/")[0] or "/"
        key = (origin, path, name)
        self.kept.pop(key, None)
        lifetime = _lifetime(given, head)
        if lifetime is None or lifetime > 0:
            if len(self.kept) >= _MOST:
                self.kept.pop(next(iter(self.kept)), None)  # the one that was set first
            self.kept[key] = _Cookie(Secret(content), "secure" in given, None if lifetime is None else now + lifetime)

    def added(self, request: Request, now: float) -> Request:
        """The request with its cookies in the Cookie field, after those of the caller."""
        cookies = self.header(request.origin, request.target, now)
        if cookies is None:
            return request
        own = [value for name, value in request.headers if name == "cookie"]
        headers = merged(request.headers, (("cookie", Secret("; ".join((*own, cookies)))),))
        return Request(request.method, request.origin, request.target, headers, request.body)

    def header(self, origin: Origin, target: str, now: float) -> str | None:
        """The value of the Cookie field of a request; None if no cookie matches.

        Cookies that would make it too long are left out, those with the shortest paths first.
        """
        path = target.partition("?")[0]
        fitting = [
            (where, f"{name}={cookie.value}")
            for (home, where, name), cookie in list(self.kept.items())
            if home == origin
            and (path == where or path.startswith(where.rstrip("/") + "/"))
            and (origin.scheme == "https" or not cookie.secure)
            and (cookie.expires is None or cookie.expires > now)
        ]
        fitting.sort(key=lambda pair: -len(pair[0]))  # RFC 6265 section 5.4: longer paths first
        texts, left = list[str](), _SENT
        for _, text in fitting:
            if len(text) <= left:
                texts.append(text)
                left -= len(text) + len("; ")
        return "; ".join(texts) or None


def _lifetime(attributes: dict[str, str], head: Head) -> float | None:
    age = attributes.get("max-age", "")
    if age.removeprefix("-").isdigit() and age.isascii():
        return float(age[:12])
    return seconds_until(attributes.get("expires", ""), head)
