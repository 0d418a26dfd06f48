"""Type aliases of all sub-packages."""

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
"""A parsed JSON document. ``NaN`` and the infinities are allowed, as BentoML sends them."""

Value: TypeAlias = Any
"""An argument or a result of an endpoint. Only the Service knows its type, so it is `Any` to type checkers."""

Fields: TypeAlias = tuple[tuple[str, str], ...]
"""Header fields in order, as pairs of name and value; a name may occur several times."""
