"""A Service that is played by code of this process, in the place of a server."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Sequence
from typing import Final, Protocol, TypeAlias, runtime_checkable

from bento_proto import exchange, policy
from bento_proto._errors import LocalProtocolError
from bento_proto._frozen import Frozen
from bento_proto.exchange._exchange import State
from bento_proto.http._messages import ConnectionFailed, FailureKind, Received, Request

_ENDLESS: Final = 2_000_000.0  # no system waits longer at once
_LATE: Final = "the server did not answer in time"


class Pause(Frozen):
    """Nothing comes for a while.

    Attributes:
        seconds: how long; it may be infinite.
    """

    seconds: float


Event: TypeAlias = Pause | Received
"""One thing that happens while a request is answered."""


@runtime_checkable
class Responder(Protocol):
    """Answers requests in the place of a server, as the ``app=`` of a client.

    Attributes:
        speed: how many times faster than they say pauses go by; infinite for no wait at all. The client's own delays,
            between retries say, go by as fast.
    """

    speed: float

    def respond(self, request: Request, body: bytes) -> Generator[Event, None, None]:
        """What happens when a request is sent: pauses and a head, the body's data and an end, or a loss.

        It is closed when the client wants no more of it. What it raises is raised by the call.

        Args:
            request: what is sent.
            body: its body, files included.
        """
        ...


class ExchangeRecorder(Protocol):
    """Notes exchanges, as the ``recorder=`` of a client."""

    def watch(self, exchange: exchange.Exchange[object], body: bytes, clock: Callable[[], float]) -> None:
        """Be told of an exchange that is about to begin, and see to its `Exchange.recorder`.

        Args:
            exchange: what is sent, and what takes the answer.
            body: the body of its request, files included; it is sent as it is in the exchange afterwards.
            clock: reads the time, in seconds from any fixed point.
        """
        ...


def slept(seconds: float, speed: float) -> float:
    """How many seconds are slept for a pause at some speed; one without end has none at any."""
    return _ENDLESS if seconds == math.inf else min(seconds / speed, _ENDLESS)


class Playback:
    """An exchange that a responder answers. What is left to an adapter is sleeping.

    Until it `is_over`, sleep for as many seconds as `wait` says, then `receive`. Time goes by in pauses alone: they are
    what the step's timeouts are held against, at their full length, however fast they go by.

    Args:
        step: what to carry out.
        responder: what answers.
        body: the body of the step's request, files included.

    Attributes:
        exchange: that of the step.
        skipped: how many seconds went by without being slept.
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
        """Whether nothing more can come."""
        return self.exchange.state in (State.DONE, State.FAILED, State.REDIRECTED)

    def wait(self) -> float:
        """How many seconds to sleep before what comes next; the step's delay is in the first."""
        delay, self._delay = self._delay, 0.0
        waited, limit = 0.0, min(self._patience, self._left)
        self._next = ConnectionFailed(FailureKind.DISCONNECTED, "the answer was broken off")
        for event in self._events:
            if not isinstance(event, Pause):
                self._next = event
                break
            waited += event.seconds
            if waited >= limit:
                waited = limit
                self._next = ConnectionFailed(FailureKind.TIMEOUT, _LATE, cause=TimeoutError(_LATE))
                break
        self._left -= waited
        seconds = slept(delay + waited, self._speed)
        self.skipped += delay + waited - seconds
        return seconds

    def receive(self) -> Sequence[object]:
        """Let what comes next come; return the items that it completed.

        Raises:
            LocalProtocolError: nobody has asked how long to `wait`, or the responder's events make no sense.
        """
        if self._next is None:
            raise LocalProtocolError("how long to wait was not asked")
        event, self._next = self._next, None
        return self.exchange.receive(event)

    def close(self) -> None:
        """Want no more of it."""
        self._events.close()
        self.exchange.close()
