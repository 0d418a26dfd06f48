"""One exchange with a responder: code of this process that answers in the place of a server."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

from bento_files import read_body
from bento_proto.testing import Playback

from ._underway import Underway

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bento_proto import FlowRunner
    from bento_proto.testing import Responder

T = TypeVar("T")


def play(run: FlowRunner[T], responder: Responder) -> Played | None:
    """Carry out the step of a run, its delay included, until its exchange wants no more.

    Raises:
        OSError: a file of the request can't be read.
    """
    assert run.step is not None
    exchange = run.step.exchange
    played = Played(Playback(run.step, responder, read_body(exchange.request)))
    try:
        played.begin()
        run.skip(played.playback.skipped)
        if exchange.is_streaming:
            return played
    except BaseException:
        played.close()
        raise
    played.close()
    return None


class Played(Underway[object]):
    """An exchange that a responder answers.

    Args:
        playback: what happens.
    """

    def __init__(self, playback: Playback) -> None:
        super().__init__(playback.exchange)
        self.playback: Playback = playback

    def begin(self) -> None:
        """Read what the exchange wants before it is handed over."""
        while not self._is_over and (self.exchange.head is None or self.exchange.wants_body):
            self._early += self._receive()

    def close(self) -> None:
        """Want no more of it."""
        self.playback.close()

    @property
    def _is_over(self) -> bool:
        return self.playback.is_over

    def _receive(self) -> Sequence[object]:
        time.sleep(self.playback.wait())
        return self.playback.receive()
