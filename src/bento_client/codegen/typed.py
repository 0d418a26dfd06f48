"""What generated clients are written in, for type checkers and editors alone: a decorator for each kind of endpoint.

::

    class _Endpoints:
        if TYPE_CHECKING:

            @typed.endpoint
            def summarize(self, text: str) -> str: ...

Of a subclass that is a client, sync or async, ``client.summarize`` then is a method with that signature, and with
``raw``, ``save``, ``map`` and the others that `EndpointMethod` has. While a program runs none of this is there: the
client makes its methods from the Service's schema, as any client does.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any, Concatenate, Final, Literal, ParamSpec, Protocol, TypeVar, overload

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Callable, Coroutine, Iterable, Iterator
    from os import PathLike
    from pathlib import Path

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

_FOR_CHECKERS: Final = "endpoints are declared under `if TYPE_CHECKING:`, for type checkers only"


class Method(Protocol[P, T_co]):
    """An endpoint as a method of a sync client: see `bento_sync.EndpointMethod`."""

    endpoint: Endpoint
    """What the schema says of it."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T_co:
        """Call the endpoint."""
        ...

    def raw(self, *args: P.args, **kwargs: P.kwargs) -> Response[T_co]:
        """Call the endpoint; return the result together with status, headers, cookies and request id."""
        ...

    def events(self, *args: P.args, **kwargs: P.kwargs) -> Stream[ServerSentEvent]:
        """Call the endpoint, whose text is server-sent events; return these."""
        ...

    def save(self, dest: str | PathLike[str], /, *args: P.args, **kwargs: P.kwargs) -> Path:
        """Call the endpoint and write its answer to a file, or into a directory; return where it is."""
        ...


class ResultMethod(Method[P, T_co], Protocol[P, T_co]):
    """An endpoint with one result."""

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
        """Call the endpoint with each of many inputs, some at a time. Their types are not checked, the results' are."""
        ...


class TaskMethod(ResultMethod[P, T], Protocol[P, T]):
    """An endpoint that can also run as a task."""

    def submit(self, *args: P.args, **kwargs: P.kwargs) -> Task[T]:
        """Queue the call as a task; the server checks its arguments when it runs."""
        ...

    def task(self, task_id: str) -> Task[T]:
        """The handle of a task that was submitted before, here or elsewhere; asks the server nothing."""
        ...

    def get_status(self, task_id: str) -> ResultStatus:
        """Where a task stands."""
        ...

    def wait(self, task_id: str, timeout: float | None = None, poll: Poll | float | None = None) -> ResultStatus:
        """Wait until a task is over."""
        ...

    def get(self, task_id: str) -> T:
        """The result of a task."""
        ...

    def result(
        self, task_id: str, timeout: float | None = None, poll: Poll | float | None = None, *, cancel: bool = False
    ) -> T:
        """The result of a task, once it is over."""
        ...

    def cancel(self, task_id: str) -> None:
        """Cancel a task."""
        ...

    def retry(self, task_id: str) -> Task[T]:
        """Run a task again."""
        ...


class AsyncMethod(Protocol[P, Called_co, T_co]):
    """An endpoint as a method of an async client: see `bento_async.EndpointMethod`.

    A call of it is an `Awaitable` of the result; of a stream an `AsyncCall`, to iterate over.
    """

    @property
    def endpoint(self) -> Endpoint:
        """What the schema says of it."""
        ...

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Called_co:
        """Call the endpoint."""
        ...

    def raw(self, *args: P.args, **kwargs: P.kwargs) -> Coroutine[object, object, Response[T_co]]:
        """Call the endpoint; return the result together with status, headers, cookies and request id."""
        ...

    def events(self, *args: P.args, **kwargs: P.kwargs) -> AsyncCall[AsyncStream[ServerSentEvent], ServerSentEvent]:
        """Call the endpoint, whose text is server-sent events; return these."""
        ...

    def save(self, dest: str | PathLike[str], /, *args: P.args, **kwargs: P.kwargs) -> Coroutine[object, object, Path]:
        """Call the endpoint and write its answer to a file, or into a directory; return where it is."""
        ...


class AsyncResultMethod(AsyncMethod[P, Awaitable[T_co], T_co], Protocol[P, T_co]):
    """An endpoint with one result."""

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
        """Call the endpoint with each of many inputs, some at a time. Their types are not checked, the results' are."""
        ...


class AsyncTaskMethod(AsyncResultMethod[P, T], Protocol[P, T]):
    """An endpoint that can also run as a task."""

    def submit(self, *args: P.args, **kwargs: P.kwargs) -> Coroutine[object, object, AsyncTask[T]]:
        """Queue the call as a task; the server checks its arguments when it runs."""
        ...

    def task(self, task_id: str) -> AsyncTask[T]:
        """The handle of a task that was submitted before, here or elsewhere; asks the server nothing."""
        ...

    async def get_status(self, task_id: str) -> ResultStatus:
        """Where a task stands."""
        ...

    async def wait(self, task_id: str, timeout: float | None = None, poll: Poll | float | None = None) -> ResultStatus:
        """Wait until a task is over."""
        ...

    async def get(self, task_id: str) -> T:
        """The result of a task."""
        ...

    async def result(
        self, task_id: str, timeout: float | None = None, poll: Poll | float | None = None, *, cancel: bool = False
    ) -> T:
        """The result of a task, once it is over."""
        ...

    async def cancel(self, task_id: str) -> None:
        """Cancel a task."""
        ...

    async def retry(self, task_id: str) -> AsyncTask[T]:
        """Run a task again."""
        ...


class Attribute(Protocol[Sync_co, Async_co]):
    """What an endpoint is as an attribute: one thing of a sync client, and another of an async one."""

    @overload
    def __get__(self, client: SyncHTTPClient, owner: type) -> Sync_co: ...
    @overload
    def __get__(self, client: AsyncHTTPClient, owner: type) -> Async_co: ...


def endpoint(signature: Callable[Concatenate[Any, P], T], /) -> Attribute[ResultMethod[P, T], AsyncResultMethod[P, T]]:
    """Declare an endpoint that gives one value."""
    raise NotImplementedError(_FOR_CHECKERS)


def stream(
    signature: Callable[Concatenate[Any, P], Iterator[T]], /
) -> Attribute[Method[P, Stream[T]], AsyncMethod[P, AsyncCall[AsyncStream[T], T], AsyncStream[T]]]:
    """Declare an endpoint that gives a stream, as if it returned an iterator of its items."""
    raise NotImplementedError(_FOR_CHECKERS)


def task(signature: Callable[Concatenate[Any, P], T], /) -> Attribute[TaskMethod[P, T], AsyncTaskMethod[P, T]]:
    """Declare an endpoint that gives one value, and can be submitted as a task."""
    raise NotImplementedError(_FOR_CHECKERS)
