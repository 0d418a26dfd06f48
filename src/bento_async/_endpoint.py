"""An endpoint as a method of the client, and a task that it submits."""

from __future__ import annotations

import asyncio
import inspect
import sys
from collections.abc import AsyncIterable, Callable, Coroutine, Iterable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Final, Generic, TypeAlias, TypeVar, cast

import bento_async
from bento_proto import Endpoint, Response, ResultStatus, Value, batch, policy, response, session
from bento_proto.request import bind
from bento_proto.session import AsyncCall, AsyncStream, BaseTask, EndpointMethodBase, TaskId, ValueCall

if TYPE_CHECKING:
    from bento_proto.request import BoundCall, Upload
    from bento_proto.session import ActiveStream, Options

    Base: TypeAlias = EndpointMethodBase[
        Iterable[Value] | AsyncIterable[Value], bento_async.AsyncBatch[Value], AsyncCall[Value, Value]
    ]
else:
    Base = EndpointMethodBase

T = TypeVar("T")
F = TypeVar("F", bound="Callable[..., object]")

_ValueCall: Final = cast(
    "type[AsyncCall[Value, Value]]", ValueCall
)  # a type checker can't know which of both a call is


def coroutine_function(function: F) -> F:
    """Mark what returns a coroutine, for ``inspect.iscoroutinefunction`` or its elder in asyncio."""
    if sys.version_info >= (3, 12):
        return inspect.markcoroutinefunction(function)
    setattr(function, "_is_coroutine", vars(asyncio.coroutines)["_is_coroutine"])  # noqa: B010 - no type has it
    return function


@coroutine_function
class AsyncEndpointMethod(Base):
    """A method of the client that calls an endpoint of the Service.

    It can be used before the client knows the Service. Then a wrong name or argument raises where the call is awaited;
    once the Service is known, at the call itself, and ``inspect.signature``, ``help`` and the like see the endpoint's
    own signature.
    """

    def __init__(self, driver: session.AsyncDriver, name: str, reserved: frozenset[str] | None = None) -> None:
        super().__init__(driver.session, name, reserved)
        self._driver = driver

    _awaited = True

    def __call__(self, /, *args: Value, **kwargs: Value) -> AsyncCall[Value, Value]:
        """Call the endpoint with the arguments of the Service's own method.

        Returns:
            A coroutine with the result: a JSON value, ``str``, ``bytes``, a ``Path``, an image, an array or a frame; of
            a stream an `AsyncStream`. A stream can be iterated over and entered at once, too: until the Service is
            known, any call can be both, and then only those of streams are.

        Raises:
            TypeError, ValueError: an argument is wrong, or can't be sent.
            OSError: a file can't be read.
            BentoMLException: the call failed.
        """
        coroutine = self._value(self._bound(args, kwargs))
        if self._endpoint is not None and not self._endpoint.output.is_stream:
            return _ValueCall(self.__name__, coroutine)
        return AsyncCall(self.__name__, coroutine)

    @coroutine_function
    def raw(self, /, *args: Value, **kwargs: Value) -> Coroutine[object, object, Response[Value]]:
        """Call the endpoint; return the result together with status, headers, cookies and request id."""
        return self._named(self._response(self._bound(args, kwargs)))

    def events(
        self, /, *args: Value, **kwargs: Value
    ) -> AsyncCall[AsyncStream[response.ServerSentEvent], response.ServerSentEvent]:
        """Call the endpoint, whose text is server-sent events; return these."""
        return AsyncCall(self.__name__, self._events(self._bound(args, kwargs)))

    @coroutine_function
    def save(self, dest: str | PathLike[str], /, *args: Value, **kwargs: Value) -> Coroutine[object, object, Path]:
        """Call the endpoint and write its response to a file, as the bytes that come, whatever they are.

        The file appears when it is complete, and replaces one that is there; nothing else is left behind, however the
        call ends. The response is not held in memory.

        Args:
            dest: the file; or the directory where it is to be, under the server's name for it, made safe.
            args: those of the endpoint.
            kwargs: those of the endpoint.

        Returns:
            The file's path.

        Raises:
            OSError: it can't be written there; if that can be known beforehand, nothing is sent.
            TypeError, ValueError, BentoMLException: as for a call.
        """
        return self._named(self._save(dest, self._bound(args, kwargs)))

    @property
    def _options(self) -> Options:
        return self._driver.options

    def _batch(
        self, inputs: Iterable[Value] | AsyncIterable[Value], state: batch.BatchState, options: Options
    ) -> bento_async.AsyncBatch[Value]:
        method = AsyncEndpointMethod(self._driver.under(options), self.__name__, self._reserved)
        return bento_async.AsyncBatch(method._one, inputs, state)

    async def _one(self, args: Sequence[object], kwargs: Mapping[str, object]) -> Value:
        endpoint = await self._found()
        self._check_mappable(endpoint)
        return (await self._driver.call(bind(endpoint, args, kwargs)))[0]

    @coroutine_function
    def submit(self, /, *args: Value, **kwargs: Value) -> Coroutine[object, object, AsyncTask[Value]]:
        """Queue the call as a task; the server checks its arguments when it runs.

        Raises:
            TypeError: the endpoint is no task, or an argument is wrong.
        """
        return self._named(self._submit(self._bound(args, kwargs)))

    def task(self, task_id: str) -> AsyncTask[Value]:
        """The handle of a task that was submitted before, here or elsewhere; asks the server nothing."""
        return AsyncTask(task_id, self)

    async def get_status(self, task_id: TaskId) -> ResultStatus:
        """Where a task stands: see `AsyncTask.get_status`."""
        return await self._driver.result(self._driver.session.tasks.status, await self._found(), task_id)

    async def wait(
        self, task_id: TaskId, timeout: float | None = None, poll: policy.Poll | float | None = None
    ) -> ResultStatus:
        """Wait until a task is over: see `AsyncTask.wait`."""
        return await self._driver.result(self._driver.session.tasks.wait, await self._found(), task_id, timeout, poll)

    async def get(self, task_id: TaskId) -> Value:
        """The result of a task: see `AsyncTask.get`."""
        endpoint = await self._found()
        return await self._driver.fetch(endpoint, self._driver.session.tasks.get, endpoint, task_id)

    async def result(
        self,
        task_id: TaskId,
        timeout: float | None = None,
        poll: policy.Poll | float | None = None,
        *,
        cancel: bool = False,
    ) -> Value:
        """The result of a task, once it is over: see `AsyncTask.result`."""
        endpoint, tasks = await self._found(), self._driver.session.tasks
        return await self._driver.fetch(endpoint, tasks.result, endpoint, task_id, timeout, poll, cancel)

    async def cancel(self, task_id: TaskId) -> None:
        """Cancel a task: see `AsyncTask.cancel`."""
        await self._driver.result(self._driver.session.tasks.cancel, await self._found(), task_id)

    async def retry(self, task_id: TaskId) -> AsyncTask[Value]:
        """Run a task again: see `AsyncTask.retry`."""
        return self.task(await self._driver.result(self._driver.session.tasks.retry, await self._found(), task_id))

    def _named(self, coroutine: Coroutine[object, object, T]) -> Coroutine[object, object, T]:
        """The same under the endpoint's name, which the warning has that it was not awaited."""
        setattr(coroutine, "__qualname__", self.__name__)  # noqa: B010 - of which only the class of coroutines knows
        return coroutine

    async def _found(self) -> Endpoint:
        if self._endpoint is None or not self._session.is_connected:
            await self._driver.connect()
        return self._endpoint or self.endpoint

    async def _prepared(self, bound: Callable[[Endpoint], BoundCall]) -> tuple[BoundCall, Sequence[Upload], str]:
        return await self._driver.prepare(bound(await self._found()))

    async def _value(self, bound: Callable[[Endpoint], BoundCall]) -> Value:
        return (await self._driver.call(bound(await self._found())))[0]

    async def _response(self, bound: Callable[[Endpoint], BoundCall]) -> Response[Value]:
        return Response.of(*await self._driver.call(bound(await self._found())))

    async def _events(self, bound: Callable[[Endpoint], BoundCall]) -> AsyncStream[response.ServerSentEvent]:
        _, active = await self._driver.run(self._driver.session.events, *await self._prepared(bound))
        return AsyncStream(cast("ActiveStream[response.ServerSentEvent]", active))

    async def _save(self, dest: str | PathLike[str], bound: Callable[[Endpoint], BoundCall]) -> Path:
        prepared = await self._prepared(bound)
        return await self._driver.save(dest, self.endpoint.name, self._driver.session.content, *prepared)

    async def _submit(self, bound: Callable[[Endpoint], BoundCall]) -> AsyncTask[Value]:
        return self.task(await self._driver.result(self._driver.session.tasks.submit, *await self._prepared(bound)))


class AsyncTask(
    BaseTask[
        Coroutine[object, object, ResultStatus],
        Coroutine[object, object, T],
        Coroutine[object, object, None],
        Coroutine[object, object, "AsyncTask[T]"],
    ],
    Generic[T],
):
    """A call that the server runs in the background.

    It outlives the process that submitted it: pickle the handle, or keep the `id`.
    """

    async def done(self) -> bool:
        """Whether the task is over, however it ended. Asks the server."""
        return (await self.get_status()).is_final
