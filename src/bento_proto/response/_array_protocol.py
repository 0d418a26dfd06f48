"""What the parser of a large document asks of arrays."""

from __future__ import annotations

from typing import Protocol

from bento_proto._types import JSON


class Arrays(Protocol):
    """Makes an array of a large list of numbers while the list is parsed.

    Each method raises `ValueError` or `TypeError` if the elements are not numbers, or make no array.
    """

    def parse(self, text: str, /) -> object:
        """An array of the elements of a JSON array."""
        ...

    def make(self, elements: list[JSON], /) -> object:
        """An array of elements, some of which may be arrays."""
        ...

    def join(self, arrays: list[object], /) -> object:
        """One array of the elements of several."""
        ...
