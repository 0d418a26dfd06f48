"""A task that was submitted."""

from __future__ import annotations

from typing import Generic, TypeVar

from bento_proto import ResultStatus
from bento_proto.session import BaseTask

T = TypeVar("T")


class Task(BaseTask[ResultStatus, T, None, "Task[T]"], Generic[T]):
    """A call that the server runs in the background.

    It outlives the process that submitted it: pickle the handle, or keep the `id`.
    """

    def done(self) -> bool:
        """Whether the task is over, however it ended. Asks the server."""
        return self.get_status().is_final
