"""A handle on a task."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bento_proto import ResultStatus, Value

    from ._endpoint import EndpointMethod


class AsyncTask:
    """A call that the server runs in the background.

    Attributes:
        id: the server's id for it, by which ``client.endpoint.task(id)`` finds it again.
    """

    def __init__(self, task_id: str, endpoint: EndpointMethod) -> None:
        self.id: str = task_id
        self._endpoint = endpoint

    def __repr__(self) -> str:
        return f"<AsyncTask {self.id} of {self._endpoint.__name__}>"

    async def get_status(self) -> ResultStatus:
        """Where it stands.

        Raises:
            NotFound: the server does not know it.
        """
        return await self._endpoint.get_status(self.id)

    async def get(self) -> Value:
        """Its result, as a direct call would have given it.

        Raises:
            TaskNotCompleted: there is none yet.
            TaskFailed: it failed.
            NotFound: the server does not know it.
        """
        return await self._endpoint.get(self.id)

    async def cancel(self) -> None:
        """Cancel it.

        Raises:
            InvalidArgument: the server can't; BentoML's local server never can.
        """
        await self._endpoint.cancel(self.id)

    async def retry(self) -> AsyncTask:
        """Run it again, with the same input, as a new task.

        Raises:
            InvalidArgument: it is not over yet.
            NotFound: the server does not know it.
        """
        return await self._endpoint.retry(self.id)
