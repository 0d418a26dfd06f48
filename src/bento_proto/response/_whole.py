"""The decoders of a body that is one value.

A large JSON document is parsed as it comes (`DocumentParser`), so that its end does not keep an event loop waiting.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, Generic, TypeAlias, TypeVar

from bento_proto._text import pile
from bento_proto._types import JSON
from bento_proto.errors import LimitExceeded, RemoteProtocolError
from bento_proto.exchange._body import ResultKind, ended
from bento_proto.json import parse_json

if TYPE_CHECKING:
    from ._document import Arrays, DocumentParser

T = TypeVar("T")

_LARGE: Final = 1 << 18  # bytes: a smaller document is parsed at once, in some milliseconds


class WholeDecoder(Generic[T]):
    """One item from the whole body.

    Args:
        parse: makes the item.
        limit: how many bytes the body may have.
    """

    result_kind = ResultKind.VALUE

    def __init__(self, parse: Callable[[bytes], T], limit: int) -> None:
        self._parse = parse
        self._limit = limit
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
        return ()

    def boundary(self) -> Sequence[T]:
        """Nothing: chunks have no meaning here."""
        return ()

    def finish(self) -> Sequence[T]:
        """The item."""
        pieces, self._pieces = self._pieces, []
        try:
            return (self._parse(pieces[0] if len(pieces) == 1 else b"".join(pieces)),)
        except RemoteProtocolError as exc:
            ended(self, exc)
            raise


class LargeDocument:
    """A document whose bytes have all come.

    Args:
        pieces: its bytes.
        parser: has parsed them.
    """

    def __init__(self, pieces: list[bytes], parser: DocumentParser) -> None:
        self._pieces = pieces
        self._parser = parser

    @property
    def data(self) -> bytes:
        """The bytes."""
        return b"".join(self._pieces)

    def value(self) -> JSON:
        """The value.

        Raises:
            RemoteProtocolError: the document is not JSON, not UTF-8, or nested too deeply.
        """
        value = self._parser.finish()
        return parse_json(self.data) if self._parser.is_broken else value


Body: TypeAlias = "bytes | LargeDocument"
"""A body that is complete."""


class DocumentDecoder(WholeDecoder[T]):
    """One item from a body that is a JSON document.

    Args:
        parse: makes the item of the body, or of a document that was large.
        limit: how many bytes the body may have.
        arrays: makes arrays of large lists of numbers, if the document is an array; None to leave them lists.
    """

    def __init__(self, parse: Callable[[Body], T], limit: int, arrays: Arrays | None = None) -> None:
        super().__init__(parse, limit)
        self._make = parse
        self._arrays = arrays
        self._parser: DocumentParser | None = None

    def feed(self, data: bytes, /) -> Sequence[T]:
        """Take the next bytes."""
        super().feed(data)
        if self._parser is not None:
            self._parser.feed(data)
        elif self._size > _LARGE:
            from ._document import DocumentParser  # few are large

            self._parser = DocumentParser(self._arrays)
            for piece in self._pieces:
                self._parser.feed(piece)
        return ()

    def finish(self) -> Sequence[T]:
        """The item."""
        if self._parser is None:
            return super().finish()
        document, self._pieces, self._parser = LargeDocument(self._pieces, self._parser), [], None
        try:
            return (self._make(document),)
        except RemoteProtocolError as exc:
            ended(self, exc)
            raise
