"""Text as lines, however it is cut."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bento_proto.errors import LimitExceeded


class LineSplitter:
    """Splits text into lines, which end with LF, CR LF or CR and come without that.

    Args:
        limit: how many characters a line may have.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._pieces: list[str] = []  # of the line that is not complete
        self._size = 0
        self._after_cr = False

    def feed(self, text: str) -> Iterator[str]:
        """The lines that a piece of text completes.

        Raises:
            LimitExceeded: a line is over the limit.
        """
        if self._after_cr and text:
            text, self._after_cr = text.removeprefix("\n"), False
        self._after_cr = self._after_cr or text.endswith("\r")
        first, *others = re.split("\r\n|\r|\n", text)
        self._add(first)
        for line in others:
            yield "".join(self._pieces)
            self._pieces, self._size = [], 0
            self._add(line)

    def finish(self) -> Iterator[str]:
        """The last line, if nothing ended it."""
        if self._size:
            yield "".join(self._pieces)

    def _add(self, piece: str) -> None:
        self._size += len(piece)
        if self._size > self._limit:
            raise LimitExceeded(f"a line of the response is over {self._limit} characters")
        if piece:
            self._pieces.append(piece)
