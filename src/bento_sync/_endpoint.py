"""An endpoint as a method of the client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Generic, TypeVar, cast

from bento_proto.batch import BatchState
from bento_proto.schema import docstring_of, signature_of

if TYPE_CHECKING:
    import inspect
    import os
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from bento_proto import Endpoint, Response, ResultStatus, ServerSentEvent, Value
    from bento_proto.batch import OnError
    from bento_proto.exchange import OnProgress
    from bento_proto.policy import Poll

    from ._batch import Batch
    from ._calls import Calls
    from ._stop import Stop
    from ._stream import Stream


class _Signature:
    """``__signature__`` of the methods; the class itself has its own."""

    def __get__(self, method: EndpointMethod | None, owner: type) -> inspect.Signature:
        if method is None:
            raise AttributeError("__signature__")
        return signature_of(method.endpoint)


T = TypeVar("T")


class _Docstring:
    """``__doc__`` of the methods, made when it is asked for; the class itself has its own."""

    def __init__(self, of_class: str | None) -> None:
        self._of_class = of_class

    def __get__(self, method: EndpointMethod | None, owner: type) -> str | None:
        return self._of_class if method is None else docstring_of(method.endpoint)


class EndpointMethod:
    """A method of the client that calls an endpoint of the Service.

    ``inspect.signature``, ``help`` and the like see the endpoint's own signature.

    Attributes:
        endpoint: what the schema says of it.
    """

    __doc__ = cast("str | None", _Docstring(__doc__))
    __signature__: Final = _Signature()

    def __init__(self, calls: Calls, endpoint: Endpoint) -> None:
        self._calls = calls
        self.endpoint: Endpoint = endpoint
        self.__name__: str = endpoint.name
        self.__qualname__: str = endpoint.name

    def __repr__(self) -> str:
        return f"<EndpointMethod {self.__name__}{signature_of(self.endpoint)}>"

    def __call__(self, /, *args: Value, **kwargs: Value) -> Value:
        """Call the endpoint with the arguments of the Service's own method.

        Returns:
            The result: a JSON value, ``str``, ``bytes``, a ``Path``, an image, an array or a frame; of a stream a
            `Stream`.

        Raises:
            TypeError, ValueError: an argument is wrong, or can't be sent.
            OSError: a file can't be read.
            BentoMLException: the call failed.
        """
        return self._calls.call(self.endpoint, args, kwargs).value

    def raw(self, /, *args: Value, **kwargs: Value) -> Response[Value]:
        """Call the endpoint; return the result together with status, headers, cookies and request id."""
        return self._calls.call(self.endpoint, args, kwargs)

    def events(self, /, *args: Value, **kwargs: Value) -> Stream[ServerSentEvent]:
        """Call the endpoint, whose text is server-sent events; return these."""
        return self._calls.events(self.endpoint, args, kwargs)

    def save(self, dest: str | os.PathLike[str], /, *args: Value, **kwargs: Value) -> Path:
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
        return self._calls.save(dest, self.endpoint, args, kwargs)

    def map(
        self,
        inputs: Iterable[Value],
        *,
        concurrency: int = 8,
        ordered: bool = True,
        on_error: OnError = "raise",
        on_progress: OnProgress | None = None,
    ) -> Batch[Value]:
        """Call the endpoint with each of many inputs, some at a time.

        Any number of inputs takes the same memory: they are taken and called when their results are asked for, at most
        twice ``concurrency`` ahead. A call is that of this method: with the client's timeouts and retries.

        Args:
            inputs: any iterable, endless ones too. A mapping is keyword arguments, a tuple positional ones, anything
                else the only argument.
            concurrency: how many calls there are at a time.
            ordered: whether the results come in the order of the inputs, or as they arrive.
            on_error: what becomes of a call that fails: ``"raise"`` ends the batch with its error, after the results
                before it; ``"return"`` gives the exception in place of the result; ``"skip"`` leaves it out.
            on_progress: told how many calls are over, where the results are asked for.

        Returns:
            An iterator over the results, to be used in ``with`` if it may be left early. Its ``outcomes()`` gives each
            result with its input.

        Raises:
            TypeError: the endpoint is a stream.
            ValueError: an argument makes no sense.
        """
        if self.endpoint.output.is_stream:
            raise TypeError(f"{self.__name__}() is a stream, and map() for endpoints with one result")
        from ._batch import Batch  # few have use for it, and all would wait for it

        window = BatchState(inputs, concurrency, ordered, on_error, on_progress)
        return Batch(self._stoppable, inputs, concurrency, window)

    def _stoppable(self, args: Sequence[object], kwargs: Mapping[str, object], stop: Stop) -> Value:
        return self._calls.until(stop).call(self.endpoint, args, kwargs).value

    # --- as a task

    def submit(self, /, *args: Value, **kwargs: Value) -> Task[Value]:
        """Queue the call as a task; the server checks its arguments when it runs.

        Raises:
            TypeError: the endpoint is no task, or an argument is wrong.
        """
        return self.task(self._calls.submit(self.endpoint, args, kwargs))

    def task(self, task_id: str) -> Task[Value]:
        """The handle of a task that was submitted before, here or elsewhere; asks the server nothing."""
        return Task(task_id, self)

    def get_status(self, task_id: str) -> ResultStatus:
        """Where a task stands: see `Task.get_status`."""
        return self._calls.task_status(self.endpoint, task_id)

    def wait(self, task_id: str, timeout: float | None = None, poll: Poll | float | None = None) -> ResultStatus:
        """Wait until a task is over: see `Task.wait`."""
        return self._calls.wait_for_task(self.endpoint, task_id, timeout, poll)

    def get(self, task_id: str) -> Value:
        """The result of a task: see `Task.get`."""
        return self._calls.get_task(self.endpoint, task_id).value

    def result(
        self, task_id: str, timeout: float | None = None, poll: Poll | float | None = None, *, cancel: bool = False
    ) -> Value:
        """The result of a task, once it is over: see `Task.result`."""
        return self._calls.task_result(self.endpoint, task_id, timeout, poll, cancel).value

    def cancel(self, task_id: str) -> None:
        """Cancel a task: see `Task.cancel`."""
        self._calls.cancel_task(self.endpoint, task_id)

    def retry(self, task_id: str) -> Task[Value]:
        """Run a task again: see `Task.retry`."""
        return self.task(self._calls.retry_task(self.endpoint, task_id))


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
