"""The handle of a task, as the clients give it to their users: everything is asked of an endpoint's method."""

from __future__ import annotations

from typing import Generic, Protocol, TypeAlias, TypeVar, cast

from bento_proto import policy
from bento_proto._text import one_line

StatusT = TypeVar("StatusT")
ResultT = TypeVar("ResultT")
NoneT = TypeVar("NoneT")
TaskT = TypeVar("TaskT")


class TaskMethods(Protocol):
    """The method of an endpoint, as far as tasks need it."""

    __name__: str

    def get_status(self, task_id: TaskId, /) -> object: ...
    def wait(self, task_id: TaskId, timeout: float | None, poll: policy.Poll | float | None, /) -> object: ...
    def get(self, task_id: str, /) -> object: ...
    def result(
        self, task_id: TaskId, timeout: float | None, poll: policy.Poll | float | None, /, *, cancel: bool
    ) -> object: ...
    def cancel(self, task_id: str, /) -> object: ...
    def retry(self, task_id: str, /) -> object: ...


class TaskHandle:
    """What has the id of a task.

    Attributes:
        id: the server's id for it, by which ``client.endpoint.task(id)`` finds it again.
        last_status: the status that this handle last had from the server; None before it asked.
    """

    last_status: policy.ResultStatus | None = None

    def __init__(self, task_id: str) -> None:
        self.id: str = task_id


TaskId: TypeAlias = str | TaskHandle
"""A task, given by its id or its handle."""


def id_of(task: TaskId) -> str:
    """The id of a task.

    Raises:
        TypeError: it is given by something else than its id or its handle.
    """
    given = cast("object", task)
    if isinstance(given, str):
        return given
    if isinstance(given, TaskHandle):
        return given.id
    raise TypeError(f"a task is given by its id, a str, or its handle, not {given!r}")


class BaseTask(TaskHandle, Generic[StatusT, ResultT, NoneT, TaskT]):
    """A call that the server runs in the background.

    It outlives the process that submitted it: pickle the handle, or keep the `id`.

    Attributes:
        id: the server's id for it, by which ``client.endpoint.task(id)`` finds it again.
        last_status: the status that this handle last had from the server; None before it asked.
    """

    def __init__(self, task_id: str, endpoint: TaskMethods) -> None:
        super().__init__(task_id)
        self._endpoint = endpoint

    def __repr__(self) -> str:
        name = one_line(self._endpoint.__name__, 100)
        status = self.last_status
        state = "result() waits for it" if status is None or not status.is_final else status.value
        return f"<{type(self).__name__} {one_line(self.id, 100)} of {name}: {state}>"

    def _repr_html_(self) -> str:
        """What a notebook shows: the task, and its last known status, for which nothing is asked."""
        from bento_proto.html import card  # few look at it

        status = "submitted" if self.last_status is None else self.last_status.value
        title = f"{type(self).__name__} of {self._endpoint.__name__}"
        return card(title, status, self.id, body="<p><code>status</code> asks, <code>result()</code> waits for it</p>")

    def get_status(self) -> StatusT:
        """The task's status.

        Raises:
            NotFound: the server does not know the task.
        """
        return cast("StatusT", self._endpoint.get_status(self))

    @property
    def status(self) -> StatusT:
        """The same as `get_status`, which asks the server; of an async client's task, to be awaited."""
        return self.get_status()

    def wait(self, timeout: float | None = None, poll: policy.Poll | float | None = None) -> StatusT:
        """Wait until the task is over, however it ends.

        The server is asked at once, and then with pauses that grow. A question that gets no answer, since the
        connection breaks or the server is overloaded, is asked again.

        Args:
            timeout: how many seconds; 0 to ask just once, None for as long as it takes.
            poll: the seconds between two questions, or a `Poll`.

        Returns:
            ``COMPLETED``, ``FAILED`` or ``CANCELED``.

        Raises:
            CallTimeout: it is not over in time; the message says its status.
            NotFound: the server does not know the task.
            BentoMLException: without a timeout, requests failed for the poll's ``max_silence``.
        """
        return cast("StatusT", self._endpoint.wait(self, timeout, poll))

    def get(self) -> ResultT:
        """The task's result, as a direct call would have given it.

        Raises:
            TaskNotCompleted: there is none yet.
            TaskFailed: the task failed, or was canceled.
            NotFound: the server does not know the task.
        """
        return cast("ResultT", self._endpoint.get(self.id))

    def result(
        self, timeout: float | None = None, poll: policy.Poll | float | None = None, *, cancel: bool = False
    ) -> ResultT:
        """Wait until the task is over, as `wait` does, and get its result.

        Args:
            timeout: how many seconds to wait; None for as long as it takes. Fetching the result takes its own time.
            poll: the seconds between two questions, or a `Poll`.
            cancel: whether to cancel the task if it is not over in time. The server has 5 seconds for that.

        Raises:
            TaskFailed: it failed, or was canceled; the cause is what a direct call would have raised.
            CallTimeout: it is not over in time; the message says its status, and whether it is canceled.
            NotFound: the server does not know the task.
        """
        return cast("ResultT", self._endpoint.result(self, timeout, poll, cancel=cancel))

    def cancel(self) -> NoneT:
        """Cancel the task.

        Raises:
            InvalidArgument: the server can't; BentoML's local server never can.
        """
        return cast("NoneT", self._endpoint.cancel(self.id))

    def retry(self) -> TaskT:
        """Run the task again, with the same input, as a new task.

        Raises:
            InvalidArgument: it is not over yet.
            NotFound: the server does not know the task.
        """
        return cast("TaskT", self._endpoint.retry(self.id))
