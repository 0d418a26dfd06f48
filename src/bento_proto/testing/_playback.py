"""An exchange that a responder answers, in place of a server."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from bento_proto import exchange, policy
from bento_proto.errors import LocalProtocolError
from bento_proto.http._messages import ConnectionFailed, FailureKind, Received
from bento_proto.session._responder import Pause, Responder

_ENDLESS: Final = 2_000_000.0  # seconds; no system takes a longer wait


def slept(seconds: float, speed: float) -> float:
    """How many seconds to sleep for a pause at that speed. An infinite pause stays one."""
    return _ENDLESS if seconds == math.inf else min(seconds / speed, _ENDLESS)


class Playback:
    """Carries out an exchange with a responder. The adapter only has to sleep.

    Until it `is_over`, sleep for the seconds that `wait` returns, then call `receive`. Only pauses take time. The
    timeouts of the step apply to their full length, whatever the speed.

    Args:
        step: what to carry out.
        responder: responds to it.
        body: the body of the step's request, files included.

    Attributes:
        exchange: the exchange of the step.
        skipped: seconds that passed without being slept.
    """

    def __init__(self, step: policy.Step, responder: Responder, body: bytes) -> None:
        self.exchange: exchange.Exchange[object] = step.exchange
        self.skipped: float = 0.0
        self._delay = step.delay
        self._speed = responder.speed
        self._events = responder.respond(step.exchange.request, body)
        self._patience = math.inf if step.timeout.receive is None else step.timeout.receive
        self._left = math.inf if step.timeout.total is None else step.timeout.total
        self._next: Received | None = None
        meter = self.exchange.upload
        if meter is not None and body:
            meter.start(len(body))
            meter.send(len(body))
            meter.finish()

    @property
    def is_over(self) -> bool:
        """Whether there are no more events."""
        return self.exchange.is_over

    def wait(self) -> float:
        """The seconds to sleep before the next event. The first include the delay of the step.

        Raises:
            LocalProtocolError: the event that came before has not been received; nothing changed.
        """
        if self._next is not None:
            raise LocalProtocolError("receive() was not called")
        delay, self._delay = self._delay, 0.0
        waited, limit = 0.0, min(self._patience, self._left)
        self._next = ConnectionFailed(FailureKind.DISCONNECTED, "the response was cut off")
        for event in self._events:
            if not isinstance(event, Pause):
                self._next = event
                break
            waited += event.seconds
            if waited >= limit:
                waited = limit
                self._next = ConnectionFailed.no_response()
                break
        self._left -= waited
        seconds = slept(delay + waited, self._speed)
        self.skipped += delay + waited - seconds
        return seconds

    def receive(self) -> Sequence[object]:
        """Take the next event; return the items that it completed.

        Raises:
            LocalProtocolError: `wait` was not called, or the responder's events are out of order.
        """
        if self._next is None:
            raise LocalProtocolError("wait() was not called")
        event, self._next = self._next, None
        return self.exchange.receive(event)

    def close(self) -> None:
        """Stop reading. Idempotent."""
        self._events.close()
        self.exchange.close()
