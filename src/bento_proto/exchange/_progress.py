"""How far something is: what a caller is told of it, and when."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Final, Literal, TypeAlias

from bento_proto._frozen import Frozen

_OFTEN: Final = 1 << 16  # bytes: what is read or written at a time is hardly less
_BLOCK: Final = 1 << 18
_TIMES: Final = 1000  # more than these nobody sees


class Progress(Frozen):
    """How far something is.

    Attributes:
        done: how much of it is done: bytes of a body as they go over the wire, calls of a batch.
        total: how much there is in all; None if that is not known. The last of a body has it, and `done` is the same.
        kind: what it is: ``"upload"`` and ``"download"`` of one request's body and its answer's, or a ``"batch"``.
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


class Meter:
    """Counts the bytes of one body, and tells of them at its start, at its end, and often enough between.

    Args:
        kind: which body it is.
        tell: whom to tell; None to count only.

    Attributes:
        done: the bytes that passed.
    """

    __slots__ = ("_going", "_kind", "_next", "_tell", "_told", "_total", "done")

    def __init__(self, kind: Literal["upload", "download"], tell: OnProgress | None) -> None:
        self.done: int = 0
        self._kind: Final = kind
        self._tell = tell
        self._total: int | None = None
        self._next = math.inf  # until it starts, it only counts: the body of a refusal, say
        self._going = 0
        self._told: Progress | None = None

    def start(self, total: int | None) -> None:
        """The body begins, with so many bytes in all."""
        self._total = total
        self._say()

    def add(self, size: int) -> None:
        """So many more bytes have passed."""
        self.done += size
        if self.done >= self._next:
            self._say()

    def send(self, size: int) -> None:
        """So many bytes go now; those before them have passed."""
        gone, self._going = self._going, size
        self.add(gone)

    def sending(self, data: bytes) -> Iterator[bytes]:
        """The same bytes in blocks, each of which goes when the next is asked for."""
        for start in range(0, len(data), _BLOCK):
            block = data[start : start + _BLOCK]
            self.send(len(block))
            yield block

    def finish(self) -> None:
        """All bytes have passed."""
        self.done += self._going
        self._total = self.done
        self._say()

    def _say(self) -> None:
        known = Progress(self.done, self._total, self._kind)
        self._next = self.done + max(_OFTEN, (self._total or self.done) // _TIMES)
        if self._tell is not None and known != self._told:
            self._told = known
            self._tell(known)
