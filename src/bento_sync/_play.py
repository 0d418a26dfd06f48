"""An exchange with a responder: code of this process that answers in the place of a server."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

from bento_files import read_body
from bento_proto.testing import Playback

from ._stream import OpenExchange

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bento_proto import FlowRunner, Step
    from bento_proto.testing import Responder

T = TypeVar("T")


def play(runner: FlowRunner[T], step: Step, responder: Responder) -> PlayedExchange | None:
    """Carry out a step, its delay included, until its exchange wants no more; return it if it is still open.

    Raises:
        OSError: a file of the request can't be read.
    """
    exchange = step.exchange
    opened = PlayedExchange(Playback(step, responder, read_body(exchange.request)))
    try:
        while not opened.is_over and (exchange.head is None or exchange.wants_body):
            opened.early = [*opened.early, *opened.receive()]
        runner.skip(opened.playback.skipped)
        if exchange.is_streaming:
            return opened
    except BaseException:
        opened.close()
        raise
    opened.close()
    return None


class PlayedExchange(OpenExchange[object]):
    """An exchange in progress that a responder answers.

    Args:
        playback: what happens.
    """

    def __init__(self, playback: Playback) -> None:
        self.exchange = playback.exchange
        self.playback: Playback = playback

    @property
    def is_over(self) -> bool:
        """Whether nothing more is received."""
        return self.playback.is_over

    def receive(self) -> Sequence[object]:
        """Wait for what comes next; return the items that are whole with it."""
        time.sleep(self.playback.wait())
        return self.playback.receive()

    def close(self) -> None:
        """Stop reading. Idempotent."""
        self.playback.close()
