"""Decoders: bytes in, items out. Any split of the bytes gives the same items.

The items of text and bytes are whatever was received, so for these the concatenation is the same. Every decoder takes
linear time, and holds a bounded number of bytes.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator, Sequence
from typing import AnyStr, Final, Generic, TypeVar

from bento_proto._errors import LimitExceeded, RemoteProtocolError

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


def pile(pieces: list[AnyStr], piece: AnyStr) -> None:
    """Append a piece to a list to be joined later. Small ones are joined at once, to save memory."""
    if pieces and len(pieces[-1]) < _SMALL:
        pieces[-1] += piece
    else:
        pieces.append(piece)


_SMALL: Final = 1024


class WholeDecoder(Generic[T]):
    """One item from the whole body.

    Args:
        parse: makes the item.
        limit: how many bytes the body may have.
    """

    __slots__ = ("_limit", "_parse", "_pieces", "_size")

    def __init__(self, parse: Callable[[bytes], T], limit: int) -> None:
        self._parse = parse
        self._limit = limit
        self._size = 0
        self._pieces: list[bytes] = []

    def feed(self, data: bytes, /) -> Sequence[T]:
        """Take the next bytes."""
        self._size += len(data)
        if self._size > self._limit:
            raise LimitExceeded(f"the response is over {self._limit} bytes")
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
        return (self._parse(pieces[0] if len(pieces) == 1 else b"".join(pieces)),)


class RawDecoder:
    """The bytes as they are received."""

    def feed(self, data: bytes, /) -> Sequence[bytes]:
        """The bytes themselves."""
        return (data,) if data else ()

    def boundary(self) -> Sequence[bytes]:
        """Nothing: chunks have no meaning here."""
        return ()

    def finish(self) -> Sequence[bytes]:
        """Nothing: no bytes are held back."""
        return ()


class TextDecoder:
    """Text as it is received. The bytes of an incomplete character are held back until the rest comes.

    Args:
        charset: the charset that the server declared.
    """

    def __init__(self, charset: str = "utf-8") -> None:
        self._decoder = codecs.getincrementaldecoder(charset)()

    def feed(self, data: bytes, /) -> Sequence[str]:
        """The complete characters."""
        return self._decode(data, final=False)

    def boundary(self) -> Sequence[str]:
        """Nothing: chunks may end inside a character."""
        return ()

    def finish(self) -> Sequence[str]:
        """What the charset held back; an incomplete character is an error."""
        return self._decode(b"", final=True)

    def _decode(self, data: bytes, *, final: bool) -> Sequence[str]:
        before = self._decoder.getstate()
        try:
            text = self._decoder.decode(data, final)
        except UnicodeError as exc:
            error = RemoteProtocolError(f"the stream's text can't be decoded: {exc}")
            error.body = data
            self._decoder.setstate(before)
            error.items = tuple(self._good(data))
            raise error from exc
        return (text,) if text else ()

    def _good(self, data: bytes) -> Iterator[str]:
        """The characters before the fault."""
        try:
            for number in range(len(data)):
                yield from self._decoder.decode(data[number : number + 1])
        except UnicodeError:
            return
