"""Which credential goes to which origin."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

from ._headers import checked_value
from ._messages import Request

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Final

    from bento_proto._types import Fields

    from ._messages import Origin
    from ._url import BaseURL

TOKEN_VARIABLE: Final = "BENTO_CLOUD_API_KEY"  # noqa: S105 - the name of a variable
"""The environment variable that BentoML's clients take a token from."""

_REMEMBERED: Final = 9  # tokens of the function's; a request that is under way may have an older one
_LOOPBACK: Final = r"localhost|127(?:\.\d{1,3}){3}|::1"


class Credential:
    """What a client proves itself with, to the origin of its Service.

    Args:
        base: where the Service is; a ``user:password`` in its URL is for Basic authorization.
        token: the caller's token, or a function that gives one; an empty one means none, not even the environment's.
        environ: the environment, whose ``BENTO_CLOUD_API_KEY`` counts if there is neither. It was not given for this
            origin in particular, so it is used over https and on this machine only.

    Raises:
        ValueError: the token can't stand in a header.
    """

    def __init__(self, base: BaseURL, token: str | Callable[[], str] | None, environ: Mapping[str, str]) -> None:
        self._ask = token if callable(token) else None
        self._header: str | None = None
        self._given: tuple[str | None, ...] = ()
        self._added: tuple[Fields, str | None, Fields] = ((), None, ())  # what `added` was asked last, and what it said
        if token is None and base.userinfo is not None:
            self._header = basic(base.userinfo)
        elif not callable(token):
            if token is None and (base.origin.scheme == "https" or is_local(base.origin)):
                token = environ.get(TOKEN_VARIABLE)
            self._header = _bearer(token or "")

    def __getstate__(self) -> dict[str, object]:
        """What is pickled: the token, too.

        Raises:
            TypeError: it is a function that can't be pickled.
        """
        if self._ask is not None and "cloudpickle" not in sys.modules:  # which may well know how to
            import pickle

            try:
                pickle.dumps(self._ask)
            except Exception as exc:
                raise TypeError(
                    f"the token is a function that can't be pickled ({exc}): define it at the top of a module, "
                    "or give the token itself"
                ) from exc
        return self.__dict__

    def added(self, headers: Fields) -> Fields:
        """The headers with the Authorization, unless they have one of the caller's; a function is asked the first time.

        Raises:
            ValueError: what the function gives can't stand in a header.
        """
        header = self._header  # once: another thread may renew it meanwhile
        if header is None and self._ask is not None:
            header = self._header = _bearer(self._ask())
            self._given = (*self._given[-_REMEMBERED:], header)
        last = self._added
        if last[0] is headers and last[1] is header:
            return last[2]
        has = header is None or any(name == "authorization" for name, _ in headers)
        added = headers if header is None or has else (*headers, ("authorization", header))
        self._added = headers, header, added
        return added

    def renewed(self, request: Request) -> Request | None:
        """The same request with another token, after a 401; None if there is no function that gave the one it had.

        Raises:
            ValueError: what the function gives can't stand in a header.
        """
        had = dict(request.headers).get("authorization")
        if had is None or had not in self._given:
            return None
        if had == self._header:  # else another call has met the 401 before
            self._header = None
        others = tuple(field for field in request.headers if field[0] != "authorization")
        return Request(request.method, request.origin, request.target, self.added(others), request.body)


def basic(userinfo: str) -> str:
    """What proves to be somebody, given as ``user:password`` (RFC 7617)."""
    import binascii  # few have use for it

    return "Basic " + binascii.b2a_base64(userinfo.encode(), newline=False).decode()


def _bearer(token: str) -> str | None:
    if not token:
        return None
    token = checked_value("the token", token)
    if not token or not token.isascii() or " " in token or "\t" in token:
        raise ValueError("the token has a character that can't stand in a token")
    return f"Bearer {token}"


def is_local(origin: Origin) -> bool:
    """Whether the origin is this machine: a Unix socket, or a loopback address."""
    return origin.socket is not None or re.fullmatch(_LOOPBACK, origin.host) is not None
