"""Bodies that the server compressed: an answer's Content-Encoding, undone piece by piece."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from bento_proto._errors import RemoteProtocolError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final

    from ._messages import Head

_PIECE: Final = 1 << 16


def inflater(head: Head) -> Inflater | None:
    """What undoes the answer's Content-Encoding; None if there is nothing to undo.

    Raises:
        RemoteProtocolError: it is one that was not asked for.
    """
    codings = [c for value in head.get_all("content-encoding") for c in value.lower().replace(" ", "").split(",")]
    codings = [coding for coding in codings if coding not in ("", "identity")]
    if not codings:
        return None
    if len(codings) == 1 and codings[0] in ("gzip", "x-gzip", "deflate"):
        return Inflater(codings[0] == "deflate")
    raise RemoteProtocolError(f"the answer is encoded as {', '.join(codings)[:100]}, which was not asked for")


class Inflater:
    """Decompresses gzip or deflate in pieces of bounded size, so that a bomb meets the decoder's limit first."""

    __slots__ = ("_deflate", "_machine", "_started")

    def __init__(self, deflate: bool) -> None:
        self._deflate = deflate
        self._started = False
        self._machine = zlib.decompressobj(zlib.MAX_WBITS if deflate else zlib.MAX_WBITS | 16)

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The plain bytes, in pieces of at most 64 KiB.

        Raises:
            RemoteProtocolError: the data is not what its coding says.
        """
        if not data:
            return
        if self._deflate and not self._started and data[0] & 0x0F != 8:
            self._machine = zlib.decompressobj(-zlib.MAX_WBITS)  # deflate without zlib's head, as some servers send it
        self._started = True
        full = False  # a piece that is may leave more to come where no data is left
        try:
            while data or full:
                if self._machine.eof:
                    if self._deflate or not data:
                        return
                    self._machine = zlib.decompressobj(zlib.MAX_WBITS | 16)  # gzip may have several members
                piece = self._machine.decompress(data, _PIECE)
                if piece:
                    yield piece
                full = len(piece) == _PIECE
                data = self._machine.unconsumed_tail or self._machine.unused_data
        except zlib.error as exc:
            raise RemoteProtocolError(f"the answer can't be decompressed: {exc}") from exc

    def finish(self) -> None:
        """Say that the body is over.

        Raises:
            RemoteProtocolError: the compressed data is not.
        """
        if self._started and not self._machine.eof:
            raise RemoteProtocolError("the answer's compressed body is cut off")
