"""One exchange with a responder: code of this process that answers in the place of a server."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, TypeVar

import anyio
from anyio import to_thread

from bento_files import read_body
from bento_proto import ConnectionFailed, Timeout
from bento_proto.testing import Playback

from ._underway import Underway

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bento_proto import FailureKind, FlowRunner, Request
    from bento_proto.testing import Responder

T = TypeVar("T")


async def play(run: FlowRunner[T], responder: Responder) -> Played | None:
    """Carry out the step of a run, its delay included, until its exchange wants no more.

    Raises:
        OSError: a file of the request can't be read.
    """
    assert run.step is not None
    played = Played(Playback(run.step, responder, await body_of(run.step.exchange.request)))
    try:
        await played.begin()
        run.skip(played.playback.skipped)
        return played.hand_over()
    except BaseException:
        played.close()
        raise


async def body_of(request: Request) -> bytes:
    """The whole body of a request, in memory; its files are read in a worker thread."""
    if all(isinstance(segment, bytes) for segment in request.body):
        return read_body(request)
    return await to_thread.run_sync(read_body, request)


class Played(Underway[object]):
    """An exchange that a responder answers, which says itself when a time has run out.

    Args:
        playback: what happens.
    """

    def __init__(self, playback: Playback) -> None:
        super().__init__(playback.exchange, Timeout.of(None), math.inf, time.monotonic)
        self.playback: Playback = playback

    def close(self) -> None:
        """Want no more of it."""
        self.playback.close()

    def abandon(self) -> None:
        """`close`, for the garbage collector."""
        self.close()

    @property
    def _is_complete(self) -> bool:
        return self.playback.is_over

    async def _receive(self, deadline: float) -> Sequence[object]:  # noqa: ARG002 - the playback knows its times
        await anyio.sleep(self.playback.wait())
        return self.playback.receive()

    def _lose(self, loss: FailureKind, reason: str, cause: BaseException) -> None:
        if not self._is_complete:
            self.exchange.receive(ConnectionFailed(loss, reason, cause=cause))
