"""What a client does with tasks, as flows."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from ._flow import Flow
from ._operations import attempt
from ._outputs import whole_reader
from ._tasks import outcome, parse_status, parse_task_id
from ._url import quote_segment

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ._binding import Call
    from ._encoding import Upload
    from ._exchange import Exchange
    from ._messages import Request
    from ._options import Options
    from ._requests import Requests
    from ._schema import Endpoint
    from ._tasks import ResultStatus

T = TypeVar("T")


class Tasks:
    """The tasks of one Service: `Session.tasks`. A method returns a `Flow`, as those of the session do.

    Args:
        requests: makes the requests.
    """

    def __init__(self, requests: Requests) -> None:
        self._requests = requests

    def submit(self, call: Call, uploads: Sequence[Upload], boundary: str, options: Options, now: float) -> Flow[str]:
        """Queue a call as a task; the result is its id. Arguments and errors are those of `Session.call`.

        Raises:
            TypeError: the endpoint is no task.
        """
        if not call.endpoint.is_task:
            raise TypeError(f"{call.endpoint.name}() is no task")
        reader = whole_reader(parse_task_id, self._requests.limits.error)
        exchange = yield from self._requests.post(call, "submit", reader, uploads, boundary, options, now)
        return exchange.result

    def status(self, endpoint: Endpoint, task_id: str, options: Options, now: float) -> Flow[ResultStatus]:
        """Where a task stands.

        Raises:
            NotFound: the server knows no such task.
        """
        exchange = yield from self._ask("GET", endpoint, "status", task_id, parse_status, options, now)
        return exchange.result

    def result(self, endpoint: Endpoint, task_id: str, options: Options, now: float) -> Flow[Exchange[object]]:
        """The result of a task, as a direct call would have given it.

        Raises:
            TaskNotCompleted: there is none yet.
            TaskFailed: the task failed; the cause is what a direct call would have raised.
            NotFound: the server knows no such task.
        """
        get, status = (self._request("GET", endpoint, action, task_id, options) for action in ("get", "status"))
        return outcome(get, status, self._requests.reader(endpoint), self._requests.terms(options), now)

    def cancel(self, endpoint: Endpoint, task_id: str, options: Options, now: float) -> Flow[None]:
        """Cancel a task.

        Raises:
            InvalidArgument: the server can't; a local one never can.
        """
        yield from self._ask("PUT", endpoint, "cancel", task_id, bytes, options, now)

    def retry(self, endpoint: Endpoint, task_id: str, options: Options, now: float) -> Flow[str]:
        """Queue a task again, with the input that it had; the result is the new task's id.

        Raises:
            InvalidArgument: it is not over yet.
            NotFound: the server knows no such task.
        """
        exchange = yield from self._ask("POST", endpoint, "retry", task_id, parse_task_id, options, now)
        return exchange.result

    def _ask(
        self,
        method: str,
        endpoint: Endpoint,
        action: str,
        task_id: str,
        parse: Callable[[bytes], T],
        options: Options,
        now: float,
    ) -> Flow[Exchange[T]]:
        request = self._request(method, endpoint, action, task_id, options)
        reader = whole_reader(parse, self._requests.limits.error)
        return attempt(request, reader, self._requests.terms(options), now)

    def _request(self, method: str, endpoint: Endpoint, action: str, task_id: str, options: Options) -> Request:
        target = f"{self._requests.target(endpoint.route, action)}?task_id={quote_segment(task_id)}"
        return self._requests.make(method, target, None, (), options)
