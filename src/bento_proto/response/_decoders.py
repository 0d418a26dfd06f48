"""Bytes in, items out, under one law: any split of the bytes gives the same items.

Text and bytes are the exception that proves it: their items are whatever has arrived, so it is their sum that stays the
same. Every decoder is linear in what it is fed, and what it holds is bounded by a limit.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator, Sequence
from typing import AnyStr, Final, Generic, TypeVar

from bento_proto._errors import LimitExceeded, RemoteProtocolError

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


def pile(pieces: list[AnyStr], piece: AnyStr) -> None:
    """Keep a piece of what is put together later; small ones at once, as each by itself costs more than it holds."""
    if pieces and len(pieces[-1]) < _SMALL:
        pieces[-1] += piece
    else:
        pieces.append(piece)


_SMALL: Final = 1024


class WholeDecoder(Generic[T]):
    """One item, made of the whole body.

    Args:
        parse: makes the item.
        limit: the most bytes the body may have.
    """

    __slots__ = ("_limit", "_parse", "_pieces", "_size")

    def __init__(self, parse: Callable[[bytes], T], limit: int) -> None:
        self._parse = parse
        self._limit = limit
        self._size = 0
        self._pieces: list[bytes] = []

    def feed(self, data: bytes, /) -> Sequence[T]:
        """Keep the bytes."""
        self._size += len(data)
        if self._size > self._limit:
            raise LimitExceeded(f"the answer is over {self._limit} bytes")
        if self._pieces:
            pile(self._pieces, data)
        else:
            self._pieces.append(data)
        return ()

    def boundary(self) -> Sequence[T]:
        """Chunks mean nothing here."""
        return ()

    def finish(self) -> Sequence[T]:
        """The item."""
        pieces, self._pieces = self._pieces, []
        return (self._parse(pieces[0] if len(pieces) == 1 else b"".join(pieces)),)


class RawDecoder:
    """The bytes as they come."""

    def feed(self, data: bytes, /) -> Sequence[bytes]:
        """The bytes themselves."""
        return (data,) if data else ()

    def boundary(self) -> Sequence[bytes]:
        """Chunks mean nothing here."""
        return ()

    def finish(self) -> Sequence[bytes]:
        """Nothing is held back."""
        return ()


class TextDecoder:
    """Text as it comes; a character that is cut is held back until it is whole.

    Args:
        charset: the coding that the server declared.
    """

    def __init__(self, charset: str = "utf-8") -> None:
        self._decoder = codecs.getincrementaldecoder(charset)()

    def feed(self, data: bytes, /) -> Sequence[str]:
        """The characters that are whole."""
        return self._decode(data, final=False)

    def boundary(self) -> Sequence[str]:
        """Chunks mean nothing here: they cut characters too."""
        return ()

    def finish(self) -> Sequence[str]:
        """Whatever the coding kept; a cut character is an error."""
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
