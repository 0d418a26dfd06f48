"""Aliases that every part of the protocol uses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ForwardRef, TypeAlias, Union

if TYPE_CHECKING:
    JSON: TypeAlias = bool | int | float | str | list["JSON"] | dict[str, "JSON"] | None
else:  # the references name this module, so that `typing.get_type_hints` finds them from anywhere
    JSON = Union[  # noqa: UP007 - `|` takes no forward references
        bool,
        int,
        float,
        str,
        ForwardRef("list[JSON]", module=__name__),
        ForwardRef("dict[str, JSON]", module=__name__),
        None,
    ]
"""What a JSON document can be in Python. ``NaN`` and the infinities are allowed, as BentoML sends them."""

Value: TypeAlias = Any
"""What an endpoint takes or returns: only the Service knows its type, so the type checker lets the caller decide."""

Fields: TypeAlias = tuple[tuple[str, str], ...]
"""Header fields in order; a name may stand several times."""
