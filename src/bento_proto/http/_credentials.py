"""The credential of a client and the origin that it is sent to."""

from __future__ import annotations

import re
import sys
from types import EllipsisType
from typing import TYPE_CHECKING

from ._headers import checked_value
from ._messages import Request
from ._redaction import Secret, without_frames

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Final

    from bento_proto._types import Fields

    from ._messages import Origin
    from ._url import BaseURL

TOKEN_VARIABLE: Final = "BENTO_CLOUD_API_KEY"  # noqa: S105 - the name of a variable
"""The environment variable of the token, as for BentoML's clients."""

_REMEMBERED: Final = 9  # tokens of the function; a request under way may have an older one
_LOOPBACK: Final = r"localhost|127(?:\.\d{1,3}){3}|::1"


class Credential:
    """The credential of one client, which is sent to the origin of its Service only.

    Args:
        base: the base URL; a ``user:password`` in it is used for Basic authentication.
        token: the bearer token, or a function that returns it; an empty one means none, not even the environment's.
        environ: the environment variables. ``BENTO_CLOUD_API_KEY`` is used if there is neither token nor userinfo; as
            it was not given for this origin in particular, over https and to this machine only.

    Attributes:
        header: the value of the Authorization field; None for none, ``...`` while the token function is to be asked.

    Raises:
        ValueError: the token has characters that are not allowed in a header field.
    """

    def __init__(self, base: BaseURL, token: str | Callable[[], str] | None, environ: Mapping[str, str]) -> None:
        self._ask = token if callable(token) else None
        self.header: str | EllipsisType | None = None if self._ask is None else ...
        self._given: tuple[str | None, ...] = ()
        if token is None and base.userinfo is not None:
            self.header = basic(base.userinfo)
        elif not callable(token):
            if token is None and (base.origin.scheme == "https" or is_local(base.origin)):
                token = environ.get(TOKEN_VARIABLE)
            self.header = _bearer(token or "")

    def __getstate__(self) -> dict[str, object]:
        """The state to pickle, with the token.

        Raises:
            TypeError: the token is a function that can't be pickled.
        """
        if self._ask is not None and "cloudpickle" not in sys.modules:  # cloudpickle can pickle any function
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
        """The fields with the Authorization added, unless the caller has set one; calls the token function at first.

        Raises:
            ValueError: the function's token has characters that are not allowed in a header field.
        """
        header = self.header  # read once: another thread may renew it
        if isinstance(header, EllipsisType):
            header = _bearer(self._ask() if self._ask is not None else "")
            self.header = header or ...
            self._given = (*self._given[-_REMEMBERED:], header)
        if header is None or any(name == "authorization" for name, _ in headers):
            return headers
        return (*headers, ("authorization", header))

    def renewed(self, request: Request) -> Request | None:
        """The request with a new token, after a 401; None if its token was not the function's.

        Raises:
            ValueError: the function's token has characters that are not allowed in a header field.
        """
        had = dict(request.headers).get("authorization")
        if had is None or had not in self._given:
            return None
        if had == self.header:  # else another call has renewed it already
            self.header = ...
        others = tuple(field for field in request.headers if field[0] != "authorization")
        return Request(request.method, request.origin, request.target, self.added(others), request.body)


def basic(userinfo: str) -> str:
    """The Basic credentials (RFC 7617) of a ``user:password``."""
    import binascii  # rarely needed

    return Secret("Basic " + binascii.b2a_base64(userinfo.encode(), newline=False).decode())


@without_frames
def _bearer(token: str) -> str | None:
    if not token:
        return None
    token = checked_value("the token", token)
    if not token or not token.isascii() or " " in token or "\t" in token:
        raise ValueError("the token has a character that is not allowed in a bearer token")
    return Secret(f"Bearer {token}")


def is_local(origin: Origin) -> bool:
    """Whether the origin is on this machine: a Unix socket or a loopback address."""
    return origin.socket is not None or re.fullmatch(_LOOPBACK, origin.host) is not None
