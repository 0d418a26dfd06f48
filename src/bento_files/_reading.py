"""Reading a request's files, in blocks, when their turn comes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, cast

from bento_proto import FilePart, LocalProtocolError

if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import BinaryIO

    from bento_proto import Request

BLOCK: Final = 1 << 18
"""Bytes read at a time: smaller blocks cost more time, larger ones only memory."""


def blocks(part: FilePart) -> Generator[bytes, None, None]:
    """The bytes of a part: as many as were measured, or all there are if it could not be measured.

    Raises:
        LocalProtocolError: there are fewer than there were.
        OSError: they can't be read.
    """
    if isinstance(part.source, str):
        with open(part.source, "rb") as opened:
            yield from _read(opened, part.size)
        return
    file = cast("BinaryIO", part.source)
    if part.replayable:
        file.seek(0)
    yield from _read(file, part.size)


def read_body(request: Request) -> bytes:
    """The whole body of a request, in memory. Errors are those of `blocks`."""
    return b"".join(
        block
        for segment in request.body
        for block in (blocks(segment) if isinstance(segment, FilePart) else (segment,))
    )


def _read(file: BinaryIO, size: int | None) -> Generator[bytes, None, None]:
    left = size
    while left is None or left > 0:
        data = file.read(BLOCK if left is None else min(BLOCK, left))
        if not data:
            break
        if left is not None:
            left -= len(data)
        yield data
    if left:
        name = getattr(file, "name", "a file")
        raise LocalProtocolError(f"{os.path.basename(str(name))} became shorter while it was sent")
