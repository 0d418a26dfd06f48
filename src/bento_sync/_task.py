"""A handle on a task."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar, cast

if TYPE_CHECKING:
    from bento_proto import Poll, ResultStatus

    from ._endpoint import EndpointMethod

T = TypeVar("T")


class Task(Generic[T]):
    """A call that the server runs in the background.

    It outlives the process that submitted it: pickle the handle, or keep the `id`.

    Attributes:
        id: the server's id for it, by which ``client.endpoint.task(id)`` finds it again.
    """

    def __init__(self, task_id: str, endpoint: EndpointMethod) -> None:
        self.id: str = task_id
        self._endpoint = endpoint

    def __repr__(self) -> str:
        return f"<Task {self.id} of {self._endpoint.__name__}>"

    def get_status(self) -> ResultStatus:
        """Where it stands.

        Raises:
            NotFound: the server does not know it.
        """
        return self._endpoint.get_status(self.id)

    def wait(self, timeout: float | None = None, poll: Poll | float | None = None) -> ResultStatus:
        """Wait until it is over, however it ends.

        The server is asked at once, and then with pauses that grow. A question that gets no answer, since the
        connection breaks or the server is overloaded, is asked again.

        Args:
            timeout: how many seconds; 0 to ask just once, None for as long as it takes.
            poll: the seconds between two questions, or a `Poll`.

        Returns:
            ``COMPLETED``, ``FAILED`` or ``CANCELED``.

        Raises:
            CallTimeout: it is not over in time; the message says where it stands.
            NotFound: the server does not know it.
            BentoMLException: without a timeout, the server has not answered for the poll's ``patience``.
        """
        return self._endpoint.wait(self.id, timeout, poll)

    def get(self) -> T:
        """Its result, as a direct call would have given it.

        Raises:
            TaskNotCompleted: there is none yet.
            TaskFailed: it failed, or was canceled.
            NotFound: the server does not know it.
        """
        return cast("T", self._endpoint.get(self.id))

    def result(self, timeout: float | None = None, poll: Poll | float | None = None, *, cancel: bool = False) -> T:
        """Wait until it is over, as `wait` does, and get its result.

        Args:
            timeout: how many seconds to wait; None for as long as it takes. Fetching the result takes its own time.
            poll: the seconds between two questions, or a `Poll`.
            cancel: whether to cancel it if it is not over in time. The server has 5 seconds for that.

        Raises:
            TaskFailed: it failed, or was canceled; the cause is what a direct call would have raised.
            CallTimeout: it is not over in time; the message says where it stands, and whether it is canceled.
            NotFound: the server does not know it.
        """
        return cast("T", self._endpoint.result(self.id, timeout, poll, cancel=cancel))

    def cancel(self) -> None:
        """Cancel it.

        Raises:
            InvalidArgument: the server can't; BentoML's local server never can.
        """
        self._endpoint.cancel(self.id)

    def retry(self) -> Task[T]:
        """Run it again, with the same input, as a new task.

        Raises:
            InvalidArgument: it is not over yet.
            NotFound: the server does not know it.
        """
        return cast("Task[T]", self._endpoint.retry(self.id))
