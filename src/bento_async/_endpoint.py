"""An endpoint as a method of the client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Generic, TypeVar, cast

from bento_proto import BentoMLException, LocalProtocolError
from bento_proto.batch import BatchState
from bento_proto.request import bind
from bento_proto.schema import docstring_of, endpoint_for, signature_of

from ._call import AsyncCall

if TYPE_CHECKING:
    import inspect
    import os
    from collections.abc import AsyncIterable, Callable, Coroutine, Iterable, Mapping, Sequence
    from pathlib import Path

    from bento_proto import Endpoint, Response, ResultStatus, ServerSentEvent, Value
    from bento_proto.batch import OnError
    from bento_proto.exchange import OnProgress
    from bento_proto.policy import Poll
    from bento_proto.request import BoundCall

    from ._batch import AsyncBatch
    from ._calls import Calls
    from ._stream import AsyncStream
T = TypeVar("T")


class _Signature:
    """``__signature__`` of the methods, once it is known; the class itself has its own."""

    def __get__(self, method: AsyncEndpointMethod | None, owner: type) -> inspect.Signature:
        if method is None:
            raise AttributeError("__signature__")
        try:
            return signature_of(method.endpoint)
        except BentoMLException as exc:
            raise AttributeError("__signature__") from exc


class _Docstring:
    """``__doc__`` of the methods, made when it is asked for, once it is known; the class itself has its own."""

    def __init__(self, of_class: str | None) -> None:
        self._of_class = of_class

    def __get__(self, method: AsyncEndpointMethod | None, owner: type) -> str | None:
        try:
            return self._of_class if method is None else docstring_of(method.endpoint)
        except BentoMLException:
            return self._of_class


class AsyncEndpointMethod:
    """A method of the client that calls an endpoint of the Service.

    It can be used before the client knows the Service. Then a wrong name or argument raises where the call is awaited;
    once the Service is known, at the call itself, and ``inspect.signature``, ``help`` and the like see the endpoint's
    own signature.
    """

    __doc__ = cast("str | None", _Docstring(__doc__))
    __signature__: Final = _Signature()

    def __init__(self, calls: Calls, name: str, reserved: frozenset[str] | None = None) -> None:
        self._calls = calls
        self._reserved = reserved  # the names that the client uses itself, if this is its attribute's
        self.__name__: str = name
        self._endpoint: Endpoint | None = None
        if self._is_known:
            self.__name__ = self.endpoint.name
        self.__qualname__: str = self.__name__

    def __repr__(self) -> str:
        return f"<AsyncEndpointMethod {self.__name__}{signature_of(self.endpoint) if self._is_known else ''}>"

    @property
    def _is_known(self) -> bool:
        return self._calls.shared.session.service is not None

    @property
    def endpoint(self) -> Endpoint:
        """What the schema says of it.

        Raises:
            LocalProtocolError: the client does not know the Service yet.
            NotFound: the Service has no such endpoint.
        """
        if self._endpoint is None:
            session, name = self._calls.shared.session, self.__name__
            if session.service is None:
                raise LocalProtocolError("the Service is not known yet: `await client.connect()` first")
            found = name if self._reserved is None else endpoint_for(session.service, name, self._reserved)
            self._endpoint = session.endpoint(name if found is None else found)
        return self._endpoint

    def __call__(self, /, *args: Value, **kwargs: Value) -> AsyncCall[Value, Value]:
        """Call the endpoint with the arguments of the Service's own method.

        Returns:
            What to await for the result: a JSON value, ``str``, ``bytes``, a ``Path``, an image, an array or a frame;
            of a stream an `AsyncStream`. A stream can be iterated over and entered at once, too.

        Raises:
            TypeError, ValueError: an argument is wrong, or can't be sent.
            OSError: a file can't be read.
            BentoMLException: the call failed.
        """
        return AsyncCall(self.__name__, self._named(self._value(self._bound(args, kwargs))))

    def raw(self, /, *args: Value, **kwargs: Value) -> Coroutine[object, object, Response[Value]]:
        """Call the endpoint; return the result together with status, headers, cookies and request id."""
        return self._named(self._response(self._bound(args, kwargs)))

    def events(self, /, *args: Value, **kwargs: Value) -> AsyncCall[AsyncStream[ServerSentEvent], ServerSentEvent]:
        """Call the endpoint, whose text is server-sent events; return these."""
        return AsyncCall(self.__name__, self._named(self._events(self._bound(args, kwargs))))

    def save(self, dest: str | os.PathLike[str], /, *args: Value, **kwargs: Value) -> Coroutine[object, object, Path]:
        """Call the endpoint and write its answer to a file, as the bytes that come, whatever they are.

        The file appears when it is whole, and replaces one that is there; nothing else is left behind, however the
        call ends. The answer is not held in memory.

        Args:
            dest: the file; or the directory where it is to be, under the server's name for it, made safe.
            args: those of the endpoint.
            kwargs: those of the endpoint.

        Returns:
            Where it is.

        Raises:
            OSError: it can't be written there; if that can be known beforehand, nothing is sent.
            TypeError, ValueError, BentoMLException: as for a call.
        """
        return self._named(self._save(dest, self._bound(args, kwargs)))

    def map(
        self,
        inputs: Iterable[Value] | AsyncIterable[Value],
        *,
        concurrency: int = 8,
        ordered: bool = True,
        on_error: OnError = "raise",
        on_progress: OnProgress | None = None,
    ) -> AsyncBatch[Value]:
        """Call the endpoint with each of many inputs, some at a time.

        Any number of inputs takes the same memory: they are taken and called when their results are asked for, at most
        twice ``concurrency`` ahead. A call is that of this method: with the client's timeouts and retries.

        Args:
            inputs: any iterable, asynchronous or not, endless ones too. A mapping is keyword arguments, a tuple
                positional ones, anything else the only argument.
            concurrency: how many calls there are at a time.
            ordered: whether the results come in the order of the inputs, or as they arrive.
            on_error: what becomes of a call that fails: ``"raise"`` ends the batch with its error, after the results
                before it; ``"return"`` gives the exception in place of the result; ``"skip"`` leaves it out.
            on_progress: told how many calls are over, where the results are asked for.

        Returns:
            An iterator over the results, to be used in ``async with`` if it may be left early. Its ``outcomes()``
            gives each result with its input.

        Raises:
            TypeError: the endpoint is a stream.
            ValueError: an argument makes no sense.
        """
        if self._is_known:
            self._check_mappable(self.endpoint)
        from ._batch import AsyncBatch  # few have use for it, and all would wait for it

        window = BatchState(inputs, concurrency, ordered, on_error, on_progress)
        return AsyncBatch(self._one, inputs, concurrency, window)

    async def _one(self, args: Sequence[object], kwargs: Mapping[str, object]) -> Value:
        endpoint = await self._found()
        self._check_mappable(endpoint)
        return (await self._calls.call(bind(endpoint, args, kwargs))).value

    def _check_mappable(self, endpoint: Endpoint) -> None:
        if endpoint.output.is_stream:
            raise TypeError(f"{self.__name__}() is a stream, and map() for endpoints with one result")

    # --- as a task

    def submit(self, /, *args: Value, **kwargs: Value) -> Coroutine[object, object, AsyncTask[Value]]:
        """Queue the call as a task; the server checks its arguments when it runs.

        Raises:
            TypeError: the endpoint is no task, or an argument is wrong.
        """
        return self._named(self._submit(self._bound(args, kwargs)))

    def task(self, task_id: str) -> AsyncTask[Value]:
        """The handle of a task that was submitted before, here or elsewhere; asks the server nothing."""
        return AsyncTask(task_id, self)

    async def get_status(self, task_id: str) -> ResultStatus:
        """Where a task stands: see `AsyncTask.get_status`."""
        return await self._calls.task_status(await self._found(), task_id)

    async def wait(self, task_id: str, timeout: float | None = None, poll: Poll | float | None = None) -> ResultStatus:
        """Wait until a task is over: see `AsyncTask.wait`."""
        return await self._calls.wait_for_task(await self._found(), task_id, timeout, poll)

    async def get(self, task_id: str) -> Value:
        """The result of a task: see `AsyncTask.get`."""
        return (await self._calls.get_task(await self._found(), task_id)).value

    async def result(
        self, task_id: str, timeout: float | None = None, poll: Poll | float | None = None, *, cancel: bool = False
    ) -> Value:
        """The result of a task, once it is over: see `AsyncTask.result`."""
        return (await self._calls.task_result(await self._found(), task_id, timeout, poll, cancel)).value

    async def cancel(self, task_id: str) -> None:
        """Cancel a task: see `AsyncTask.cancel`."""
        await self._calls.cancel_task(await self._found(), task_id)

    async def retry(self, task_id: str) -> AsyncTask[Value]:
        """Run a task again: see `AsyncTask.retry`."""
        return self.task(await self._calls.retry_task(await self._found(), task_id))

    # --- what they share

    def _bound(self, args: Sequence[object], kwargs: Mapping[str, object]) -> Callable[[Endpoint], BoundCall]:
        """Binds the arguments: now, if the endpoint is known."""
        endpoint = self._endpoint
        if endpoint is None:
            if not self._is_known:
                return lambda endpoint: bind(endpoint, args, kwargs)
            endpoint = self.endpoint
        call = bind(endpoint, args, kwargs)
        return lambda _: call

    def _named(self, coroutine: Coroutine[object, object, T]) -> Coroutine[object, object, T]:
        """The same under the endpoint's name, which the warning has that it was not awaited."""
        setattr(coroutine, "__qualname__", self.__name__)  # noqa: B010 - of which only the class of coroutines knows
        return coroutine

    async def _found(self) -> Endpoint:
        await self._calls.connect()
        return self.endpoint

    async def _value(self, bound: Callable[[Endpoint], BoundCall]) -> Value:
        endpoint = self._endpoint
        if endpoint is None or not self._calls.is_connected:
            endpoint = await self._found()
        return (await self._calls.call(bound(endpoint))).value

    async def _response(self, bound: Callable[[Endpoint], BoundCall]) -> Response[Value]:
        return await self._calls.call(bound(await self._found()))

    async def _events(self, bound: Callable[[Endpoint], BoundCall]) -> AsyncStream[ServerSentEvent]:
        return await self._calls.events(bound(await self._found()))

    async def _save(self, dest: str | os.PathLike[str], bound: Callable[[Endpoint], BoundCall]) -> Path:
        return await self._calls.save(dest, bound(await self._found()))

    async def _submit(self, bound: Callable[[Endpoint], BoundCall]) -> AsyncTask[Value]:
        return self.task(await self._calls.submit(bound(await self._found())))


class AsyncTask(Generic[T]):
    """A call that the server runs in the background.

    It outlives the process that submitted it: pickle the handle, or keep the `id`.

    Attributes:
        id: the server's id for it, by which ``client.endpoint.task(id)`` finds it again.
    """

    def __init__(self, task_id: str, endpoint: AsyncEndpointMethod) -> None:
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

    async def wait(self, timeout: float | None = None, poll: Poll | float | None = None) -> ResultStatus:
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
        return await self._endpoint.wait(self.id, timeout, poll)

    async def get(self) -> T:
        """Its result, as a direct call would have given it.

        Raises:
            TaskNotCompleted: there is none yet.
            TaskFailed: it failed, or was canceled.
            NotFound: the server does not know it.
        """
        return cast("T", await self._endpoint.get(self.id))

    async def result(
        self, timeout: float | None = None, poll: Poll | float | None = None, *, cancel: bool = False
    ) -> T:
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
        return cast("T", await self._endpoint.result(self.id, timeout, poll, cancel=cancel))

    async def cancel(self) -> None:
        """Cancel it.

        Raises:
            InvalidArgument: the server can't; BentoML's local server never can.
        """
        await self._endpoint.cancel(self.id)

    async def retry(self) -> AsyncTask[T]:
        """Run it again, with the same input, as a new task.

        Raises:
            InvalidArgument: it is not over yet.
            NotFound: the server does not know it.
        """
        return cast("AsyncTask[T]", await self._endpoint.retry(self.id))
