"""What is a secret, and how it is hidden: one rule for header fields, URLs, logs, traces, recordings and ``repr``.

- A field that a caller sends is a secret, whatever its name, unless the name is one of `HARMLESS`.
- A field of a response is a secret if `is_secret` says so of its name.
- In a URL, user and password, the parameters of a path, the values of a query and the fragment are secrets, whichever
  field the URL stands in.

A secret that is kept to be sent is a `Secret`, a `SecretURL` or `SecretBytes`. Its ``repr``, which tools show of local
variables, does not contain it, however deep in containers it is; its value is the original one.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Final, ParamSpec, SupportsIndex, TypeVar, overload

if TYPE_CHECKING:
    from bento_proto._types import Fields

P = ParamSpec("P")
R = TypeVar("R")

REDACTED: Final = "REDACTED"
# Fields of a caller may hold credentials under any name; these are known not to.
HARMLESS: Final = frozenset({"accept", "accept-encoding", "content-type", "traceparent", "tracestate", "user-agent"})
_NAMES: Final = "auth|bearer|cookie|credential|csrf|jwt|key|passw|private|secret|session|sig|ticket|token|xsrf"
_HOLD_URLS: Final = frozenset({"content-location", "link", "location", "refresh"})
_SHOWN_QUERY: Final = frozenset({"limit", "offset", "page", "task_id"})
_FLAG: Final = r"[A-Za-z_-]{0,16}"  # a field of a query without a value; a longer one may be a token
_PARAMETER: Final = r"""(?x) (?P<parameter> ; [^;=/?\#\s<>"]* =) [^;/?\#\s<>"]*"""
_IN_URL: Final = rf"""{_PARAMETER}
    | (?P<slashes> [/\\]{{2}}) (?P<authority> [^/?\#\s<>"]*)  # with or without an @: the text is scanned once
    | \? (?P<query> [^\#\s<>"]*)
    | \# [^\s<>"]*
"""


class Secret(str):
    """Text that its ``repr`` does not show. Its ``str`` is the text itself."""

    __slots__ = ()

    def __repr__(self) -> str:
        return repr(REDACTED)

    def __getitem__(
        self, index: SupportsIndex | slice[SupportsIndex | None]
    ) -> Secret:  # some tools show the beginning of a long text
        return Secret(super().__getitem__(index))


class SecretURL(Secret):
    """A URL whose ``repr`` shows none of the secrets in it."""

    __slots__ = ()

    def __repr__(self) -> str:
        return repr(_redacted_location(str(self)))


class SecretBytes(bytes):
    """Bytes that their ``repr`` does not show, such as the head of a request."""

    __slots__ = ()

    def __repr__(self) -> str:
        return repr(REDACTED.encode())

    @overload
    def __getitem__(self, index: SupportsIndex) -> int: ...
    @overload
    def __getitem__(self, index: slice[SupportsIndex | None]) -> bytes: ...
    def __getitem__(self, index: SupportsIndex | slice[SupportsIndex | None]) -> int | bytes:
        found = super().__getitem__(index)
        return SecretBytes(found) if isinstance(found, bytes) else found


def without_frames(function: Callable[P, R]) -> Callable[P, R]:
    """Decorate a function that takes secrets as its caller has them: the tracebacks of its exceptions begin outside.

    Else its local variables, and those of what it calls, would show them to whatever reports an exception.
    """

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        handled = sys.exc_info()[1]
        try:
            return function(*args, **kwargs)
        except Exception as exc:  # noqa: BLE001 - raised again
            forget_frames(exc, handled)
            del args, kwargs, handled
            raise exc.with_traceback(None)  # noqa: B904 - it is the same exception

    return call


def forget_frames(error: BaseException, handled: BaseException | None = None) -> None:
    """Remove the tracebacks of an exception, of its causes and contexts, and the contexts that are suppressed.

    Args:
        error: the exception.
        handled: what was being handled before it could be raised, which is the caller's, and keeps its traceback.
    """
    waiting, seen = [error], {id(handled)}
    while waiting:
        each = waiting.pop()
        seen.add(id(each))
        each.__traceback__ = None
        if each.__suppress_context__:
            each.__context__ = None
        others = (each.__cause__, each.__context__)
        waiting += [other for other in others if other is not None and id(other) not in seen]


def is_secret(name: str) -> bool:
    """Whether the value of a field of that name, in a response, may be a secret."""
    return re.search(_NAMES, name.lower()) is not None


def secret_request_fields(fields: Fields) -> Fields:
    """The header fields of a request, with `Secret` values; names are in lower case."""
    return tuple((name, value if name in HARMLESS else Secret(value)) for name, value in fields)


def redacted_request_fields(fields: Fields) -> Fields:
    """The header fields of a request, redacted; names are in lower case."""
    return tuple((name, value if name in HARMLESS else REDACTED) for name, value in fields)


def secret_response_fields(fields: Fields) -> Fields:
    """The header fields of a response; those that are secrets, or hold URLs, have values of `Secret`."""
    return tuple((name, secret_response_value(name.lower(), value)) for name, value in fields)


def secret_response_value(name: str, value: str) -> str:
    """The value of a response's field, a `Secret` if it is one or holds URLs; the name is in lower case."""
    if isinstance(value, Secret):
        return value
    if is_secret(name):
        return Secret(value)
    return SecretURL(value) if _may_hold_urls(name, value) else value


def _may_hold_urls(name: str, value: str) -> bool:
    """Whether a value may be, or contain, a URL, with or without scheme and host."""
    return name in _HOLD_URLS or "//" in value or (value.startswith(("/", "?", ".")) and "=" in value)


def redacted_response_fields(fields: Fields) -> Fields:
    """The header fields of a response, redacted."""
    return tuple((name, _redacted_value(name.lower(), value)) for name, value in fields)


def _redacted_value(name: str, value: str) -> str:
    if is_secret(name):
        return REDACTED
    return _redacted_location(value) if _may_hold_urls(name, value) else value


def _redacted_location(value: str) -> str:
    """A value that should hold URLs, redacted: all of it if it is malformed."""
    from urllib.parse import urlsplit  # rarely needed

    try:
        urlsplit(value)
    except ValueError:
        return REDACTED
    return redacted_urls(value)


def redacted_urls(text: str) -> str:
    """A URL, a part of one that begins with its path, or a text with several, redacted."""
    return re.sub(_IN_URL, _redacted_part, text)


def _redacted_part(found: re.Match[str]) -> str:
    slashes, parameter, query = found["slashes"], found["parameter"], found["query"]
    if slashes:  # then user and password are before the last @
        return slashes + re.sub(_PARAMETER, rf"\g<parameter>{REDACTED}", found["authority"].rpartition("@")[2])
    if query is not None:
        return "?" + "&".join(_redacted_field(*field.partition("=")) for field in re.split("[&;]", query) if field)
    return parameter + REDACTED if parameter else ""


def _redacted_field(name: str, equals: str, value: str) -> str:
    if not value:
        return name + equals if re.fullmatch(_FLAG, name) else REDACTED
    return name + equals + (value if name in _SHOWN_QUERY else REDACTED)
