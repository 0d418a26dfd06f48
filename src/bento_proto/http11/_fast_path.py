"""The usual form of HTTP/1.1 responses, parsed strictly. Anything else is left to h11.

The usual form is a head with a final status, fields of printable ASCII, and either one Content-Length or "chunked", and
chunks without extensions and trailers. What is not of that form is given to h11 from its first byte on, so nothing is
rejected here: tests hold both parsers to the same result.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bento_proto._text import one_line
from bento_proto.errors import LocalProtocolError
from bento_proto.http._messages import Chunks, Data, Head
from bento_proto.http._redaction import SecretBytes, secret_response_value

if TYPE_CHECKING:
    from typing import Final

    from bento_proto._types import Fields
    from bento_proto.http._messages import Request
    from bento_proto.http._proxy import Proxy

_NAME: Final = r"[-!#$%&'*+.^_`|~0-9a-zA-Z]+"
_REQUEST: Final = re.compile(
    rf"{_NAME} [\x21-\x7e]+ HTTP/1\.1\r\n(?:{_NAME}: (?:[^\0\s]+(?:[ \t]+[^\0\s]+)*)?\r\n)*", re.ASCII
)

_BLANK_LINE: Final = re.compile(rb"\n\r?\n")
_STATUS: Final = r"HTTP/1\.1 ([2-9][0-9]{2})(?: [\t\x20-\x7e]*)?"
_FIELD: Final = re.compile(rf"({_NAME}):([\t\x20-\x7e]*)", re.ASCII)
# The usual status line and field names are compared, which is faster than a pattern.
_USUAL_START: Final = "HTTP/1.1 200 OK"
# These are the same in most responses, and no secrets. What a few short ones parse to is kept: a tenth of all
# instructions that the core takes for a small call.
_SHARED: Final = frozenset({"content-length", "content-type", "date", "server", "vary"})
_USUAL_NAMES: Final = _SHARED | {"x-bentoml-request-id"}
_PARSED: Final[dict[str, tuple[str, str]]] = {}
_PARSED_MOST: Final = 64
_PARSED_LENGTH: Final = 100
_LENGTH_MOST: Final = 20  # digits
_CHUNK_HEAD: Final = re.compile(rb"([0-9A-Fa-f]{1,20})\r\n")
_CHUNK_HEAD_MOST: Final = 22
_LAST_CHUNK: Final = b"0\r\n\r\n"
_VERSION: Final = b"HTTP/"  # how every response of HTTP/1 begins
_FOREIGN: Final = {  # by the first byte
    b"\x15": "a TLS alert, so its URL must start with https://",
    b"\x00": "an HTTP/2 frame",
}
_LONGEST_QUOTE: Final = 60


def request_head(request: Request, length: int | None, proxy: Proxy | None) -> bytes:
    """The head of a request.

    Args:
        request: what to send. It keeps what does not depend on its body, for requests that differ in nothing else.
        length: the length of its body; None for chunks.
        proxy: the proxy that forwards it, if there is one.

    Raises:
        LocalProtocolError: the request can't be expressed in HTTP/1.1.
    """
    if proxy is None and request.encoded:
        start = request.encoded[0]
    else:
        target = request.target if proxy is None else f"{request.origin}{request.target}"
        fields = (("host", request.origin.authority), *request.headers, *(proxy.headers if proxy else ()))
        try:
            start = request_start(request.method, target, fields)
        except ValueError as exc:
            raise LocalProtocolError("the request's method, target or headers can't be sent in HTTP/1.1") from exc
        if proxy is None:
            request.encoded.append(start)
    if length is None:
        return SecretBytes(start + b"transfer-encoding: chunked\r\n\r\n")
    if length or request.method in ("POST", "PUT", "PATCH"):
        return SecretBytes(b"%bcontent-length: %d\r\n\r\n" % (start, length))
    return SecretBytes(start + b"\r\n")


def request_start(method: str, target: str, fields: Fields) -> bytes:
    """The head of a request without the framing of its body and without the empty line that ends it.

    Raises:
        ValueError: a part of it is not valid in HTTP/1.1.
    """
    lines = [f"{name}: {value}\r\n" for name, value in fields]
    head = f"{method} {target} HTTP/1.1\r\n{''.join(lines)}"
    # Each field must be one line with one name, or the pattern would match other fields than were given.
    if not _REQUEST.fullmatch(head) or head.count("\n") != len(fields) + 1 or any(":" in name for name, _ in fields):
        del head, lines  # the credential in them must be in no report of the error
        raise ValueError("the request's method, target or headers can't be sent in HTTP/1.1")
    return SecretBytes(head.encode("latin-1"))


def foreign(data: bytes) -> str:
    """What the peer sent in place of an HTTP response, for people; empty if these bytes may begin one.

    h11 would wait for the end of a head, which a server of SSH, SMTP or FTP never sends after its greeting.
    """
    if data[: len(_VERSION)] == _VERSION[: len(data)]:
        return ""
    line = data.split(b"\n", 1)[0].decode("latin-1")
    return _FOREIGN.get(data[:1]) or f"'{one_line(line, _LONGEST_QUOTE)}'"


def may_become_plain(data: bytearray, seen: int) -> bool:
    """Whether these bytes are the beginning of an incomplete head that may be of the usual form.

    Args:
        data: what was received.
        seen: how much of it was searched before, so that the search is linear.
    """
    return data.startswith(b"HTTP/1.1"[: len(data)]) and _BLANK_LINE.search(data, max(seen - 2, 0)) is None


def read_head(data: bytes) -> tuple[Head, int] | None:
    """The head at the beginning of the data and its size; None unless it is complete and of the usual form.

    The names of its fields are in lower case.
    """
    end = data.find(b"\r\n\r\n")
    start, *lines = data[: max(end, 0)].decode("latin-1").split("\r\n")
    status = 200 if start == _USUAL_START else _read_status(start)
    if status is None:
        return None
    fields: list[tuple[str, str]] = []
    for line in lines:
        field = _PARSED.get(line) or _read_field(line)
        if field is None:
            return None
        fields.append(field)
    head = Head(status, tuple(fields), in_lower_case=True)
    length, coding = head.first.get("content-length"), head.first.get("transfer-encoding")
    if length is None:
        is_plain = coding == "chunked"
    else:
        is_plain = coding is None and length.isdigit() and len(length) <= _LENGTH_MOST
    if len(head.first) != len(fields):  # one is repeated
        is_plain = is_plain and not head.repeats("content-length" if coding is None else "transfer-encoding")
    return (head, end + 4) if is_plain else None


def _read_status(start: str) -> int | None:
    found = re.fullmatch(_STATUS, start)
    return None if found is None else int(found[1])


def _read_field(line: str) -> tuple[str, str] | None:
    name, colon, value = line.partition(":")
    if colon and name in _USUAL_NAMES and value.isascii() and value.isprintable():
        field = name, value.strip(" ")
    else:
        found = _FIELD.fullmatch(line)
        if found is None:
            return None
        name, value = found[1].lower(), found[2].strip(" \t")
        field = name, value if name in _USUAL_NAMES else secret_response_value(name, value)
    if field[0] in _SHARED and len(line) <= _PARSED_LENGTH:
        if len(_PARSED) >= _PARSED_MOST:
            _PARSED.clear()
        _PARSED[line] = field
    return field


class ChunkReader:
    """Decodes a body in the chunked coding.

    Attributes:
        is_over: whether the last chunk has come.
        is_broken: whether a chunk did not end with CR LF.
        rest: what follows the last chunk; or else what is not of the usual form, from the size of its chunk on, for
            another parser; None while neither has come.
    """

    __slots__ = ("_footer", "_held", "_left", "is_broken", "is_over", "rest")

    def __init__(self) -> None:
        self.is_over: bool = False
        self.is_broken: bool = False
        self.rest: bytes | None = None
        self._held = b""  # the beginning of a chunk's size line
        self._left = 0  # bytes of the chunk's data to come
        self._footer = 0  # bytes of the CR LF behind it to come

    def feed(self, data: bytes) -> list[Data | Chunks]:
        """Take the next bytes; return the chunks, and parts of chunks, that they contain."""
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
        """Take what belongs to the current chunk; return how many bytes that was."""
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
        """Take what is not the size line of a chunk with data."""
        if data.startswith(_LAST_CHUNK):
            self.is_over, self.rest = True, data[len(_LAST_CHUNK) :]
        elif _LAST_CHUNK.startswith(data) or (len(data) < _CHUNK_HEAD_MOST and b"\n" not in data):
            self._held = data
        else:
            self.rest = data
