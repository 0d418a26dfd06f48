"""Media types and suffixes, by Python's own table and not the system's: they are the same everywhere."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mimetypes import MimeTypes


@cache
def types() -> MimeTypes:
    """The table, loaded with the first file."""
    from mimetypes import MimeTypes

    return MimeTypes()
