"""The credential of a client and the origin that it is sent to."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Mapping
from types import CoroutineType, EllipsisType
from typing import TYPE_CHECKING, cast

from ._headers import checked_fields, checked_value, merged
from ._messages import Request
from ._redaction import Secret, without_frames
from ._url import is_ipv4

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final

    from bento_proto._types import Fields

    from ._auth_request import Auth, AuthRequest
    from ._messages import Origin
    from ._url import BaseURL

TOKEN_VARIABLE: Final = "BENTO_CLOUD_API_KEY"  # noqa: S105 - the name of a variable
"""The environment variable of the token, as for BentoML's clients."""

_REMEMBERED: Final = 9  # tokens of the function; a request under way may have an older one


class Credential:
    """The credential of one client, which is sent to the origin of its Service only.

    Args:
        base: the base URL; a ``user:password`` in it is used for Basic authentication.
        token: the bearer token, or a function that returns it; an empty one means none, not even the environment's.
        environ: the environment variables. ``BENTO_CLOUD_API_KEY`` is used if there is neither token nor userinfo; as
            it was not given for this origin in particular, over https and to this machine only.
        auth: returns the header fields to add to a request; the environment's token is not used then.
        asynchronous: whether these functions may be async.

    Attributes:
        header: the value of the Authorization field; None for none, ``...`` while the token function is to be asked.
        is_deferred: whether requests are made without the credential, and `authorized` one by one.

    Raises:
        TypeError: a function is async, and may not be; or ``auth`` is no function.
        ValueError: the token has characters that are not allowed in a header field.
    """

    def __init__(
        self,
        base: BaseURL,
        token: str | Callable[[], str | Awaitable[str]] | None,
        environ: Mapping[str, str],
        auth: Auth | None = None,
        *,
        asynchronous: bool = False,
    ) -> None:
        self._ask = token if callable(token) else None
        self._is_async = callable(token) and _is_async(token)
        if not asynchronous and (self._is_async or (callable(auth) and _is_async(auth))):
            name = "token" if self._is_async else "auth"
            raise TypeError(f"{name}= is an async function, which only an AsyncHTTPClient can await: give a plain one")
        if auth is not None and not callable(auth):
            raise TypeError(
                f"auth= must be a function that returns headers, not {type(auth).__name__}; a user and password are "
                "given in the URL, a bearer token as token="
            )
        self._auth = auth
        self._is_asynchronous = asynchronous
        self.is_deferred: bool = self._is_async or auth is not None
        self._origin = base.origin
        self.header: str | EllipsisType | None = None if self._ask is None else ...
        self._given: tuple[str | None, ...] = ()
        if token is None and base.userinfo is not None:
            self.header = basic(base.userinfo)
        elif not callable(token):
            if token is None and auth is None and (base.origin.scheme == "https" or is_local(base.origin)):
                token = environ.get(TOKEN_VARIABLE)
            self.header = _bearer(token or "")

    def __getstate__(self) -> dict[str, object]:
        """The state to pickle, with the token.

        Raises:
            TypeError: a function can't be pickled.
        """
        for name, function, other in (("token", self._ask, ", or give the token itself"), ("auth", self._auth, "")):
            if function is not None and "cloudpickle" not in sys.modules:  # cloudpickle can pickle any function
                import pickle

                try:
                    pickle.dumps(function)
                except Exception as exc:
                    raise TypeError(
                        f"the {name} is a function that can't be pickled ({exc}): define it at the top of a module"
                        + other
                    ) from exc
        return self.__dict__

    def added(self, headers: Fields) -> Fields:
        """The fields with the Authorization added, unless the caller has set one; calls the token function at first.

        An async function is not called here but by `authorized`.

        Raises:
            TypeError: the function returned no text.
            ValueError: the function's token has characters that are not allowed in a header field.
        """
        header = self.header  # read once: another thread may renew it
        if isinstance(header, EllipsisType):
            if self._is_async:
                return headers
            header = self._keep(self._ask() if self._ask is not None else "")
        if header is None or any(name == "authorization" for name, _ in headers):
            return headers
        return (*headers, ("authorization", header))

    @without_frames
    def _keep(self, token: object) -> str | None:
        header = _bearer(token)
        self.header = header or ...
        self._given = (*self._given[-_REMEMBERED:], header)
        return header

    async def authorized(self, request: Request, was_refused: bool = False) -> Request:
        """The request with what the functions return, unless it goes to another origin.

        The async token function is awaited at first, and after a 401; ``auth`` is called each time.

        Args:
            request: the request.
            was_refused: whether the server has just refused the same request, with status 401.

        Raises:
            TypeError: a function returned something else than it should.
            ValueError: a function returned what is not allowed in a header field.
        """
        if request.origin != self._origin:
            return request
        if isinstance(self.header, EllipsisType) and self._is_async:
            self._keep(await cast("Callable[[], Awaitable[str]]", self._ask)())
        headers = self.added(request.headers)
        authorized = Request(request.method, request.origin, request.target, headers, request.body)
        if self._auth is not None:
            from ._auth_request import AuthRequest

            seen = AuthRequest.of(authorized, was_refused)
            # Not a local variable, which reports of errors would show.
            authorized.headers = merged(headers, _fields(await self._returned(self._auth, seen)))
        return authorized

    async def _returned(self, auth: Auth, request: AuthRequest) -> object:
        found: object = auth(request)
        return (
            await cast("Awaitable[object]", found) if self._is_asynchronous and isinstance(found, Awaitable) else found
        )

    def renewed(self, request: Request, sent: Request | None = None) -> Request | None:
        """The request to send after a 401, with a new token; None if nothing of the credential can be renewed.

        Args:
            request: the request.
            sent: the request as it was sent, if that is another.

        Raises:
            TypeError: the function returned no text.
            ValueError: the function's token has characters that are not allowed in a header field.
        """
        had = dict((sent or request).headers).get("authorization")
        if had is None or had not in self._given:
            return None if self._auth is None else request
        if had == self.header:  # else another call has renewed it already
            self.header = ...
        others = tuple(field for field in request.headers if field[0] != "authorization")
        return Request(request.method, request.origin, request.target, self.added(others), request.body)


def basic(userinfo: str) -> str:
    """The Basic credentials (RFC 7617) of a ``user:password``."""
    import binascii  # rarely needed

    return Secret("Basic " + binascii.b2a_base64(userinfo.encode(), newline=False).decode())


def _is_async(function: object) -> bool:
    """Whether a function, a ``partial`` of one, or the ``__call__`` of an object is declared with ``async def``."""
    from inspect import iscoroutinefunction  # slow to import, and few tokens are functions

    return iscoroutinefunction(function) or iscoroutinefunction(getattr(function, "__call__", None))  # noqa: B004


@without_frames
def _fields(found: object) -> Fields:
    if not isinstance(found, Mapping):
        raise TypeError(f"auth= must return a mapping of headers, not {_kind(found)}")
    return checked_fields(cast("Mapping[str, str]", found))


def _kind(found: object) -> str:
    """The type of what a function returned; what should have been awaited is closed."""
    kind = type(found).__name__
    if isinstance(found, CoroutineType):
        cast("CoroutineType[object, object, object]", found).close()
    return kind


@without_frames
def _bearer(token: object) -> str | None:
    if not isinstance(token, str):
        raise TypeError(
            f"the token function returned no str but {_kind(token)}; a function for an AsyncHTTPClient that returns an "
            "awaitable is declared with async def"
        )
    if not token:
        return None
    token = checked_value("the token", token)
    if not token or not token.isascii() or " " in token or "\t" in token:
        raise ValueError("the token has a character that is not allowed in a bearer token")
    return Secret(f"Bearer {token}")


def is_local(origin: Origin) -> bool:
    """Whether the origin is on this machine: a Unix socket or a loopback address."""
    host = origin.host
    is_loopback = host in ("localhost", "::1") or (host.startswith("127.") and is_ipv4(host))
    return origin.socket is not None or is_loopback
