"""Header fields: those of a response as a mapping, and the checks of those that a caller sets."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from bento_proto._types import Fields

from ._redaction import secret_request_fields, secret_response_fields, without_frames

_NAME: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # RFC 9110 section 5.6.2: a token
_BEHIND: Final = r"[:=\s]"  # what is behind these in a name may be the value
_VALUE: Final = r"[\t\x20-\x7e\x80-\xff]*"  # RFC 9110 section 5.5
_TRACEPARENT: Final = r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}"
_FRAMING: Final = frozenset({"host", "content-length", "transfer-encoding", "connection"})


class Headers(Mapping[str, str]):
    """The header fields of a response: a mapping with case-insensitive names; the first one of a name counts.

    Args:
        fields: the pairs of name and value, in order. The ``repr`` of a value that may be a secret does not show it.
    """

    __slots__ = ("_first", "fields")

    def __init__(self, fields: Fields = ()) -> None:
        self.fields: Fields = secret_response_fields(fields)
        self._first: dict[str, str] = {}
        for name, value in self.fields:
            self._first.setdefault(name.lower(), value)

    def __getitem__(self, name: str) -> str:
        try:
            return self._first[name.lower()]
        except KeyError:
            raise KeyError(name) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._first)

    def __len__(self) -> int:
        return len(self._first)

    def __repr__(self) -> str:
        return f"Headers({self._first})"

    def get_all(self, name: str) -> list[str]:
        """All values of a field, in order."""
        return [value for key, value in self.fields if key.lower() == name.lower()]


@without_frames
def checked_fields(headers: Mapping[str, str] | None) -> Fields:
    """Check the header fields that a caller sets.

    Returns:
        The fields with lower-case names, and without white space around the values, which their ``repr`` does not show.

    Raises:
        TypeError: a name or a value is not a str.
        ValueError: a name or a value has characters that are not allowed, such as a line break, or the client sets the
            field itself. The message does not show the value, which may be a credential.
    """
    fields: list[tuple[str, str]] = []
    given: list[tuple[object, object]] = list((headers or {}).items())
    for name, value in given:
        if not isinstance(name, str) or not isinstance(value, str):
            raise TypeError(f"the header {name!r} must be a str with a str value")
        if not re.fullmatch(_NAME, name):
            raise ValueError(f"not a valid header name: {re.split(_BEHIND, name, maxsplit=1)[0]!r}")
        if name.lower() in _FRAMING:
            raise ValueError(f"the header {name!r} is set by the client")
        fields.append((name.lower(), checked_value(f"the header {name!r}", value)))
    return secret_request_fields(tuple(fields))


def checked_value(what: str, value: str) -> str:
    """Check a field value; returns it without the white space around it.

    Raises:
        ValueError: it has a line break or another character that is not allowed.
    """
    value = value.strip(" \t")
    if not re.fullmatch(_VALUE, value):
        raise ValueError(f"{what} has a line break or another character that is not allowed in a header field")
    return value


def trace_id(fields: Fields) -> str | None:
    """The trace id of the ``traceparent`` field (W3C Trace Context); None if there is none."""
    for name, value in fields:
        if name == "traceparent":
            found = re.match(_TRACEPARENT, value)
            return found[1] if found else None
    return None


def merged(fields: Fields, over: Fields) -> Fields:
    """The fields of both; those of ``over`` replace those of the same name."""
    if not over:
        return fields
    names = {name for name, _ in over}
    return (*(field for field in fields if field[0] not in names), *over)


def without_coding(fields: Fields) -> Fields:
    """The fields of a response whose body has been decoded, without those that speak of the encoded body."""
    return tuple(field for field in fields if field[0].lower() not in ("content-encoding", "content-length"))
