"""Media types and file name suffixes by Python's own table, which is the same on every system."""

from __future__ import annotations

from functools import cache
from mimetypes import MimeTypes

# Python's table has no suffix for these, or not the usual one.
_SUFFIXES = {"application/octet-stream": ".bin", "image/jpeg": ".jpg", "audio/mp3": ".mp3"}
_COMPRESSED = {"gzip": "application/gzip", "bzip2": "application/x-bzip2", "xz": "application/x-xz"}


@cache
def _table() -> MimeTypes:
    return MimeTypes()  # without the system's files


def guess_type(name: str) -> str | None:
    """The media type of a file with this name, or None."""
    media_type, coding = _table().guess_type(name)
    return _COMPRESSED.get(coding or "", media_type)


def guess_suffix(media_type: str) -> str:
    """The suffix of a file of this media type; empty if there is none."""
    return _SUFFIXES.get(media_type) or _table().guess_extension(media_type) or ""
