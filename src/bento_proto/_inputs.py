"""Files as a caller gives them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO


class File(NamedTuple):
    """A file argument with a name or a media type of the caller's choice.

    Wherever an endpoint takes a file, it also takes the content alone: a path, an open binary file, bytes, a Pillow
    image, or the ``http(s)://`` URL of a file, which the server fetches.

    Attributes:
        content: a path, an open binary file, or bytes.
        name: the file name that the server sees; by default the file's own.
        content_type: its media type; by default guessed from the name.
    """

    content: str | Path | BinaryIO | bytes
    name: str | None = None
    content_type: str | None = None
