"""Plain calls that wait for a place under the limit of their Service: see `RetryPolicy.adaptive`."""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from itertools import count
from typing import TYPE_CHECKING, Final

from bento_proto._text import error_line
from bento_proto.errors import (
    BentoMLException,
    CallTimeout,
    LocalProtocolError,
    ServiceUnavailable,
)
from bento_proto.exchange._exchange import State
from bento_proto.http._messages import FailureKind

from ._congestion import POLL, is_overload
from ._retry import RefusalCount, retry_after_of

if TYPE_CHECKING:
    from bento_proto.exchange._exchange import Exchange
    from bento_proto.http._limits import Timeout

    from ._congestion import CongestionControl, Slot
    from ._flow import Flow, Step
    from ._hook_dispatcher import HookDispatcher
    from ._retry import RetryPolicy

_LONGEST_POLL: Final = 0.5  # seconds after which a waiting call finds out that its client was closed
_SHORTEST_POLL: Final = 0.001
_FIRST_GAP: Final = 0.02
_LONGEST_GAP: Final = 1.0
_SMOOTHING: Final = 1 / 32  # calls that began at the same time end so: a gap follows many that are none


class AdmissionQueue:
    """The plain calls of a client that wait for a place under its `CongestionControl`, in the order of their making.

    Together they have the share of one batch. Nothing here can wake who waits, so each call asks again after half of
    the time that its turn is likely to be away: by its rank in the queue, and the mean time from one turn to the next.

    Threads may use an instance at the same time.

    Args:
        control: the limit.

    Attributes:
        control: the limit.
        closings: how often the client was closed, which ends the wait of the calls that there are.
    """

    def __init__(self, control: CongestionControl) -> None:
        self.control: CongestionControl = control
        self.closings: int = 0
        self._tickets = count()
        self._waiting: list[int] = []  # sorted; each change is one function of C, which no other thread interrupts
        self._gap = _FIRST_GAP  # seconds between two turns
        self._last = -math.inf  # when the last turn was

    def __repr__(self) -> str:
        return f"<AdmissionQueue: {len(self._waiting)} calls wait>"

    def join(self, retries: RetryPolicy, timeout: Timeout, now: float, deadline: float | None) -> Admission:
        """A call is made.

        Args:
            retries: its retry policy.
            timeout: its timeouts.
            now: the time.
            deadline: when its total timeout expires; None if it never does.
        """
        return Admission(self, next(self._tickets), retries, timeout, now, math.inf if deadline is None else deadline)

    def wait(self, ticket: int, now: float, *, is_waiting: bool) -> float:
        """How many seconds a call must wait before it asks again: 0 if it may begin.

        Only the first in the queue may begin, and as many of those that wait as the limit allows calls.
        """
        seconds = self.control.wait(self, now)
        rank = bisect_left(self._waiting, ticket)
        if seconds == 0.0 and (self.control.limit == math.inf or rank < (self.control.limit if is_waiting else 1)):
            return 0.0
        gap = self._gap
        if POLL < seconds < math.inf:  # a pause of all calls
            return seconds + gap * rank / 2
        return max(_SHORTEST_POLL, gap / 8, (gap * (rank + 1) - min(gap, max(0.0, now - self._last))) / 2)

    def enter(self, ticket: int) -> None:
        """A call begins to wait."""
        insort(self._waiting, ticket)

    def leave(self, ticket: int) -> None:
        """A call does not wait any more. Idempotent."""
        if ticket in self._waiting:  # not one of the parent process
            self._waiting.remove(ticket)

    def after_fork(self) -> None:
        """Forget the calls of the parent process, in a child."""
        self._waiting.clear()
        self.control.after_fork()

    def begin(self, now: float, *, has_waited: bool) -> Slot:
        """It is the turn of a call."""
        if has_waited:
            self._gap += (min(max(now - self._last, 0.0), _LONGEST_GAP) - self._gap) * _SMOOTHING
        self._last = now
        return self.control.begin(self)


class Admission:
    """One plain call under the limit, from its making to its end; `AdmissionQueue.join` makes it.

    A driver that does not ask a `Step` how long to wait carries it out after its delay; the limit learns from it
    nonetheless.

    Attributes:
        began: when the current attempt did.
        due: the earliest time of the next one.
    """

    __slots__ = (
        "_closings", "_deadline", "_error", "_is_waiting", "_joined", "_queue", "_refusals", "_retries",
        "_sent", "_slot", "_ticket", "_timeout", "began", "due",
    )  # fmt: skip

    def __init__(
        self,
        queue: AdmissionQueue,
        ticket: int,
        retries: RetryPolicy,
        timeout: Timeout,
        now: float,
        deadline: float,
    ) -> None:
        self._queue = queue
        self._closings = queue.closings
        self._ticket = ticket
        self._retries = retries
        self._timeout = timeout
        self._joined = now
        self._deadline = deadline
        self._refusals = RefusalCount(queue.control.accepted)
        self._slot: Slot | None = None
        self._is_waiting = False
        self._error: BentoMLException | None = None  # of the last attempt
        self._sent = False  # whether the server may have read the request
        self.began: float = -math.inf
        self.due: float = now

    def delay(self, now: float) -> float:
        """How many seconds the next attempt has to wait, as far as is known now."""
        return self._queue.wait(self._ticket, now, is_waiting=self._is_waiting)

    def carry_out(self, step: Step, now: float, dispatcher: HookDispatcher | None) -> Flow[float]:
        """Yield a step, which waits for its turn, and tell the limit what came of it; return the time after it."""
        step.turn = self
        if not step.delay:
            self._begin(now)
        try:
            now = (yield step) if dispatcher is None else (yield from dispatcher.step(step, now))
        except BaseException:
            self._stop_waiting()
            if self._slot is not None:
                self._queue.control.drop(self._slot)
            raise
        self._stop_waiting()
        self._tell(step.exchange, now)
        return now

    def wait(self, step: Step, now: float) -> float:
        """How many seconds to wait, and then to ask again; 0 if the step is to be carried out: see `Step.wait`."""
        queue = self._queue
        if queue.closings != self._closings:
            raise LocalProtocolError("the client is closed")
        if self._slot is not None:
            return 0.0
        left = self._deadline - now
        if left <= 0:
            raise self._explained(self._timed_out(), step, now)
        seconds = self.due - now if now < self.due else self.delay(now)
        if seconds <= 0:
            self._begin(now)
            step.timeout = self._timeout.within(None if left == math.inf else left)
            return 0.0
        if queue.control.outage(now) > self._retries.max_outage:
            raise self._error or self._explained(self._unavailable(now), step, now)
        if not self._is_waiting:
            self._is_waiting = True
            queue.enter(self._ticket)
        return min(seconds, left, _LONGEST_POLL)

    def again(self, error: BentoMLException, sent: bool, now: float) -> float | None:
        """The seconds after which a refused call is sent again, as far as is known; None if it is not.

        Args:
            error: the refusal.
            sent: whether the server may have read the request.
            now: the time.
        """
        self._error = error
        self._sent = self._sent or sent
        if not self._refusals.allows_repeating(error, sent, self._retries, self._queue.control, now):
            return None
        return self.delay(now)

    def _begin(self, now: float) -> None:
        self._slot = self._queue.begin(now, has_waited=self._is_waiting)
        self.began = now
        self._stop_waiting()

    def _stop_waiting(self) -> None:
        if self._is_waiting:
            self._is_waiting = False
            self._queue.leave(self._ticket)

    def _tell(self, exchange: Exchange[object], now: float) -> None:
        control, error = self._queue.control, exchange.error
        slot, self._slot = self._slot or control.begin(self._queue), None
        is_idle_closed = exchange.failure is not None and exchange.failure.kind is FailureKind.IDLE_CLOSED
        if exchange.state is State.REDIRECTED or is_idle_closed:
            control.drop(slot)  # the request goes out again at once
        elif error is None or exchange.is_streaming:
            control.accept(slot)  # a stream as soon as its head is there: its reader may be slow
        elif is_overload(error):
            control.refuse(slot, now, self._retries.waited_for(retry_after_of(exchange)))
        elif error.error_code is not None:
            control.accept(slot)
        else:
            control.drop(slot)

    def _timed_out(self) -> CallTimeout:
        error = CallTimeout(
            f"no response within {self._timeout.total:g} seconds, in which the call waited for its turn, as the "
            "Service refused calls"
        )
        error.sent = self._sent
        return error

    def _unavailable(self, now: float) -> ServiceUnavailable:
        seconds = self._queue.control.outage(now)
        error = ServiceUnavailable(
            f"not sent, as the Service has accepted no call for {seconds:.0f} seconds: RetryPolicy(max_outage=...)"
        )
        error.retryable = True
        return error

    def _explained(self, error: BentoMLException, step: Step, now: float) -> BentoMLException:
        from bento_proto.exchange._failures import explain  # loaded with the first failure

        error.__cause__ = self._error
        error.attempts = (*(() if self._error is None else self._error.attempts), error_line(error))
        explain(error, step.exchange.request, None, now - self._joined)
        return error


__all__ = ("Admission", "AdmissionQueue")
