"""Reading a request's files in worker threads."""

from __future__ import annotations

from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Final

from anyio import to_thread

from bento_files import blocks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from typing_extensions import Self

    from bento_proto.http import FilePart

_BLOCKS: Final = 4  # read at a time: a thread is not for nothing


class Reading:
    """The blocks of a file, as a context manager that closes it.

    Args:
        part: what to read.
    """

    def __init__(self, part: FilePart) -> None:
        self._may_wait = part.size is None  # such as a pipe, which may keep its reader waiting for ever
        self._count = 1 if self._may_wait else _BLOCKS
        self._blocks = blocks(part, self._count)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        with suppress(ValueError):  # a thread that was left alone is still in it
            self._blocks.close()

    async def next(self) -> list[bytes | memoryview]:
        """Some more blocks; none at the end. They last until the next call.

        Raises:
            LocalProtocolError: the file has become shorter.
            OSError: it can't be read.
        """
        return await to_thread.run_sync(_some, self._blocks, self._count, abandon_on_cancel=self._may_wait)


def _some(reading: Iterator[bytes | memoryview], count: int) -> list[bytes | memoryview]:
    return list(islice(reading, count))
