"""Type aliases of all sub-packages, and the check of a type that an annotation promises."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeAlias, cast

if TYPE_CHECKING:
    JSON: TypeAlias = bool | int | float | str | list["JSON"] | dict[str, "JSON"] | None
else:  # without a reference to itself, which `typing` would have to compile at import and to look up in this module
    JSON = bool | int | float | str | list[object] | dict[str, object] | None
"""A parsed JSON document. ``NaN`` and the infinities are allowed, as BentoML sends them."""

Value: TypeAlias = Any
"""An argument or a result of an endpoint. Only the Service knows its type, so it is `Any` to type checkers."""

Fields: TypeAlias = tuple[tuple[str, str], ...]
"""Header fields in order, as pairs of name and value; a name may occur several times."""

ASGIApplication: TypeAlias = Callable[..., Awaitable[None]]
"""An ASGI 3 application: called with scope, receive and send."""


def is_a(value: object, *kinds: type) -> bool:
    """`isinstance` for an argument whose declared type says so, and whose caller may not."""
    return isinstance(value, kinds)


def as_bytes(data: object) -> bytes | None:
    """A copy of the bytes of any buffer whose type stands for bytes; None for anything else, and for a released one."""
    if not isinstance(data, (bytes, bytearray, memoryview)):
        return None
    try:
        return bytes(cast("bytes", data))
    except ValueError:  # a view that was released
        return None


def as_view(data: object) -> memoryview | None:
    """A view of these bytes, or of a copy if the buffer has items of another size; None as for `as_bytes`."""
    if isinstance(data, (bytes, bytearray, memoryview)):
        with suppress(ValueError):
            view = memoryview(cast("bytes", data))
            is_plain = view.ndim == 1 and view.itemsize == 1 and view.c_contiguous
            return view if is_plain else memoryview(view.tobytes())
    return None
