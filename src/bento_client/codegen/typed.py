"""The decorators with which generated modules declare endpoints, for type checkers and editors.

::

    class _Endpoints:
        if TYPE_CHECKING:

            @typed.endpoint
            def summarize(self, text: str) -> str: ...

In a subclass that is a sync or async client, ``client.summarize`` then has the type of a method with that signature and
with ``raw``, ``save``, ``map`` and the other methods of `EndpointMethod`. At run time nothing of this exists: as any
client does, a typed client creates its methods from the Service's schema.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable, Coroutine, Iterable, Iterator
from os import PathLike
from pathlib import Path
from typing import Any, Concatenate, Final, Literal, ParamSpec, Protocol, TypeVar, overload

from bento_async import AsyncBatch, AsyncCall, AsyncHTTPClient, AsyncStream, AsyncTask
from bento_proto import Endpoint, Response, ResultStatus, ServerSentEvent
from bento_proto.batch import OnError
from bento_proto.exchange import OnProgress
from bento_proto.policy import Poll
from bento_sync import Batch, Stream, SyncHTTPClient, Task

__all__ = (
    "AsyncMethod",
    "AsyncResultMethod",
    "AsyncTaskMethod",
    "Attribute",
    "Method",
    "ResultMethod",
    "TaskMethod",
    "endpoint",
    "stream",
    "task",
)

P = ParamSpec("P")
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
Called_co = TypeVar("Called_co", covariant=True)
Sync_co = TypeVar("Sync_co", covariant=True)
Async_co = TypeVar("Async_co", covariant=True)

_FOR_CHECKERS: Final = "declare endpoints under `if TYPE_CHECKING:`: the decorators are for type checkers only"


class Method(Protocol[P, T_co]):
    """A method of a sync client: `bento_sync.EndpointMethod` with the types of one endpoint."""

    @property
    def endpoint(self) -> Endpoint:
        """The endpoint, as the schema describes it."""
        ...

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T_co:
        """Call the endpoint."""
        ...

    def raw(self, *args: P.args, **kwargs: P.kwargs) -> Response[T_co]:
        """Call the endpoint; return the result with status, headers, cookies and request id."""
        ...

    def events(self, *args: P.args, **kwargs: P.kwargs) -> Stream[ServerSentEvent]:
        """Call the endpoint; return its text parsed as server-sent events."""
        ...

    def save(self, dest: str | PathLike[str], /, *args: P.args, **kwargs: P.kwargs) -> Path:
        """Call the endpoint and save the result to a file or into a directory; return the path."""
        ...


class ResultMethod(Method[P, T_co], Protocol[P, T_co]):
    """The method of an endpoint with a single result."""

    @overload
    def map(
        self,
        inputs: Iterable[Any],
        *,
        concurrency: int = 8,
        ordered: bool = True,
        on_error: Literal["raise", "skip"] = "raise",
        on_progress: OnProgress | None = None,
    ) -> Batch[T_co]: ...
    @overload
    def map(
        self,
        inputs: Iterable[Any],
        *,
        concurrency: int = 8,
        ordered: bool = True,
        on_error: Literal["return"],
        on_progress: OnProgress | None = None,
    ) -> Batch[T_co | Exception]: ...
    def map(
        self,
        inputs: Iterable[Any],
        *,
        concurrency: int = 8,
        ordered: bool = True,
        on_error: OnError = "raise",
        on_progress: OnProgress | None = None,
    ) -> Batch[T_co | Exception]:
        """Call the endpoint once for each input, several at a time. Only the types of the results are checked."""
        ...


class TaskMethod(ResultMethod[P, T], Protocol[P, T]):
    """The method of a task."""

    def submit(self, *args: P.args, **kwargs: P.kwargs) -> Task[T]:
        """Submit the call as a task; the server validates the arguments when the task runs."""
        ...

    def task(self, task_id: str) -> Task[T]:
        """The handle of a submitted task. Sends no request."""
        ...

    def get_status(self, task_id: str) -> ResultStatus:
        """The status of a task."""
        ...

    def wait(self, task_id: str, timeout: float | None = None, poll: Poll | float | None = None) -> ResultStatus:
        """Wait until a task has ended."""
        ...

    def get(self, task_id: str) -> T:
        """The result of a task."""
        ...

    def result(
        self, task_id: str, timeout: float | None = None, poll: Poll | float | None = None, *, cancel: bool = False
    ) -> T:
        """Wait until a task has ended; return its result."""
        ...

    def cancel(self, task_id: str) -> None:
        """Cancel a task."""
        ...

    def retry(self, task_id: str) -> Task[T]:
        """Run a task again."""
        ...


class AsyncMethod(Protocol[P, Called_co, T_co]):
    """A method of an async client: `bento_async.AsyncEndpointMethod` with the types of one endpoint.

    A call returns a coroutine with the result; of a stream, an `AsyncCall`, which is also an asynchronous generator.
    """

    @property
    def endpoint(self) -> Endpoint:
        """The endpoint, as the schema describes it."""
        ...

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Called_co:
        """Call the endpoint."""
        ...

    def raw(self, *args: P.args, **kwargs: P.kwargs) -> Coroutine[object, object, Response[T_co]]:
        """Call the endpoint; return the result with status, headers, cookies and request id."""
        ...

    def events(self, *args: P.args, **kwargs: P.kwargs) -> AsyncCall[AsyncStream[ServerSentEvent], ServerSentEvent]:
        """Call the endpoint; return its text parsed as server-sent events."""
        ...

    def save(self, dest: str | PathLike[str], /, *args: P.args, **kwargs: P.kwargs) -> Coroutine[object, object, Path]:
        """Call the endpoint and save the result to a file or into a directory; return the path."""
        ...


class AsyncResultMethod(AsyncMethod[P, Coroutine[Any, Any, T_co], T_co], Protocol[P, T_co]):
    """The method of an endpoint with a single result."""

    @overload
    def map(
        self,
        inputs: Iterable[Any] | AsyncIterable[Any],
        *,
        concurrency: int = 8,
        ordered: bool = True,
        on_error: Literal["raise", "skip"] = "raise",
        on_progress: OnProgress | None = None,
    ) -> AsyncBatch[T_co]: ...
    @overload
    def map(
        self,
        inputs: Iterable[Any] | AsyncIterable[Any],
        *,
        concurrency: int = 8,
        ordered: bool = True,
        on_error: Literal["return"],
        on_progress: OnProgress | None = None,
    ) -> AsyncBatch[T_co | Exception]: ...
    def map(
        self,
        inputs: Iterable[Any] | AsyncIterable[Any],
        *,
        concurrency: int = 8,
        ordered: bool = True,
        on_error: OnError = "raise",
        on_progress: OnProgress | None = None,
    ) -> AsyncBatch[T_co | Exception]:
        """Call the endpoint once for each input, several at a time. Only the types of the results are checked."""
        ...


class AsyncTaskMethod(AsyncResultMethod[P, T], Protocol[P, T]):
    """The method of a task."""

    def submit(self, *args: P.args, **kwargs: P.kwargs) -> Coroutine[object, object, AsyncTask[T]]:
        """Submit the call as a task; the server validates the arguments when the task runs."""
        ...

    def task(self, task_id: str) -> AsyncTask[T]:
        """The handle of a submitted task. Sends no request."""
        ...

    async def get_status(self, task_id: str) -> ResultStatus:
        """The status of a task."""
        ...

    async def wait(self, task_id: str, timeout: float | None = None, poll: Poll | float | None = None) -> ResultStatus:
        """Wait until a task has ended."""
        ...

    async def get(self, task_id: str) -> T:
        """The result of a task."""
        ...

    async def result(
        self, task_id: str, timeout: float | None = None, poll: Poll | float | None = None, *, cancel: bool = False
    ) -> T:
        """Wait until a task has ended; return its result."""
        ...

    async def cancel(self, task_id: str) -> None:
        """Cancel a task."""
        ...

    async def retry(self, task_id: str) -> AsyncTask[T]:
        """Run a task again."""
        ...


class Attribute(Protocol[Sync_co, Async_co]):
    """An endpoint as an attribute, whose type depends on whether the client is sync or async."""

    @overload
    def __get__(self, client: SyncHTTPClient, owner: type) -> Sync_co: ...
    @overload
    def __get__(self, client: AsyncHTTPClient, owner: type) -> Async_co: ...


def endpoint(signature: Callable[Concatenate[Any, P], T], /) -> Attribute[ResultMethod[P, T], AsyncResultMethod[P, T]]:
    """Declare an endpoint with a single result."""
    raise NotImplementedError(_FOR_CHECKERS)


def stream(
    signature: Callable[Concatenate[Any, P], Iterator[T]], /
) -> Attribute[Method[P, Stream[T]], AsyncMethod[P, AsyncCall[AsyncStream[T], T], AsyncStream[T]]]:
    """Declare an endpoint with a stream of results; the signature returns an iterator of its items."""
    raise NotImplementedError(_FOR_CHECKERS)


def task(signature: Callable[Concatenate[Any, P], T], /) -> Attribute[TaskMethod[P, T], AsyncTaskMethod[P, T]]:
    """Declare a task: an endpoint with a single result that can also be submitted."""
    raise NotImplementedError(_FOR_CHECKERS)
