"""The credential of a client and the origin that it is sent to."""

from __future__ import annotations

import re
import sys
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

    Raises:
        ValueError: the token has characters that are not allowed in a header field.
    """

    def __init__(self, base: BaseURL, token: str | Callable[[], str] | None, environ: Mapping[str, str]) -> None:
        self._ask = token if callable(token) else None
        self._header: str | None = None
        self._given: tuple[str | None, ...] = ()
        self._added: tuple[Fields, str | None, Fields] = ((), None, ())  # the last arguments and result of `added`
        if token is None and base.userinfo is not None:
            self._header = basic(base.userinfo)
        elif not callable(token):
            if token is None and (base.origin.scheme == "https" or is_local(base.origin)):
                token = environ.get(TOKEN_VARIABLE)
            self._header = _bearer(token or "")

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
        header = self._header  # read once: another thread may renew it
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
        """The request with a new token, after a 401; None if its token was not the function's.

        Raises:
            ValueError: the function's token has characters that are not allowed in a header field.
        """
        had = dict(request.headers).get("authorization")
        if had is None or had not in self._given:
            return None
        if had == self._header:  # else another call has renewed it already
            self._header = None
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
