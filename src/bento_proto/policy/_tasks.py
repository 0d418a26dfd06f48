"""Tasks: what the server says of them, and what that means."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, TypeVar

from bento_proto._errors import BentoMLException, RemoteProtocolError, TaskFailed, TaskNotCompleted
from bento_proto._text import is_unicode
from bento_proto.json import parse_json
from bento_proto.response._readers import whole_reader

from ._attempts import attempts
from ._flow import Flow

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Final

    from bento_proto.exchange._body import ReaderFactory
    from bento_proto.exchange._exchange import Exchange
    from bento_proto.http._messages import Request

    from ._attempts import CallContext

T = TypeVar("T")


class ResultStatus(Enum):
    """Where a task stands, in the words of BentoML 1.4.14 and newer."""

    PENDING = "pending"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELED = "canceled"

    @property
    def is_final(self) -> bool:
        """Whether it will not change any more."""
        return self not in (ResultStatus.PENDING, ResultStatus.IN_PROGRESS)


# BentoML before 1.4.14 says it in other words.
_OLDER: Final[Mapping[str, str]] = {"success": "completed", "failure": "failed", "cancelled": "canceled"}


def parse_task_id(data: bytes) -> str:
    """The id in the answer to ``/submit`` or ``/retry``.

    Raises:
        RemoteProtocolError: there is none.
    """
    said = parse_json(data)
    identifier = said.get("task_id") if isinstance(said, dict) else None
    if not isinstance(identifier, str) or not identifier or not is_unicode(identifier):
        raise RemoteProtocolError("the server's answer names no task")
    return identifier


def parse_status(data: bytes) -> ResultStatus:
    """The status in the answer to ``/status``.

    Raises:
        RemoteProtocolError: it is none of the known ones.
    """
    said = parse_json(data)
    status = said.get("status") if isinstance(said, dict) else None
    try:
        return ResultStatus(_OLDER.get(status, status) if isinstance(status, str) else status)
    except ValueError:
        raise RemoteProtocolError(f"the server gives a task the status {str(status)[:100]!r}") from None


def outcome(
    get: Request, status: Request, reader: ReaderFactory[T], context: CallContext, now: float
) -> Flow[Exchange[T]]:
    """Fetch a task's result; if there is none, find out why.

    The server answers alike whether the task is not over, is unknown, or has failed with that very status.

    Args:
        get: asks for the result.
        status: asks where the task stands.
        reader: reads the result.
        context: of the requests, all together.
        now: what the clock reads.

    Raises:
        TaskNotCompleted: there is no result yet.
        TaskFailed: the task failed, or was canceled; the cause is what a direct call would have raised.
        NotFound: the server knows no such task.
    """
    deadline = context.deadline(now)
    exchange = yield from attempts(get, reader, context, now, deadline)
    now += exchange.elapsed
    error = _refused(exchange)
    if error is None:
        return exchange
    reader_of_status, quiet = whole_reader(parse_status, context.limits.error), context._replace(on_progress=None)
    asked = yield from attempts(status, reader_of_status, quiet, now, deadline)
    if asked.error is not None:
        raise asked.error
    if not asked.result.is_final:
        raise _as(TaskNotCompleted, error) from error
    if error.error_code == 400:  # that is also what is said of one that is not over, and it may be since
        exchange = yield from attempts(get, reader, context, now + asked.elapsed, deadline)
        error = _refused(exchange)
        if error is None:
            return exchange
    if asked.result is ResultStatus.FAILED:
        raise _as(TaskFailed, error) from error
    if asked.result is ResultStatus.CANCELED:
        raise _as(TaskFailed, error, "the task was canceled") from error
    raise error


def _refused(exchange: Exchange[object]) -> BentoMLException | None:
    """The server's refusal; None if the answer was accepted.

    Raises:
        BentoMLException: there was no answer, or one that makes no sense.
    """
    error = exchange.error
    if error is None or exchange.is_streaming:
        return None
    if error.error_code is None:
        raise error
    return error


def _as(kind: type[BentoMLException], error: BentoMLException, message: str | None = None) -> BentoMLException:
    return kind(
        error.message if message is None else message,
        error_code=error.error_code,
        detail=error.detail,
        headers=error.headers,
        request_id=error.request_id,
    )
