"""The decoders of a body that is one value.

A large JSON document is parsed as it comes (`DocumentParser`), and a large text decoded (`TextParser`), so that its end
does not keep an event loop waiting.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, Generic, TypeAlias, TypeVar

from bento_proto._text import pile
from bento_proto._types import JSON
from bento_proto.errors import LimitExceeded, RemoteProtocolError
from bento_proto.exchange._body import ResultKind, ended
from bento_proto.json import parse_json

from ._array_protocol import Arrays

if TYPE_CHECKING:
    from ._document import DocumentParser
    from ._text_parser import TextParser

T = TypeVar("T")

_LARGE: Final = 1 << 18  # bytes: a smaller document is parsed at once, in some milliseconds


class WholeDecoder(Generic[T]):
    """One item from the whole body.

    Args:
        parse: makes the item.
        limit: how many bytes the body may have.
        parse_large: makes the item of a JSON document that was large; None if the body is none.
        arrays: makes arrays of large lists of numbers, if such a document is an array; None to leave them lists.
        charset: that of the text, if the item is text; None if it is a document.

    Attributes:
        is_large: whether `finish` may take long, as the body is large.
        has_one_deadline: whether all of the body has the time of one receive. False unless the reader sets it.
    """

    result_kind = ResultKind.VALUE

    def __init__(
        self,
        parse: Callable[[bytes], T],
        limit: int,
        parse_large: Callable[[LargeDocument], T] | None = None,
        arrays: Arrays | None = None,
        charset: Callable[[], str] | None = None,
    ) -> None:
        self.is_large: bool = False
        self.has_one_deadline: bool = False
        self._parse = parse
        self._limit = limit
        self._parse_large = parse_large
        self._arrays = arrays
        self._charset = charset
        self._parser: DocumentParser | TextParser | None = None
        self._size = 0
        self._pieces: list[bytes] = []

    def feed(self, data: bytes, /) -> Sequence[T]:
        """Take the next bytes."""
        self._size += len(data)
        if self._size > self._limit:
            raise ended(self, LimitExceeded(f"the response is over {self._limit} bytes"))
        if self._pieces:
            pile(self._pieces, data)
        else:
            self._pieces.append(data)
        if self._parser is not None:
            self._parser.feed(data)
        elif self._size > _LARGE:
            self.is_large = True
            if self._parse_large is not None:
                self._parser = self._new_parser()
                for piece in self._pieces:
                    self._parser.feed(piece)
        return ()

    def _new_parser(self) -> DocumentParser | TextParser:
        if self._charset is not None:
            from ._text_parser import TextParser  # few are large

            return TextParser(self._charset())
        from ._document import DocumentParser

        return DocumentParser(self._arrays)

    def boundary(self) -> Sequence[T]:
        """Nothing: chunks have no meaning here."""
        return ()

    def finish(self) -> Sequence[T]:
        """The item."""
        pieces, self._pieces = self._pieces, []
        parser, self._parser = self._parser, None
        try:
            if parser is not None and self._parse_large is not None:
                return (self._parse_large(LargeDocument(pieces, parser)),)
            return (self._parse(pieces[0] if len(pieces) == 1 else b"".join(pieces)),)
        except RemoteProtocolError as exc:
            ended(self, exc)
            raise


class LargeDocument:
    """A document, or a text, whose bytes have all come.

    Args:
        pieces: its bytes.
        parser: has parsed them.
    """

    def __init__(self, pieces: list[bytes], parser: DocumentParser | TextParser) -> None:
        self._pieces = pieces
        self._parser = parser

    @property
    def data(self) -> bytes:
        """The bytes."""
        return b"".join(self._pieces)

    def text(self) -> str | None:
        """The text; None if it can't be decoded."""
        value = self._parser.finish()
        return value if isinstance(value, str) and not self._parser.is_broken else None

    def value(self) -> JSON:
        """The value of a document.

        Raises:
            RemoteProtocolError: the document is not JSON, not UTF-8, or nested too deeply.
        """
        value = self._parser.finish()
        return parse_json(self.data) if self._parser.is_broken else value


Body: TypeAlias = "bytes | LargeDocument"
"""A body that is complete."""
