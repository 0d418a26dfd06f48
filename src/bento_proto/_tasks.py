"""Tasks: what the server says of them, and what that means."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final, TypeVar

from ._errors import BentoMLException, RemoteProtocolError, TaskFailed, TaskNotCompleted
from ._flow import Flow
from ._json import parse_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ._exchange import Exchange

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
    if not isinstance(identifier, str) or not identifier or any("\ud800" <= c <= "\udfff" for c in identifier):
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


def outcome(fetching: Flow[Exchange[T]], ask: Callable[[], Flow[ResultStatus]]) -> Flow[Exchange[T]]:
    """Fetch a task's result; if there is none, find out why.

    The server answers alike whether the task is not over, is unknown, or has failed with that very status.

    Args:
        fetching: asks for the result.
        ask: asks where the task stands.

    Raises:
        TaskNotCompleted: there is no result yet.
        TaskFailed: the task failed; the cause is what a direct call would have raised.
        NotFound: the server knows no such task.
    """
    try:
        return (yield from fetching)
    except BentoMLException as error:
        if error.error_code is None:
            raise
        status = yield from ask()
        if status is ResultStatus.FAILED:
            kind: type[BentoMLException] = TaskFailed
        elif status.is_final:
            raise
        else:
            kind = TaskNotCompleted
        raise kind(
            error.message,
            error_code=error.error_code,
            detail=error.detail,
            headers=error.headers,
            request_id=error.request_id,
        ) from error
