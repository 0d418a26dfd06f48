"""The progress of a body or a batch, and when it is reported."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Final, Literal, TypeAlias

from bento_proto._frozen import Frozen

_STEP: Final = 1 << 16  # bytes between two reports: about what is read or written at a time
_BLOCK: Final = 1 << 18
_MOST: Final = 1000  # reports of one body


class Progress(Frozen):
    """The progress of a body or a batch.

    Attributes:
        done: bytes of a body that went over the wire, or calls of a batch that are over.
        total: bytes or calls in all; None if that is not known. In the last report of a body it equals `done`.
        kind: ``"upload"`` for the body of a request, ``"download"`` for that of a response, or ``"batch"``.
    """

    done: int
    total: int | None
    kind: Literal["upload", "download", "batch"]

    @property
    def fraction(self) -> float | None:
        """From 0 to 1; None if the total is not known."""
        if self.total is None:
            return None
        return self.done / self.total if self.total else 1.0


OnProgress: TypeAlias = Callable[[Progress], object]
"""A function that is called with the progress of an upload, a download or a batch."""


class Meter:
    """Counts the bytes of one body, and reports them at its start, at its end, and in steps between.

    Args:
        kind: which body it is.
        tell: called with each report; None to count only.

    Attributes:
        done: the bytes so far.
    """

    __slots__ = ("_going", "_kind", "_next", "_tell", "_told", "_total", "done")

    def __init__(self, kind: Literal["upload", "download"], tell: OnProgress | None) -> None:
        self.done: int = 0
        self._kind: Final = kind
        self._tell = tell
        self._total: int | None = None
        self._next = math.inf  # it only counts until it is started: the body of an error response, for instance
        self._going = 0
        self._told: Progress | None = None

    def start(self, total: int | None) -> None:
        """The body begins. `total` is its length in bytes, or None."""
        self._total = total
        self._say()

    def add(self, size: int) -> None:
        """Count so many more bytes."""
        self.done += size
        if self.done >= self._next:
            self._say()

    def send(self, size: int) -> None:
        """So many bytes are being sent; those before them are counted."""
        gone, self._going = self._going, size
        self.add(gone)

    def sending(self, data: bytes) -> Iterator[bytes]:
        """The same bytes in blocks; each counts as sent when the next is taken."""
        for start in range(0, len(data), _BLOCK):
            block = data[start : start + _BLOCK]
            self.send(len(block))
            yield block

    def finish(self) -> None:
        """The body is complete."""
        self.done += self._going
        self._total = self.done
        self._say()

    def _say(self) -> None:
        known = Progress(self.done, self._total, self._kind)
        self._next = self.done + max(_STEP, (self._total or self.done) // _MOST)
        if self._tell is not None and known != self._told:
            self._told = known
            self._tell(known)
