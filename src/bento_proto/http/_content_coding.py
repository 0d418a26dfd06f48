"""Content codings (RFC 9110 section 8.4.1): the body of a response, decompressed incrementally."""

from __future__ import annotations

import zlib
from math import inf
from typing import TYPE_CHECKING

from bento_proto._text import one_line
from bento_proto.errors import LimitExceeded, RemoteProtocolError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final

    from ._messages import Head

_PIECE: Final = 1 << 16
_SMALL: Final = 1 << 20  # so much may be held in any case: deflate makes a thousand bytes of one at most


def inflater(head: Head, expansion: float = inf) -> Inflater | None:
    """The decompressor for the Content-Encoding of a response; None if it has none.

    Args:
        head: the head of the response.
        expansion: how many bytes may be held in memory for each compressed byte (`Inflater.hold`).

    Raises:
        RemoteProtocolError: the Content-Encoding is one that the request did not accept.
    """
    codings = [c for value in head.get_all("content-encoding") for c in value.lower().replace(" ", "").split(",")]
    codings = [coding for coding in codings if coding not in ("", "identity", "none")]
    if not codings:
        return None
    if len(codings) == 1 and codings[0] in ("gzip", "x-gzip", "deflate"):
        return Inflater(codings[0] == "deflate", expansion)
    named = one_line(", ".join(codings), 100)
    raise RemoteProtocolError(f"the response is encoded as {named}, which was not accepted")


class Inflater:
    """Decompresses gzip or deflate in bounded blocks, so that a decompression bomb meets the decoder's limit.

    Args:
        deflate: whether the coding is deflate; else it is gzip.
        expansion: how many bytes may be held in memory for each compressed byte.
    """

    __slots__ = ("_deflate", "_expansion", "_held", "_machine", "_received", "_started")

    def __init__(self, deflate: bool, expansion: float) -> None:
        self._deflate = deflate
        self._expansion = expansion
        self._started = False
        self._received = 0
        self._held = 0
        self._machine = zlib.decompressobj(zlib.MAX_WBITS if deflate else zlib.MAX_WBITS | 16)

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Decompress the next bytes, into blocks of at most 64 KiB.

        Raises:
            RemoteProtocolError: the data is not in the format that its Content-Encoding names.
        """
        if not data:
            return
        self._received += len(data)
        if self._deflate and not self._started and data[0] & 0x0F != 8:
            self._machine = zlib.decompressobj(-zlib.MAX_WBITS)  # without zlib's header, as some servers send deflate
        self._started = True
        full = False  # whether the last block was: then there may be more output without further input
        try:
            while data or full:
                if self._machine.eof:
                    data = data if self._deflate else data.lstrip(b"\0")  # gzip's members may be padded with zeros
                    if self._deflate or not data:
                        return
                    self._machine = zlib.decompressobj(zlib.MAX_WBITS | 16)  # gzip may have several members
                piece = self._machine.decompress(data, _PIECE)
                if piece:
                    yield piece
                full = len(piece) == _PIECE
                data = self._machine.unconsumed_tail or self._machine.unused_data
        except zlib.error as exc:
            raise RemoteProtocolError(f"the response can't be decompressed: {exc}") from exc

    def hold(self, part: bytes) -> None:
        """Count a decompressed part that stays in memory, since it completed no item.

        Raises:
            LimitExceeded: the parts held are larger than 1 MiB, and than `expansion` times the bytes received.
        """
        self._held += len(part)
        if self._held > max(_SMALL, self._expansion * self._received):
            raise LimitExceeded(
                f"the response is compressed over {self._expansion:g} times, which Limits(expansion=...) does not allow"
            )

    def release(self) -> None:
        """Stop counting the parts held: they have become an item."""
        self._held = 0

    def finish(self) -> None:
        """Take note that the body has ended.

        Raises:
            RemoteProtocolError: the compressed data has not.
        """
        if self._started and not self._machine.eof:
            raise RemoteProtocolError("the compressed body of the response is incomplete")
