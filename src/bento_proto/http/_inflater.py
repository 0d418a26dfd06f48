"""A decompressor of a response's body, whatever its content coding: bounded blocks, and a bounded whole."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from bento_proto.errors import LimitExceeded, RemoteProtocolError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final

PIECE: Final = 1 << 16
_INPUT: Final = 1 << 13  # decompressed at a time: each block and each member of it copies what follows
_SMALL: Final = 1 << 20  # so much may be held in any case
_HANDED_ON: Final = 1 << 26  # so much may come of one read in any case,
_AS_ITEMS: Final = 1 << 21  # and so much if it becomes objects: deflate makes half of that of the 1 KiB that are read


class Inflater(ABC):
    """Decompresses a body in bounded blocks, so that a decompression bomb meets the decoder's limit.

    Args:
        expansion: how many bytes may be held in memory for each compressed byte.
        error: what the decompressor raises for data that is not in its format.
    """

    __slots__ = ("_error", "_expansion", "_held", "_received", "makes_items")

    def __init__(self, expansion: float, error: type[Exception]) -> None:
        self._expansion = expansion
        self._error = error
        self.makes_items = False  # whether what is decompressed becomes objects, which take more memory
        self._received = 0
        self._held = 0

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Decompress the next bytes, into blocks of at most 64 KiB.

        Raises:
            RemoteProtocolError: the data is not in the format that its Content-Encoding names.
            LimitExceeded: it becomes more than 64 MiB (2 MiB where that becomes items), and more than `expansion`
                times the bytes received.
        """
        if not data:
            return
        self._received += len(data)
        size, least = 0, _AS_ITEMS if self.makes_items else _HANDED_ON
        try:
            for start in range(0, len(data), _INPUT):
                for block in self._blocks(data[start : start + _INPUT]):
                    size += len(block)
                    self._limit(size, least)
                    yield block
        except self._error as exc:
            raise RemoteProtocolError(f"the response can't be decompressed: {exc}") from exc

    def hold(self, part: bytes) -> None:
        """Count a decompressed part that stays in memory, since it completed no item.

        Raises:
            LimitExceeded: the parts held are larger than 1 MiB, and than `expansion` times the bytes received.
        """
        self._held += len(part)
        self._limit(self._held, _SMALL)

    def release(self) -> None:
        """Stop counting the parts held: they have become an item."""
        self._held = 0

    def finish(self) -> None:
        """Take note that the body has ended.

        Raises:
            RemoteProtocolError: the compressed data has not.
        """
        if self._received and not self._is_complete():
            raise RemoteProtocolError("the compressed body of the response is incomplete")

    def _limit(self, size: int, least: int) -> None:
        if size > max(least, self._expansion * self._received):
            raise LimitExceeded(
                f"the response is compressed over {self._expansion:g} times, which Limits(expansion=...) does not allow"
            )

    @abstractmethod
    def _blocks(self, data: bytes) -> Iterator[bytes]:
        """What comes of the next bytes, in blocks that are not empty."""

    @abstractmethod
    def _is_complete(self) -> bool:
        """Whether the compressed data may end here."""
