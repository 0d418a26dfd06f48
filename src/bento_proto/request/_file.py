"""A file argument with a name or a media type of the caller's choice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from bento_proto import request
from bento_proto._frozen import Frozen
from bento_proto._guesses import OF_FILES


class File(Frozen):
    """A file argument with a name or a media type of the caller's choice.

    A file parameter also accepts the content alone: a path, an open binary file, bytes, a Pillow image, or the
    ``http(s)://`` URL of a file, which the server fetches.

    Attributes:
        content: a path, an open binary file, bytes, or a Pillow image.
        name: the file name that is sent; by default that of the file.
        content_type: the media type; by default guessed from the name.
    """

    content: request.FileContent
    name: str | None = None
    content_type: str | None = None
    _guesses: ClassVar[Mapping[str, str]] = OF_FILES
