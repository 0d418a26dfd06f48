"""Redaction of requests and responses: values that may be credentials are replaced."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from bento_proto._types import Fields

REDACTED: Final = "REDACTED"
# Fields of a caller may hold credentials under any name; these are known not to.
HARMLESS: Final = frozenset({"accept", "accept-encoding", "content-type", "traceparent", "tracestate", "user-agent"})
SECRET: Final = re.compile("auth|cookie|credential|key|passw|secret|session|sig|token")
_SHOWN_QUERY: Final = frozenset({"task_id"})


def shown(fields: Fields) -> Fields:
    """The header fields of a request, redacted."""
    return tuple((name, value if name in HARMLESS else REDACTED) for name, value in fields)


def shown_target(target: str) -> str:
    path, mark, query = target.partition("?")
    return path + mark + _query(query)


def _query(query: str) -> str:
    return "&".join(_field(*field.partition("=")) for field in query.split("&") if field)


def _field(name: str, equals: str, value: str) -> str:
    return name + equals + (value if name in _SHOWN_QUERY or not value else REDACTED)


def shown_value(name: str, value: str) -> str:
    if SECRET.search(name):
        return REDACTED
    return _location(value) if name in ("location", "content-location", "link", "refresh") else value


def _location(value: str) -> str:
    from urllib.parse import SplitResult, urlsplit  # rarely needed

    try:
        parts = urlsplit(value)
    except ValueError:
        return REDACTED
    host = parts.netloc.rpartition("@")[2]
    return SplitResult(parts.scheme, host, parts.path, _query(parts.query), "").geturl()
