"""What the other tests rely on: a call that blocks the event loop does not pass."""

from __future__ import annotations

import anyio
import pytest
from blockbuster import BlockingError

from bento_files import blocks
from bento_proto.http import FilePart


def test_blocking_is_noticed() -> None:
    async def block() -> None:
        list(blocks(FilePart(__file__, 10)))

    with pytest.raises(BlockingError):
        anyio.run(block, backend="asyncio")
