"""Tasks: queueing, status, results, cancellation, as flows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, TypeVar

from bento_proto import exchange, request, schema
from bento_proto._text import one_line
from bento_proto.errors import BentoMLException, CallTimeout
from bento_proto.http._url import quote_segment
from bento_proto.policy._attempts import send_request
from bento_proto.policy._flow import Flow
from bento_proto.policy._retry import NEVER
from bento_proto.policy._tasks import Poll, ResultStatus, outcome, parse_status, parse_task_id, until_over
from bento_proto.response._readers import document_reader

from ._options import Options
from ._requests import Requests
from ._task import TaskHandle, TaskId, id_of

if TYPE_CHECKING:
    from bento_proto.http._messages import Request

T = TypeVar("T")

_CANCELING: Final = 5.0  # seconds for the server to cancel a task; that of BentoML 1.3 never responds


class Tasks:
    """The tasks of one Service: `Session.tasks`. Each method returns a `Flow`.

    Args:
        requests: the requests of the client.
    """

    def __init__(self, requests: Requests) -> None:
        self._requests = requests

    def submit(
        self, call: request.BoundCall, uploads: Sequence[request.Upload], boundary: str, options: Options, now: float
    ) -> Flow[str]:
        """Queue a call as a task; the result is its id. Arguments and errors are those of `Session.call`.

        Raises:
            TypeError: the endpoint is not a task.
        """
        if not call.endpoint.is_task:
            raise TypeError(f"{one_line(call.endpoint.name)}() is not a task")
        reader = document_reader(parse_task_id, self._requests.limits.error)
        exchange = yield from self._requests.post(call, "submit", reader, uploads, boundary, options, now)
        return exchange.result

    def status(self, endpoint: schema.Endpoint, task_id: TaskId, options: Options, now: float) -> Flow[ResultStatus]:
        """Get the status of a task.

        Raises:
            NotFound: the server has no such task.
        """
        exchange = yield from self._ask("GET", endpoint, "status", task_id, parse_status, options, now)
        return _noted(task_id, exchange.result)

    def wait(
        self,
        endpoint: schema.Endpoint,
        task_id: TaskId,
        seconds: float | None,
        poll: Poll | float | None,
        options: Options,
        now: float,
    ) -> Flow[ResultStatus]:
        """Wait until a task is over; the result is its status then.

        Args:
            endpoint: the endpoint of the task.
            task_id: the id of the task, or its handle.
            seconds: the longest time to wait; None for no limit.
            poll: the intervals of the status requests: see `Poll.of`.
            options: the options of each request.
            now: the current time.

        Raises:
            CallTimeout: the task is not over in time.
            NotFound: the server has no such task.
        """
        status, _ = yield from self._until_over(endpoint, task_id, seconds, poll, options, now)
        return status

    def get(
        self, endpoint: schema.Endpoint, task_id: TaskId, options: Options, now: float
    ) -> Flow[exchange.Exchange[object]]:
        """Get the result of a task, which is that of a direct call.

        Raises:
            TaskNotCompleted: the task has no result yet.
            TaskFailed: the task failed or was canceled; the cause is the error that a direct call would have raised.
            NotFound: the server has no such task.
        """
        get, status = (self._request("GET", endpoint, action, task_id, options) for action in ("get", "status"))
        context = self._requests.context(options, options.on_progress)
        return outcome(get, status, self._requests.reader(endpoint), context, now)

    def result(
        self,
        endpoint: schema.Endpoint,
        task_id: TaskId,
        seconds: float | None,
        poll: Poll | float | None,
        cancel: bool,
        options: Options,
        now: float,
    ) -> Flow[exchange.Exchange[object]]:
        """Wait until a task is over, and get its result. Arguments are those of `wait`.

        Args:
            endpoint: the endpoint of the task.
            task_id: the id of the task, or its handle.
            seconds: the longest time to wait, without that for the result; None for no limit.
            poll: the intervals of the status requests: see `Poll.of`.
            cancel: whether to cancel a task that is not over in time.
            options: the options of each request.
            now: the current time.

        Raises:
            CallTimeout: the task is not over in time; with ``cancel``, the message says whether it was canceled.
            TaskFailed, NotFound: as for `get`.
        """
        ends = now + (seconds or 0.0)
        try:
            _, now = yield from self._until_over(endpoint, task_id, seconds, poll, options, now)
        except CallTimeout as error:
            if cancel and seconds is not None:
                error.message += yield from self._canceled(endpoint, task_id, options, ends)
            raise
        return (yield from self.get(endpoint, task_id, options, now))

    def cancel(self, endpoint: schema.Endpoint, task_id: TaskId, options: Options, now: float) -> Flow[None]:
        """Cancel a task.

        Raises:
            InvalidArgument: the server does not support it; a local one never does.
        """
        yield from self._ask("PUT", endpoint, "cancel", task_id, bytes, options, now)

    def retry(self, endpoint: schema.Endpoint, task_id: TaskId, options: Options, now: float) -> Flow[str]:
        """Queue a task again, with the same input; the result is the id of the new task.

        Raises:
            InvalidArgument: the task is not over yet.
            NotFound: the server has no such task.
        """
        exchange = yield from self._ask("POST", endpoint, "retry", task_id, parse_task_id, options, now)
        return exchange.result

    def _until_over(
        self,
        endpoint: schema.Endpoint,
        task_id: TaskId,
        seconds: float | None,
        poll: Poll | float | None,
        options: Options,
        now: float,
    ) -> Flow[tuple[ResultStatus, float]]:
        if seconds is not None and not seconds >= 0:
            raise ValueError(f"a timeout must be a number of seconds from 0 up, or None: {seconds!r}")
        status = self._request("GET", endpoint, "status", task_id, options)
        context = self._requests.context(options)
        found, now = yield from until_over(status, id_of(task_id), seconds, Poll.of(poll), context, now)
        return _noted(task_id, found), now

    def _canceled(self, endpoint: schema.Endpoint, task_id: TaskId, options: Options, now: float) -> Flow[str]:
        """Cancel a task that is not over in time; the result is a text for the message of the timeout."""
        options = options.replace(timeout=options.timeout.within(_CANCELING), retries=NEVER)
        try:
            yield from self.cancel(endpoint, task_id, options, now)
        except BentoMLException as error:
            return f", and can't be canceled: {error}"
        return ", and is canceled now"

    def _ask(
        self,
        method: str,
        endpoint: schema.Endpoint,
        action: str,
        task_id: TaskId,
        parse: Callable[[bytes], T],
        options: Options,
        now: float,
    ) -> Flow[exchange.Exchange[T]]:
        request = self._request(method, endpoint, action, task_id, options)
        reader = document_reader(parse, self._requests.limits.error)
        return send_request(request, reader, self._requests.context(options), now)

    def _request(
        self, method: str, endpoint: schema.Endpoint, action: str, task_id: TaskId, options: Options
    ) -> Request:
        target = f"{self._requests.target(endpoint.route, action)}?task_id={quote_segment(id_of(task_id))}"
        return self._requests.make(method, target, None, (), options)


def _noted(task: TaskId, status: ResultStatus) -> ResultStatus:
    """The status, which the task's handle keeps, if it is given by that."""
    if isinstance(task, TaskHandle):
        task.last_status = status
    return status
