"""Policy as generators: they yield what to do next and never do it.

A flow yields one kind of thing, a `Step`, and is sent one kind of thing back: what the clock reads after it.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Generic, TypeAlias, TypeVar

from bento_proto._errors import LocalProtocolError
from bento_proto._frozen import Frozen
from bento_proto.exchange._exchange import Exchange, State
from bento_proto.http._limits import Timeout

T = TypeVar("T")


class Step(Frozen):
    """Wait, then carry out an exchange until it no longer `wants_body <Exchange.wants_body>`.

    Attributes:
        exchange: what to send, and what takes the answer.
        timeout: how long to wait for what.
        delay: seconds to wait before.
        fresh: whether it has to be a new connection, since a kept-alive one has just turned out to be closed.
    """

    exchange: Exchange[object]
    timeout: Timeout
    delay: float = 0.0
    fresh: bool = False


Flow: TypeAlias = Generator[Step, float, T]


class FlowRunner(Generic[T]):
    """A flow on its way: carry out `step`, then `resume`, until there is none; then there is a `result`.

    Args:
        flow: what to run. It starts at once, up to its first step.

    Attributes:
        step: what to do next; None when the flow is over.

    Raises:
        BentoMLException: the flow gives up, here or in `resume`.
    """

    __slots__ = ("_flow", "_result", "_skipped", "step")

    def __init__(self, flow: Flow[T]) -> None:
        self._flow = flow
        self._skipped = 0.0
        self._result: tuple[T, ...] = ()
        self.step: Step | None = None
        try:
            self.step = next(flow)
        except StopIteration as stop:
            self._result = (stop.value,)

    def resume(self, now: float) -> Step | None:
        """Tell the flow that its step is over.

        Args:
            now: what the clock reads, in seconds from any fixed point.

        Returns:
            The next `step`, which may be None.

        Raises:
            LocalProtocolError: there is no step, or its exchange is not through; nothing changed.
        """
        if self.step is None:
            raise LocalProtocolError("the flow is over")
        exchange = self.step.exchange
        if not exchange.is_over and (exchange.state is State.WAITING or exchange.wants_body):
            raise LocalProtocolError("the exchange of the step is not carried out yet")
        self.step = None
        try:
            self.step = self._flow.send(now + self._skipped)
        except StopIteration as stop:
            self._result = (stop.value,)
        return self.step

    def skip(self, seconds: float) -> None:
        """Let the flow take time for gone that nobody waited for, on top of what the clock reads."""
        self._skipped += seconds

    def close(self) -> None:
        """Drop the flow, over or not."""
        self.step = None
        self._flow.close()

    @property
    def result(self) -> T:
        """What the flow came to.

        Raises:
            LocalProtocolError: it came to nothing: it is not over, failed, or was closed.
        """
        if not self._result:
            raise LocalProtocolError("the flow is not over" if self.step is not None else "the flow has no result")
        return self._result[0]
