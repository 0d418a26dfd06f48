"""Bytes in, items out, under one law: any split of the bytes gives the same items.

Text and bytes are the exception that proves it: their items are whatever has arrived, so it is their sum that stays the
same. Every decoder is linear in what it is fed, and what it holds is bounded by a limit.
"""

from __future__ import annotations

import codecs
import json
import re
from typing import TYPE_CHECKING, AnyStr, Final, Generic, Protocol, TypeVar, cast

from ._errors import LimitExceeded, RemoteProtocolError
from ._json import JSON, parse_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Decoder(Protocol[T_co]):
    """What turns a body into items. Each method returns the items that it completed.

    All raise `RemoteProtocolError` when the body is not what it should be, `LimitExceeded` when it is too large; the
    items that the same bytes completed before are the error's ``items``.
    """

    def feed(self, data: bytes, /) -> Sequence[T_co]:
        """Take the next bytes."""
        ...

    def boundary(self) -> Sequence[T_co]:
        """Take note that a chunk of the chunked coding ends here, which only bare numbers need."""
        ...

    def finish(self) -> Sequence[T_co]:
        """Take note that the body is whole."""
        ...


def pile(pieces: list[AnyStr], piece: AnyStr) -> None:
    """Keep a piece of what is put together later; small ones at once, as each by itself costs more than it holds."""
    if pieces and len(pieces[-1]) < _SMALL:
        pieces[-1] += piece
    else:
        pieces.append(piece)


_SMALL: Final = 1024


class Whole(Generic[T]):
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
        pile(self._pieces, data)
        return ()

    def boundary(self) -> Sequence[T]:
        """Chunks mean nothing here."""
        return ()

    def finish(self) -> Sequence[T]:
        """The item."""
        pieces, self._pieces = self._pieces, []
        return (self._parse(pieces[0] if len(pieces) == 1 else b"".join(pieces)),)


class Raw:
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


class Text:
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


_SPACE: Final = re.compile(r"[ \t\r\n]*")
_STRUCTURE: Final = re.compile(r'["{}\[\]]')
_IN_STRING: Final = re.compile(r'["\\]')
_LITERAL: Final = re.compile(r"null|true|false|NaN|-?Infinity")
_NUMBER: Final = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_OPEN: Final = re.compile(r"-?(?:[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]*)?|[A-Za-z]{0,7})")  # that may go on
_LONGEST: Final = 5000  # characters of a number: Python reads integers of 4300
_raw_decode: Final = json.JSONDecoder().raw_decode


class JSONItems(Generic[T]):
    """JSON values that stand one behind the other with nothing, or white space, between them.

    Objects, lists, strings and ``null``, ``true``, ``false`` end by themselves. A bare number ends where anything else
    begins, at the end, or with a chunk: what a proxy merges there, nobody can tell apart.

    Args:
        convert: makes the item of the value.
        limit: the most characters that one item may have.
    """

    def __init__(self, convert: Callable[[JSON], T], limit: int) -> None:
        self._convert = convert
        self._limit = limit
        self._text = codecs.getincrementaldecoder("utf-8")()
        self._scalar = ""  # a number or literal that may go on
        self._pieces: list[str] = []  # of an object, list or string whose end has not come; the next three go with it
        self._held = 0
        self._depth = 0
        self._quoted = False
        self._escaped = False

    def feed(self, data: bytes, /) -> Sequence[T]:
        """The items that end in these bytes."""
        return self._decode(data, final=False)

    def boundary(self) -> Sequence[T]:
        """The number that ends with the chunk, if there is one."""
        if not _NUMBER.fullmatch(self._scalar):
            return ()
        text, self._scalar = self._scalar, ""
        return (self._item(text),)

    def finish(self) -> Sequence[T]:
        """The number that ends with the body; anything else that is not whole is an error."""
        items = [*self._decode(b"", final=True), *self.boundary()]
        if self._scalar or self._pieces:
            raise RemoteProtocolError("the stream ends inside an item")
        return items

    def _decode(self, data: bytes, *, final: bool) -> list[T]:
        try:
            text = self._text.decode(data, final)
        except UnicodeDecodeError as exc:
            error = RemoteProtocolError(f"the stream is not UTF-8: {exc}")
            error.items = self._take(exc.object[: exc.start].decode())
            raise error from exc
        return self._take(text)

    def _take(self, text: str) -> list[T]:
        items: list[T] = []
        try:
            self._part(text, items)
        except RemoteProtocolError as exc:
            exc.items = items
            raise
        return items

    def _part(self, text: str, items: list[T]) -> None:
        position = 0
        if self._pieces and text:
            end = self._scan(text, 0)
            self._hold(text[:end] if end >= 0 else text)
            if end < 0:
                return
            items.append(self._item("".join(self._pieces)))
            self._pieces.clear()
            position = end
        elif self._scalar:
            text, self._scalar = self._scalar + text, ""
        while (position := cast("re.Match[str]", _SPACE.match(text, position)).end()) < len(text):
            if text[position] in '{["':
                end = self._compound(text, position, items)
            else:
                end = self._bare(text, position, items)
            if end < 0:
                return
            position = end

    def _compound(self, text: str, start: int, items: list[T]) -> int:
        """Take an object, list or string; the position behind it, or -1 if its end has not come."""
        try:
            value, end = cast("tuple[JSON, int]", _raw_decode(text, start))
        except (ValueError, RecursionError) as exc:
            # Not whole, or not JSON? From here on only look for the end, so that no byte is parsed over and over.
            self._depth, self._quoted, self._escaped, self._held = 0, False, False, 0
            end = self._scan(text, start)
            self._hold(text[start:] if end < 0 else text[start:end])
            if end >= 0:
                raise RemoteProtocolError(f"an item of the stream is not JSON: {exc}") from exc
            return -1
        if end - start > self._limit:
            raise LimitExceeded(f"an item of the stream is over {self._limit} characters")
        items.append(self._convert(value))
        return end

    def _bare(self, text: str, start: int, items: list[T]) -> int:
        """Take a number or a literal; the position behind it, or -1 if it may go on."""
        literal = _LITERAL.match(text, start)
        if literal:
            items.append(self._item(literal.group()))
            return literal.end()
        found = _OPEN.fullmatch(text, start) or _NUMBER.match(text, start)
        if found is None or found.end() - start > _LONGEST:
            raise RemoteProtocolError(f"an item of the stream is not JSON: {text[start : start + 20]!r}")
        if found.end() == len(text):
            self._scalar = found.group()
            return -1
        items.append(self._item(found.group()))
        return found.end()

    def _scan(self, text: str, position: int) -> int:
        """The position behind the end of the item that is held, or -1. Goes on where it stopped."""
        if self._escaped:
            self._escaped, position = False, position + 1
        while True:
            found = (_IN_STRING if self._quoted else _STRUCTURE).search(text, position)
            if found is None:
                return -1
            mark, position = found.group(), found.end()
            if mark == "\\":
                position += 1
                if position > len(text):
                    self._escaped = True
                    return -1
                continue
            if mark == '"':
                self._quoted = not self._quoted
            else:
                self._depth += 1 if mark in "{[" else -1
            if self._depth == 0 and not self._quoted:
                return position

    def _hold(self, text: str) -> None:
        self._held += len(text)
        if self._held > self._limit:
            raise LimitExceeded(f"an item of the stream is over {self._limit} characters")
        pile(self._pieces, text)

    def _item(self, text: str) -> T:
        return self._convert(parse_json(text.encode()))
