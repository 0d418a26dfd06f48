"""The tasks of a double, as BentoML's server has them, at the pace of the test."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs

from bento_proto._types import JSON
from bento_proto.http._messages import Head
from bento_proto.json import to_json
from bento_proto.policy._tasks import ResultStatus
from bento_proto.session._responder import Event, Pause

from ._answers import whole

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

    from ._acts import Life

ACTIONS: Final = {"submit": "POST", "status": "GET", "get": "GET", "retry": "POST", "cancel": "PUT"}
"""The actions on tasks, each a suffix of the endpoint's route, with their methods."""

_LOCAL: Final[JSON] = {"error": "task cancellation is not supported in local development server"}
_TIME: Final = "2024-01-02T03:04:05"  # there is no clock here


class _Task:
    def __init__(
        self, life: Life, answer: tuple[Event, ...], again: Callable[[], Generator[Event, None, None]]
    ) -> None:
        self.life: Life = life
        self.answer: tuple[Event, ...] = answer
        self.again: Callable[[], Generator[Event, None, None]] = again
        self.asked: int = 0  # for its status
        self.was_canceled: bool = False

    @property
    def status(self) -> ResultStatus:
        if self.was_canceled:
            return ResultStatus.CANCELED
        if self.asked < self.life.pending:
            return ResultStatus.PENDING
        if self.asked < self.life.pending + self.life.in_progress:
            return ResultStatus.IN_PROGRESS
        if self.life.canceled:
            return ResultStatus.CANCELED
        succeeded = any(isinstance(event, Head) and event.status < 400 for event in self.answer)
        return ResultStatus.COMPLETED if succeeded else ResultStatus.FAILED


class Tasks:
    """The tasks that were submitted to a double."""

    def __init__(self) -> None:
        self._tasks: dict[str, _Task] = {}
        self._numbers = count(1)

    def submit(
        self, life: Life, answer: Iterable[Event], again: Callable[[], Generator[Event, None, None]]
    ) -> Generator[Event, None, None]:
        """Add a task; respond with its id.

        Args:
            life: its course.
            answer: the response to a direct call.
            again: submits it again.
        """
        identifier = f"{next(self._numbers):032x}"
        self._tasks[identifier] = _Task(life, tuple(event for event in answer if not isinstance(event, Pause)), again)
        yield from _said(200, {"task_id": identifier, "status": "in_progress"})

    def asked(self, action: str, query: str) -> Generator[Event, None, None]:
        """Respond to a request for a submitted task."""
        identifier = parse_qs(query).get("task_id", [""])[0]
        task = self._tasks.get(identifier)
        if not identifier:
            yield from _said(400, {"error": "task_id is required"})
        elif task is None:
            yield from _said(400, _LOCAL) if action == "cancel" else _said(404, {"error": "task_id not found"})
        elif action == "status":
            status = task.status
            task.asked += 1
            yield from _said(
                200,
                {
                    "task_id": identifier,
                    "status": status.value,
                    "created_at": _TIME,
                    "executed_at": _TIME if status.is_final else None,
                },
            )
        elif action == "cancel":
            yield from self._cancel(task, identifier)
        elif not task.status.is_final:
            yield from _said(400, {"error": "task ID is not completed yet"})
        elif action == "retry":
            yield from task.again()
        elif task.status is ResultStatus.CANCELED:
            yield from _said(400, {"error": "the task was canceled"})
        else:
            yield from task.answer

    def _cancel(self, task: _Task, identifier: str) -> Generator[Event, None, None]:
        if not task.life.cancelable:
            yield from _said(400, _LOCAL)
        elif task.status.is_final:
            yield from _said(400, {"error": "the task is over"})
        else:
            task.was_canceled = True
            yield from _said(200, {"task_id": identifier, "status": "canceled"})


def _said(status: int, value: JSON) -> Generator[Event, None, None]:
    data = to_json(value)
    return whole(status, {"content-type": "application/json", "content-length": str(len(data))}, data)
