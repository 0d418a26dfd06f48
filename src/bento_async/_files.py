"""Files of requests, read in worker threads, as they would keep an event loop waiting."""

from __future__ import annotations

from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Final

from anyio import to_thread

import bento_files

if TYPE_CHECKING:
    from bento_proto.http import FilePart

_BLOCKS: Final = 4  # read at a time: a thread costs something


class FileReader:
    """The blocks of a file.

    Args:
        part: what to read.
    """

    def __init__(self, part: FilePart) -> None:
        self._may_wait = part.size is None  # such as a pipe, which may keep its reader waiting for ever
        self._count = 1 if self._may_wait else _BLOCKS
        self._blocks = bento_files.blocks(part, self._count)

    def close(self) -> None:
        """Close the file."""
        with suppress(ValueError):  # a thread that was left behind is still in it
            self._blocks.close()

    async def next(self) -> list[bytes | memoryview]:
        """Some more blocks, valid until the next call; none at the end.

        Raises:
            LocalProtocolError: the file has become shorter.
            OSError: it can't be read.
        """
        return await to_thread.run_sync(
            lambda: list(islice(self._blocks, self._count)), abandon_on_cancel=self._may_wait
        )
