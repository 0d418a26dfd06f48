"""Flows: generators that yield what to do next and never do it.

A flow yields `Step` objects, and is sent the time after each. `FlowRunner` runs one without generator methods.
"""

from __future__ import annotations

from collections.abc import Generator
from math import isfinite
from types import FrameType
from typing import Generic, Protocol, TypeAlias, TypeVar

from bento_proto.errors import LocalProtocolError
from bento_proto.exchange._exchange import Exchange, State
from bento_proto.http._limits import Timeout

from ._authorization import Authorization

T = TypeVar("T")


class Turn(Protocol):
    """What a step waits for beside its delay: see `Step.wait`.

    Attributes:
        began: when the turn came.
    """

    began: float

    def wait(self, step: Step, now: float) -> float:
        """How many seconds to wait, and then to ask again; 0 if it is the turn of the step."""
        ...


class Step:
    """Wait as long as `wait` says, then carry out an exchange as long as it `wants_data <Exchange.wants_data>`.

    If there is an `authorization`, call its ``complete()``, or await its ``acomplete()``, between the two.

    Attributes:
        exchange: has the request, and takes the events of the response.
        timeout: how long to wait for what.
        delay: seconds to wait before, as far as is known; 0 if there is nothing to wait for.
        fresh: whether to use a new connection, since a reused one has just turned out to be closed.
        authorization: completes the request of the exchange; None for a request that is complete.
        turn: when the turn of a call comes whose policy is `adaptive <RetryPolicy.adaptive>`; else None.
    """

    __slots__ = ("_left", "authorization", "delay", "exchange", "fresh", "timeout", "turn")

    def __init__(
        self,
        exchange: Exchange[object],
        timeout: Timeout,
        delay: float = 0.0,
        fresh: bool = False,
        authorization: Authorization | None = None,
    ) -> None:
        self.exchange: Exchange[object] = exchange
        self.timeout: Timeout = timeout
        self.delay: float = delay
        self._left = delay
        self.fresh: bool = fresh
        self.authorization: Authorization | None = authorization
        self.turn: Turn | None = None

    def wait(self, now: float) -> float:
        """How many seconds to wait, and then to ask again; 0 if the exchange is to be carried out now.

        Args:
            now: the time.

        Raises:
            CallTimeout: the total timeout expired meanwhile.
            BentoMLException: the Service has accepted no call for too long.
            LocalProtocolError: the client was closed meanwhile.
        """
        if self.turn is not None:
            return self.turn.wait(self, now)
        seconds, self._left = self._left, 0.0
        return seconds

    def __repr__(self) -> str:
        return f"<Step {self.exchange!r}>"


Flow: TypeAlias = Generator[Step, float, T]
"""A generator that yields each `Step`, is sent the time after it, and returns the result."""


def _seconds(value: object) -> float | None:
    """A number of seconds; None for anything else."""
    if not isinstance(value, (int, float)):
        return None
    try:
        return float(value) if isfinite(value) else None
    except OverflowError:  # an int beyond all floats
        return None


def _has_begun(flow: Flow[T]) -> bool:
    """Whether a generator has been started; so has one that is over."""
    frame: FrameType | None = getattr(flow, "gi_frame", None)
    if frame is None or getattr(flow, "gi_running", False):
        return True
    return bool(getattr(flow, "gi_suspended", frame.f_lasti >= 0))  # Python 3.10 has only the last instruction


class FlowRunner(Generic[T]):
    """Runs a flow: carry out `step` and call `resume` until there is no step; then there is a `result`.

    Args:
        flow: what to run, which has not begun. It is started at once, up to its first step.

    Attributes:
        step: what to do next; None when the flow is over.

    Raises:
        BentoMLException: the flow failed, here or in `resume`.
        LocalProtocolError: the flow has begun before, or is none.
    """

    __slots__ = ("_flow", "_result", "_skipped", "step")

    def __init__(self, flow: Flow[T]) -> None:
        if not hasattr(flow, "send"):
            raise LocalProtocolError(f"a flow is a generator, and no {type(flow).__qualname__}")
        if _has_begun(flow):
            raise LocalProtocolError("the flow has begun before: make another one")
        self._flow = flow
        self._skipped = 0.0
        self._result: tuple[T, ...] = ()
        self.step: Step | None = None
        try:
            self.step = next(flow)
        except StopIteration as stop:
            self._result = (stop.value,)

    def resume(self, now: float) -> Step | None:
        """Resume the flow after its step was carried out.

        Args:
            now: the time of a monotonic clock, in seconds from any fixed point.

        Returns:
            The next `step`, which may be None.

        Raises:
            LocalProtocolError: there is no step, or its exchange is not carried out, or was closed, or `now` is no
                finite number; nothing changed.
        """
        if self.step is None:
            raise LocalProtocolError("the flow is over")
        exchange = self.step.exchange
        if exchange.wants_data:
            raise LocalProtocolError("the exchange of the step is not carried out yet")
        if exchange.state is State.CLOSED and not exchange.is_streaming:
            raise LocalProtocolError("the exchange of the step was closed: close the flow, too")
        time = now if type(now) is float and isfinite(now) else _seconds(now)
        if time is None:
            raise LocalProtocolError(f"a time is a number of seconds, and not {now!r}")
        self.step = None
        try:
            self.step = self._flow.send(time + self._skipped)
        except StopIteration as stop:
            self._result = (stop.value,)
        return self.step

    def skip(self, seconds: float) -> None:
        """Add seconds to the time that the flow sees: a wait that was simulated and not slept.

        Raises:
            LocalProtocolError: that is no finite number, or less than 0; nothing changed.
        """
        time = _seconds(seconds)
        if time is None or time < 0:
            raise LocalProtocolError(f"a time is a number of seconds from 0 up, and not {seconds!r}")
        self._skipped += time

    def close(self) -> None:
        """Close the flow. Idempotent.

        Raises:
            LocalProtocolError: the flow is running, which calls this; nothing changed.
        """
        if getattr(self._flow, "gi_running", False):
            raise LocalProtocolError("the flow is running")
        self.step = None
        self._flow.close()

    @property
    def result(self) -> T:
        """The result of the flow.

        Raises:
            LocalProtocolError: there is none: the flow is not over, failed, or was closed.
        """
        if not self._result:
            raise LocalProtocolError("the flow is not over" if self.step is not None else "the flow has no result")
        return self._result[0]
