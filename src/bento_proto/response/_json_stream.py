"""The decoder for streams of JSON values."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, Generic, TypeVar, cast

from bento_proto._text import pile
from bento_proto._types import JSON
from bento_proto.errors import LimitExceeded, RemoteProtocolError
from bento_proto.exchange._body import LargeItem, ResultKind, ended
from bento_proto.json import parse_json

T = TypeVar("T")

_SPACE: Final = re.compile(r"[ \t\r\n]*")
_STRUCTURE: Final = re.compile(r'["{}\[\]]')
_IN_STRING: Final = re.compile(r'["\\]')
_LITERAL: Final = re.compile(r"null|true|false|NaN|-?Infinity")
_NUMBER: Final = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_OPEN: Final = re.compile(
    r"-?(?:[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]*)?|[A-Za-z]{0,7})"
)  # a prefix that more characters may continue
_LARGE: Final = 1 << 18  # characters: a smaller item is converted at once
_STEP: Final = 1 << 16  # bytes of it that are parsed at a time
_LONGEST: Final = 5000  # characters of a number: Python reads integers of 4300
_raw_decode: Final = json.JSONDecoder().raw_decode


class JSONStreamDecoder(Generic[T]):
    """JSON values with nothing, or white space, between them.

    Objects, lists, strings and ``null``, ``true``, ``false`` delimit themselves. A bare number ends where anything else
    begins, at the end of the body, or with a chunk. Numbers whose chunks a proxy merges can't be told apart.

    Args:
        convert: makes the item of the value.
        limit: how many characters one item may have.
        renew: makes `convert` anew for each piece of the stream, as it limits what comes of one; None for never.
    """

    result_kind = ResultKind.ITEMS

    def __init__(
        self, convert: Callable[[JSON], T], limit: int, renew: Callable[[], Callable[[JSON], T]] | None = None
    ) -> None:
        self._convert = convert
        self._renew = renew
        self._limit = limit
        self._defers = False
        self._text = codecs.getincrementaldecoder("utf-8")()
        self._scalar = ""  # a number or literal that may continue
        self._pieces: list[str] = []  # of an incomplete object, list or string; the next four describe it
        self._held = 0
        self._depth = 0
        self._quoted = False
        self._escaped = False

    def defer(self) -> None:
        """Return a `LargeItem` in place of each item of more than 256 KiB."""
        self._defers = True

    def feed(self, data: bytes, /) -> Sequence[T]:
        """The items that these bytes complete."""
        return self._decode(data, final=False)

    def boundary(self) -> Sequence[T]:
        """The number that ends with the chunk, if there is one."""
        if not _NUMBER.fullmatch(self._scalar):
            return ()
        text, self._scalar = self._scalar, ""
        try:
            return (self._item(text),)
        except RemoteProtocolError as exc:
            ended(self, exc)
            raise

    def finish(self) -> Sequence[T]:
        """The number that ends with the body; any other incomplete item is an error."""
        items = [*self._decode(b"", final=True), *self.boundary()]
        if self._scalar or self._pieces:
            raise ended(self, RemoteProtocolError("the stream ends inside an item"))
        return items

    def _decode(self, data: bytes, *, final: bool) -> list[T]:
        try:
            text = self._text.decode(data, final)
        except UnicodeDecodeError as exc:
            error = RemoteProtocolError(f"the stream is not UTF-8: {exc}")
            error.items = self._take(exc.object[: exc.start].decode())
            raise ended(self, error) from exc
        return self._take(text)

    def _take(self, text: str) -> list[T]:
        items: list[T] = []
        if self._renew is not None:
            self._convert = self._renew()
        try:
            self._part(text, items)
        except RemoteProtocolError as exc:
            exc.items = items
            ended(self, exc)
            raise
        return items

    def _part(self, text: str, items: list[T]) -> None:
        position = 0
        if self._pieces and text:
            end = self._scan(text, 0)
            self._hold(text[:end] if end >= 0 else text)
            if end < 0:
                return
            whole = "".join(self._pieces)
            if self._defers and len(whole) > _LARGE:
                items.append(cast("T", LargeItem(partial(_large_item, self._convert, whole))))
            else:
                items.append(self._item(whole))
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
        """Take an object, list or string; return the position behind it, or -1 if it is incomplete."""
        try:
            value, end = cast("tuple[JSON, int]", _raw_decode(text, start))
        except (ValueError, RecursionError) as exc:
            # Incomplete, or not JSON? Only search for the end from here on, so that no byte is parsed repeatedly.
            self._depth, self._quoted, self._escaped, self._held = 0, False, False, 0
            end = self._scan(text, start)
            self._hold(text[start:] if end < 0 else text[start:end])
            if end >= 0:
                raise RemoteProtocolError(f"an item of the stream is not JSON: {exc}") from exc
            return -1
        if end - start > self._limit:
            raise LimitExceeded(f"an item of the stream is over {self._limit} characters")
        if self._defers and end - start > _LARGE:
            items.append(cast("T", LargeItem(partial(self._convert, value))))
        else:
            items.append(self._convert(value))
        return end

    def _bare(self, text: str, start: int, items: list[T]) -> int:
        """Take a number or a literal; return the position behind it, or -1 if it may continue."""
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
        """The position behind the end of the incomplete item, or -1. It continues where it stopped."""
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


def _large_item(convert: Callable[[JSON], T], text: str) -> T:
    """An item, parsed in steps, so that other threads have their turn."""
    from ._document import DocumentParser
    from ._whole import LargeDocument

    data, parser = text.encode(), DocumentParser()
    for start in range(0, len(data), _STEP):
        parser.feed(data[start : start + _STEP])
    return convert(LargeDocument([data], parser).value())
