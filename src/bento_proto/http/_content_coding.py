"""Content codings (RFC 9110 section 8.4.1): the body of a response, decompressed incrementally."""

from __future__ import annotations

import zlib
from math import inf
from typing import TYPE_CHECKING

from bento_proto._text import one_line
from bento_proto.errors import RemoteProtocolError

from ._inflater import PIECE, Inflater

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ._messages import Head


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
    if len(codings) == 1:
        if codings[0] in ("gzip", "x-gzip", "deflate"):
            return ZlibInflater(codings[0] == "deflate", expansion)
        from ._installed_codings import installed_inflater  # most servers know none of them

        found = installed_inflater(codings[0], expansion)
        if found is not None:
            return found
    named = one_line(", ".join(codings), 100)
    raise RemoteProtocolError(f"the response is encoded as {named}, which was not accepted")


class ZlibInflater(Inflater):
    """Decompresses gzip or deflate.

    Args:
        deflate: whether the coding is deflate; else it is gzip.
        expansion: how many bytes may be held in memory for each compressed byte.
    """

    __slots__ = ("_deflate", "_machine", "_started")

    def __init__(self, deflate: bool, expansion: float) -> None:
        super().__init__(expansion, zlib.error)
        self._deflate = deflate
        self._started = False
        self._machine = zlib.decompressobj(zlib.MAX_WBITS if deflate else zlib.MAX_WBITS | 16)

    def _blocks(self, data: bytes) -> Iterator[bytes]:
        if self._deflate and not self._started and data[0] & 0x0F != 8:
            self._machine = zlib.decompressobj(-zlib.MAX_WBITS)  # without zlib's header, as some servers send deflate
        self._started = True
        full = False  # whether the last block was: then there may be more output without further input
        while data or full:
            if self._machine.eof:
                data = data if self._deflate else data.lstrip(b"\0")  # gzip's members may be padded with zeros
                if self._deflate or not data:
                    return
                self._machine = zlib.decompressobj(zlib.MAX_WBITS | 16)  # gzip may have several members
            before = self._machine.copy() if len(data) > 1 else self._machine
            try:
                piece = self._machine.decompress(data, PIECE)
            except zlib.error:
                yield from self._intact(before.decompress, data)
                raise
            if piece:
                yield piece
            full = len(piece) == PIECE
            data = self._machine.unconsumed_tail or self._machine.unused_data

    def _intact(self, decompress: Callable[[bytes], bytes], data: bytes) -> Iterator[bytes]:
        """What comes of the bytes before the one with which the data turns out to be corrupt."""
        try:
            for at in range(len(data) - 1):
                piece = decompress(data[at : at + 1])
                if piece:
                    yield piece
        except zlib.error:
            return

    def _is_complete(self) -> bool:
        return self._machine.eof
