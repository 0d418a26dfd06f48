"""Waiting for a task: how often to ask, and what to make of a question that got no answer."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from bento_proto._errors import CallTimeout
from bento_proto.http._dates import retry_after
from bento_proto.response._readers import whole_reader

from ._attempts import CallContext, attempts
from ._flow import Flow
from ._retry import NEVER, RetryPolicy
from ._tasks import ResultStatus, parse_status

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final

    from bento_proto.exchange._exchange import Exchange
    from bento_proto.http._messages import Request

_LAST_QUESTION: Final = 0.1  # seconds for the one that is asked when the time is up
_PASSING: Final = RetryPolicy(attempts=2, max_retry_after=math.inf, idempotent=True)  # asking again does no harm


class Poll(NamedTuple):
    """How often the server is asked whether a task is over, in seconds.

    The first question goes out at once. Each pause is shorter by up to a quarter, by chance, so that many clients do
    not ask all at the same moment; a ``Retry-After`` of the server makes it longer.

    Attributes:
        first: the pause after the first question.
        growth: how many times longer each further pause is.
        cap: the longest pause.
        patience: how long questions may go unanswered, if the wait has no timeout.
    """

    first: float = 0.1
    growth: float = 1.5
    cap: float = 5.0
    patience: float = 60.0

    @classmethod
    def of(cls, value: Poll | float | None) -> Poll:
        """A number means pauses of always that many seconds, None the default.

        Raises:
            ValueError: a number that makes no sense as such.
        """
        poll = cls() if value is None else value if isinstance(value, Poll) else cls(value, 1.0, value)
        if not (poll.first > 0 and poll.growth >= 1 and poll.cap > 0 and poll.patience >= 0):
            raise ValueError(f"can't ask at such intervals: {value!r}")
        return poll

    def pause(self, questions: int, chance: Callable[[], float]) -> float:
        """How long to wait after so many questions.

        Args:
            questions: how many there were.
            chance: gives a number from 0 to 1.
        """
        longest = min(self.cap, self.first * self.growth ** min(questions - 1, 99))
        return longest * (1 - chance() / 4)


def until_over(
    status: Request, task_id: str, seconds: float | None, poll: Poll, context: CallContext, now: float
) -> Flow[tuple[ResultStatus, float]]:
    """Ask where a task stands until it is over. A question that gets no answer is asked again.

    Args:
        status: asks where the task stands.
        task_id: what it is called.
        seconds: how long to wait; None for as long as it takes.
        poll: how often to ask.
        context: of the requests; each is sent once, and has its own time.
        now: what the clock reads.

    Returns:
        Where it stands, and what the clock reads.

    Raises:
        CallTimeout: it is not over in time; the cause is what the last question met, if it got no answer.
        NotFound: the server knows no such task.
        BentoMLException: the server refuses to tell; or, without a time, it did not answer for the poll's patience.
    """
    deadline = None if seconds is None else now + seconds
    reader, context = whole_reader(parse_status, context.limits.error), context._replace(retries=NEVER)
    last: ResultStatus | None = None
    delay, questions, answered = 0.0, 0, now
    while True:
        left = None if deadline is None else max(deadline - now - delay, _LAST_QUESTION)
        asking = context._replace(timeout=context.timeout.within(_shorter(context.timeout.total, left)))
        exchange = yield from attempts(status, reader, asking, now, asking.deadline(now + delay), delay=delay)
        now += exchange.elapsed
        error = exchange.error
        if error is None:
            last, answered = exchange.result, now
            if last.is_final:
                return last, now
        elif not isinstance(error, CallTimeout) and _PASSING.wait(exchange, 1, context.chance) is None:
            raise error
        if deadline is not None and now >= deadline:
            raise CallTimeout(_too_late(task_id, last, seconds)) from error
        if error is not None and deadline is None and now - answered >= poll.patience:
            raise error
        questions += 1
        delay = max(poll.pause(questions, context.chance), _asked_for(exchange))
        delay = min(delay, poll.patience if deadline is None else deadline - now)


def _shorter(total: float | None, left: float | None) -> float | None:
    return total if left is None else left if total is None else min(total, left)


def _asked_for(exchange: Exchange[object]) -> float:
    return (retry_after(exchange.head) if exchange.head is not None else None) or 0.0


def _too_late(task_id: str, last: ResultStatus | None, seconds: float | None) -> str:
    if last is None:
        return f"the server did not tell within {seconds:g} seconds where the task {task_id} stands"
    return f"the task {task_id} is {last.value.replace('_', ' ')} after {seconds:g} seconds"
