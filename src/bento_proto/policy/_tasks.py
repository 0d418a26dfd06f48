"""Tasks: what the server says of them, how often to ask, and what their result or failure is."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from enum import Enum
from typing import TYPE_CHECKING, Final, TypeVar

from bento_proto._frozen import Frozen
from bento_proto._text import is_unicode
from bento_proto.errors import BentoMLException, CallTimeout, RemoteProtocolError, TaskFailed, TaskNotCompleted
from bento_proto.http._dates import retry_after
from bento_proto.json import parse_json
from bento_proto.response._readers import document_reader

from ._attempts import send_request
from ._flow import Flow
from ._retry import NEVER, RetryPolicy

if TYPE_CHECKING:
    from bento_proto.exchange._body import Reader
    from bento_proto.exchange._exchange import Exchange
    from bento_proto.http._messages import Request

    from ._attempts import CallContext

T = TypeVar("T")

_LAST_REQUEST: Final = 0.1  # seconds for the one that is made when the timeout has expired
_TRANSIENT: Final = RetryPolicy(
    attempts=2, max_retry_after=math.inf, idempotent=True
)  # a status may be asked for again


class ResultStatus(Enum):
    """The status of a task, in the words of BentoML 1.4.14 and newer."""

    PENDING = "pending"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELED = "canceled"

    @property
    def is_final(self) -> bool:
        """Whether it will not change any more."""
        return self not in (ResultStatus.PENDING, ResultStatus.IN_PROGRESS)


# The words of BentoML before 1.4.14.
_OLDER: Final[Mapping[str, str]] = {"success": "completed", "failure": "failed", "cancelled": "canceled"}


class Poll(Frozen):
    """How often to ask the server for the status of a task.

    The first request goes out at once. Each pause is shortened by up to a quarter at random, so that many clients do
    not ask at the same moment; a ``Retry-After`` of the server makes it longer.

    Attributes:
        interval: seconds between the first request and the second.
        factor: by how much each further pause is longer than the one before.
        max_interval: the longest pause, in seconds.
        max_silence: how many seconds requests may fail, one after the other, if the wait itself has no timeout.
    """

    interval: float = 0.1
    factor: float = 1.5
    max_interval: float = 5.0
    max_silence: float = 60.0

    @classmethod
    def of(cls, value: Poll | float | None) -> Poll:
        """A number is a fixed interval in seconds, None the default.

        Raises:
            ValueError: a field is negative, or not positive where it has to be.
        """
        poll = cls() if value is None else value if isinstance(value, Poll) else cls(value, 1.0, value)
        if not (poll.interval > 0 and poll.factor >= 1 and poll.max_interval > 0 and poll.max_silence >= 0):
            raise ValueError(f"can't ask at such intervals: {value!r}")
        return poll

    def pause(self, requests: int, random: Callable[[], float]) -> float:
        """The pause after so many requests, in seconds.

        Args:
            requests: how many there were.
            random: returns a random number from 0 to 1.
        """
        longest = min(self.max_interval, self.interval * self.factor ** min(requests - 1, 99))
        return longest * (1 - random() / 4)


def parse_task_id(data: bytes) -> str:
    """The id in a response of ``/submit`` or ``/retry``.

    Raises:
        RemoteProtocolError: there is none.
    """
    said = parse_json(data)
    identifier = said.get("task_id") if isinstance(said, dict) else None
    if not isinstance(identifier, str) or not identifier or not is_unicode(identifier):
        raise RemoteProtocolError("the server's response has no task id")
    return identifier


def parse_status(data: bytes) -> ResultStatus:
    """The status in a response of ``/status``.

    Raises:
        RemoteProtocolError: it is not a known one.
    """
    said = parse_json(data)
    status = said.get("status") if isinstance(said, dict) else None
    try:
        return ResultStatus(_OLDER.get(status, status) if isinstance(status, str) else status)
    except ValueError:
        raise RemoteProtocolError(f"the server gives a task the status {str(status)[:100]!r}") from None


def until_over(
    status: Request, task_id: str, timeout: float | None, poll: Poll, context: CallContext, now: float
) -> Flow[tuple[ResultStatus, float]]:
    """Poll a task's status until it is final. A request that fails is made again.

    Args:
        status: requests the status.
        task_id: the task's id, for messages.
        timeout: how many seconds to wait; None for no limit.
        poll: how often to ask.
        context: of the requests; each is sent once, and has a timeout of its own.
        now: the time.

    Returns:
        The final status, and the time.

    Raises:
        CallTimeout: the task is not over in time; the cause is the error of the last request, if it failed.
        NotFound: the server knows no such task.
        BentoMLException: the server refuses to tell; or, without a timeout, requests failed for ``poll.max_silence``.
    """
    deadline = None if timeout is None else now + timeout
    reader, context = document_reader(parse_status, context.limits.error), context.replace(retries=NEVER)
    last: ResultStatus | None = None
    delay, requests, answered = 0.0, 0, now
    while True:
        left = None if deadline is None else max(deadline - now - delay, _LAST_REQUEST)
        asking = context.replace(timeout=context.timeout.within(_shorter(context.timeout.total, left)))
        ends = asking.deadline(now + delay)
        exchange = yield from send_request(status, reader, asking, now, ends, delay=delay, raising=False)
        now += exchange.elapsed
        error = exchange.error
        if error is None:
            last, answered = exchange.result, now
            if last.is_final:
                return last, now
        elif not isinstance(error, CallTimeout) and _TRANSIENT.wait(exchange, 1, context.random) is None:
            raise error
        if deadline is not None and now >= deadline:
            raise CallTimeout(_too_late(task_id, last, timeout)) from error
        if error is not None and deadline is None and now - answered >= poll.max_silence:
            raise error
        requests += 1
        delay = max(poll.pause(requests, context.random), _asked_for(exchange))
        delay = min(delay, poll.max_silence if deadline is None else deadline - now)


def _shorter(total: float | None, left: float | None) -> float | None:
    return total if left is None else left if total is None else min(total, left)


def _asked_for(exchange: Exchange[object]) -> float:
    return (retry_after(exchange.head) if exchange.head is not None else None) or 0.0


def _too_late(task_id: str, last: ResultStatus | None, timeout: float | None) -> str:
    if last is None:
        return f"the server gave no status of the task {task_id} within {timeout:g} seconds"
    return f"the task {task_id} is {last.value.replace('_', ' ')} after {timeout:g} seconds"


def outcome(get: Request, status: Request, reader: Reader[T], context: CallContext, now: float) -> Flow[Exchange[T]]:
    """Fetch a task's result; if there is none, find out why.

    The server responds alike whether the task is not over, is unknown, or has failed with that very status.

    Args:
        get: requests the result.
        status: requests the status.
        reader: reads the result.
        context: of the requests, all together.
        now: the time.

    Raises:
        TaskNotCompleted: there is no result yet.
        TaskFailed: the task failed, or was canceled; the cause is what a direct call would have raised.
        NotFound: the server knows no such task.
    """
    deadline = context.deadline(now)
    exchange = yield from send_request(get, reader, context, now, deadline, raising=False)
    now += exchange.elapsed
    error = _refusal(exchange)
    if error is None:
        return exchange
    reader_of_status, quiet = document_reader(parse_status, context.limits.error), context.replace(on_progress=None)
    asked = yield from send_request(status, reader_of_status, quiet, now, deadline, raising=False)
    if asked.error is not None:
        raise asked.error
    if not asked.result.is_final:
        raise _as(TaskNotCompleted, error) from error
    if error.error_code == 400:  # also the status for a task that is not over, and it may be over since
        exchange = yield from send_request(get, reader, context, now + asked.elapsed, deadline, raising=False)
        error = _refusal(exchange)
        if error is None:
            return exchange
    if asked.result is ResultStatus.FAILED:
        raise _as(TaskFailed, error) from error
    if asked.result is ResultStatus.CANCELED:
        raise _as(TaskFailed, error, "the task was canceled") from error
    raise error


def _refusal(exchange: Exchange[object]) -> BentoMLException | None:
    """The error of a response with an error status; None for a successful response.

    Raises:
        BentoMLException: there was no response, or an invalid one.
    """
    error = exchange.error
    if error is None or exchange.is_streaming:
        return None
    if error.error_code is None:
        raise error
    return error


def _as(kind: type[BentoMLException], error: BentoMLException, message: str | None = None) -> BentoMLException:
    found = kind(
        error.message if message is None else message,
        error_code=error.error_code,
        detail=error.detail,
        headers=error.headers,
        request_id=error.request_id,
    )
    found.curl, found.attempts, found.trace_id = error.curl, error.attempts, error.trace_id
    hint = ["result() waits for it, and get_status() says how far it is"] if kind is TaskNotCompleted else []
    found.__notes__ = [*vars(error).get("__notes__", ()), *hint]
    return found
