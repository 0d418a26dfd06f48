"""Reading a request's files, in blocks, when their turn comes."""

from __future__ import annotations

import os
from itertools import cycle
from typing import TYPE_CHECKING, Final, TypeVar, cast

from bento_proto import LocalProtocolError
from bento_proto.http import FilePart

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from typing import BinaryIO

    from bento_proto import Request

Block = TypeVar("Block", bytes, memoryview)

BLOCK: Final = 1 << 18
"""Bytes read at a time: smaller blocks cost more time, larger ones only memory."""


def blocks(part: FilePart, at_once: int = 1) -> Generator[bytes | memoryview, None, None]:
    """The bytes of a part: as many as were measured, or all there are if it could not be measured.

    Args:
        part: what to read.
        at_once: how many blocks there may be at a time: one that came so many before may be overwritten. Memory of its
            own for each costs more than to read it.

    Raises:
        LocalProtocolError: there are fewer than there were.
        OSError: they can't be read.
    """
    if isinstance(part.source, str):
        places = cycle([memoryview(bytearray(BLOCK)) for _ in range(at_once)])

        def read(size: int) -> memoryview:
            place = next(places)[:size]
            return place[: opened.readinto(place)]

        with open(part.source, "rb", buffering=0) as opened:
            yield from _read(read, part.size, part.source)
        return
    file = cast("BinaryIO", part.source)
    if part.replayable:
        file.seek(0)
    yield from _read(file.read, part.size, getattr(file, "name", "a file"))


def read_body(request: Request) -> bytes:
    """The whole body of a request, in memory. Errors are those of `blocks`."""
    return b"".join(
        bytes(block)
        for segment in request.body
        for block in (blocks(segment) if isinstance(segment, FilePart) else (segment,))
    )


def _read(read: Callable[[int], Block], size: int | None, name: object) -> Generator[Block, None, None]:
    left = size
    while left is None or left > 0:
        data = read(BLOCK if left is None else min(BLOCK, left))
        if not data:
            break
        if left is not None:
            left -= len(data)
        yield data
    if left:
        raise LocalProtocolError(f"{os.path.basename(str(name))} became shorter while it was sent")
