"""Plain HTTP/1.1, as servers nearly always send it, read strictly; whatever is anything else is for h11 to judge.

Plain is a head without surprises (a final status, every line a field of printable ASCII, one length or "chunked" and
not both), and chunks without extensions and trailers. h11 takes what is refused here from its first byte on, so that
this decides nothing: a test holds both to the same verdict.
"""

from __future__ import annotations

import re

from ._messages import Chunks, Data, Head
from ._typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Final

    from ._messages import Fields

_NAME: Final = r"[-!#$%&'*+.^_`|~0-9a-zA-Z]+"
_REQUEST: Final = re.compile(
    rf"{_NAME} [\x21-\x7e]+ HTTP/1\.1\r\n(?:{_NAME}: (?:[^\0\s]+(?:[ \t]+[^\0\s]+)*)?\r\n)*", re.ASCII
)

_BLANK_LINE: Final = re.compile(rb"\n\r?\n")
_PLAIN_HEAD: Final = re.compile(
    rb"HTTP/1\.1 ([2-9][0-9]{2})(?: [\t\x20-\x7e]*)?\r\n((?:%b:[\t\x20-\x7e]*\r\n)*)\r\n" % _NAME.encode()
)
_FIELD: Final = re.compile(r"([^:]+):([^\r]*)\r\n")
_LENGTH_MOST: Final = 20  # digits
_CHUNK_HEAD: Final = re.compile(rb"([0-9A-Fa-f]{1,20})\r\n")
_CHUNK_HEAD_MOST: Final = 22
_LAST_CHUNK: Final = b"0\r\n\r\n"


def request_start(method: str, target: str, fields: Fields) -> bytes:
    """The head of a request without the empty line that ends it.

    Raises:
        ValueError: it could not be sent as it is.
    """
    lines = [f"{name}: {value}\r\n" for name, value in fields]
    head = f"{method} {target} HTTP/1.1\r\n{''.join(lines)}"
    # Each field is one line, and its name one name, or the pattern would see others than were meant.
    if not _REQUEST.fullmatch(head) or head.count("\n") != len(fields) + 1 or any(":" in name for name, _ in fields):
        raise ValueError("the request's method, target or headers can't be sent in HTTP/1.1")
    return head.encode("latin-1")


class Opening:
    """A plain head.

    Attributes:
        head: status and fields, their names in lower case.
        length: of the body; None if that comes in chunks.
        size: of the head itself.
    """

    __slots__ = ("head", "length", "size")

    def __init__(self, head: Head, length: int | None, size: int) -> None:
        self.head: Head = head
        self.length: int | None = length
        self.size: int = size


def may_become_plain(data: bytearray, seen: int) -> bool:
    """Whether these are the first bytes of a head that is not whole, and maybe plain.

    Args:
        data: what has arrived.
        seen: how much of it has been looked at before, so that single bytes don't make it quadratic.
    """
    return data.startswith(b"HTTP/1.1"[: len(data)]) and _BLANK_LINE.search(data, max(seen - 2, 0)) is None


def read_head(data: bytes) -> Opening | None:
    """The head that the data begins with, if it is whole and plain."""
    found = _PLAIN_HEAD.match(data)
    if found is None:
        return None
    fields = _FIELD.findall(found[2].decode("ascii"))
    head = Head(int(found[1]), tuple([(name.lower(), value.strip(" \t")) for name, value in fields]))
    length, coding = head.get("content-length"), head.get("transfer-encoding")
    if length is None:
        is_plain = coding == "chunked" and not head.repeats("transfer-encoding")
        return Opening(head, None, found.end()) if is_plain else None
    is_plain = (
        coding is None and length.isdigit() and len(length) <= _LENGTH_MOST and not head.repeats("content-length")
    )
    return Opening(head, int(length), found.end()) if is_plain else None


class ChunkReader:
    """Reads a body in the chunked coding.

    Attributes:
        is_over: whether the last chunk was there.
        is_broken: whether a chunk did not end as it should.
        rest: what comes after the last chunk; or else what is not plain, from the head of its chunk on, and for which
            there is to be another reader; None while neither has come.
    """

    __slots__ = ("_footer", "_held", "_left", "is_broken", "is_over", "rest")

    def __init__(self) -> None:
        self.is_over: bool = False
        self.is_broken: bool = False
        self.rest: bytes | None = None
        self._held = b""  # the beginning of a chunk's head
        self._left = 0  # how much of the chunk's data is to come
        self._footer = 0  # how many bytes of its line break are to come

    def feed(self, data: bytes) -> list[Data | Chunks]:
        """Take the next bytes; return the chunks, or parts of them, that they hold."""
        found: list[Data | Chunks] = []
        at = 0
        if self._left or self._footer:
            at = self._finish_chunk(data, found)
        elif self._held:
            data, self._held = self._held + data, b""
        pieces: list[bytes] = []
        end, size = len(data), 0
        while at < end and not self.is_broken:
            head = _CHUNK_HEAD.match(data, at)
            size = int(head[1], 16) if head is not None else 0
            if head is None or not size:
                self._take_other(data[at:])
                break
            start = head.end()
            at = start + size
            if not data.startswith(b"\r\n", at):
                at = start
                break
            pieces.append(data[start:at])
            at += 2
            size = 0
        if pieces:
            found.append(Chunks(pieces))
        if size:
            self._left, self._footer = size, 2
            self._finish_chunk(data[at:], found)
        return found

    def _finish_chunk(self, data: bytes, found: list[Data | Chunks]) -> int:
        """Take what belongs to the chunk that has begun; return how much it was."""
        piece = data[: self._left]
        if piece:
            self._left -= len(piece)
            found.append(Data(piece, not self._left))
        at = len(piece)
        if not self._left:
            footer = data[at : at + self._footer]
            self.is_broken = not b"\r\n"[2 - self._footer :].startswith(footer)
            self._footer -= len(footer)
            at += len(footer)
        return at

    def _take_other(self, data: bytes) -> None:
        """Take what is no whole head of a chunk with data."""
        if data.startswith(_LAST_CHUNK):
            self.is_over, self.rest = True, data[len(_LAST_CHUNK) :]
        elif _LAST_CHUNK.startswith(data) or (len(data) < _CHUNK_HEAD_MOST and b"\n" not in data):
            self._held = data
        else:
            self.rest = data
