"""A large text, decoded while it comes, so that its end does not keep an event loop waiting."""

from __future__ import annotations

import codecs

from bento_proto._text import pile


class TextParser:
    """Decodes a text.

    Args:
        charset: its charset.

    Attributes:
        is_broken: whether the text can't be decoded.
    """

    def __init__(self, charset: str) -> None:
        self.is_broken: bool = False
        self._decoder = codecs.getincrementaldecoder(charset)()
        self._pieces: list[str] = []

    def feed(self, data: bytes, /, *, final: bool = False) -> None:
        """Take the next bytes."""
        if not self.is_broken:
            try:
                pile(self._pieces, self._decoder.decode(data, final))
            except UnicodeError:
                self.is_broken = True

    def finish(self) -> str:
        """The text, unless it is broken."""
        self.feed(b"", final=True)
        return "".join(self._pieces)
