"""An endpoint as a method of the client."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Final, Generic, TypeVar, cast

import bento_files
from bento_proto.batch import BatchState
from bento_proto.request import bind
from bento_proto.schema import docstring_of, signature_of

from ._stream import Stream

if TYPE_CHECKING:
    import inspect
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path
    from typing import TypeAlias

    from bento_proto import Endpoint, Flow, Response, ResultStatus, ServerSentEvent, Value
    from bento_proto.batch import OnError
    from bento_proto.exchange import OnProgress
    from bento_proto.policy import Poll
    from bento_proto.request import BoundCall, Upload
    from bento_proto.session import Options

    from ._batch import Batch
    from ._driver import Driver

T = TypeVar("T")

if TYPE_CHECKING:
    _MakeFlow: TypeAlias = Callable[[BoundCall, Sequence[Upload], str, Options, float], Flow[T]]


class _Signature:
    """``__signature__`` of the methods; the class itself has its own."""

    def __get__(self, method: EndpointMethod | None, owner: type) -> inspect.Signature:
        if method is None:
            raise AttributeError("__signature__")
        return signature_of(method.endpoint)


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

    def __init__(self, driver: Driver, endpoint: Endpoint) -> None:
        self._driver = driver
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
        return self._driver.response(self.endpoint, self._flow(self._driver.session.call, args, kwargs)).value

    def raw(self, /, *args: Value, **kwargs: Value) -> Response[Value]:
        """Call the endpoint; return the result together with status, headers, cookies and request id."""
        return self._driver.response(self.endpoint, self._flow(self._driver.session.call, args, kwargs))

    def events(self, /, *args: Value, **kwargs: Value) -> Stream[ServerSentEvent]:
        """Call the endpoint, whose text is server-sent events; return these."""
        exchange, opened = self._driver.run(self._flow(self._driver.session.events, args, kwargs))
        assert opened is not None
        return Stream(exchange, opened)

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
        destination = bento_files.Destination(dest)
        exchange, opened = self._driver.run(self._flow(self._driver.session.content, args, kwargs))
        assert opened is not None
        return self._driver.write(exchange, opened, lambda: destination.open(exchange, self.__name__))

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

        state = BatchState(inputs, concurrency, ordered, on_error, on_progress)
        return Batch(lambda stop: EndpointMethod(self._driver.until(stop), self.endpoint), inputs, concurrency, state)

    def _flow(self, make: _MakeFlow[T], args: Sequence[object], kwargs: Mapping[str, object]) -> Flow[T]:
        call = bind(self.endpoint, args, kwargs)
        uploads: Sequence[Upload] = ()
        boundary = ""
        if call.files:
            uploads, boundary = [bento_files.measure(source) for source in call.sources], os.urandom(16).hex()
        return make(call, uploads, boundary, self._driver.options, time.monotonic())

    # --- as a task

    def submit(self, /, *args: Value, **kwargs: Value) -> Task[Value]:
        """Queue the call as a task; the server checks its arguments when it runs.

        Raises:
            TypeError: the endpoint is no task, or an argument is wrong.
        """
        return self.task(self._driver.result(self._flow(self._driver.session.tasks.submit, args, kwargs)))

    def task(self, task_id: str) -> Task[Value]:
        """The handle of a task that was submitted before, here or elsewhere; asks the server nothing."""
        return Task(task_id, self)

    def get_status(self, task_id: str) -> ResultStatus:
        """Where a task stands: see `Task.get_status`."""
        driver = self._driver
        return driver.result(driver.session.tasks.status(self.endpoint, task_id, driver.options, time.monotonic()))

    def wait(self, task_id: str, timeout: float | None = None, poll: Poll | float | None = None) -> ResultStatus:
        """Wait until a task is over: see `Task.wait`."""
        driver = self._driver
        tasks = driver.session.tasks
        return driver.result(tasks.wait(self.endpoint, task_id, timeout, poll, driver.options, time.monotonic()))

    def get(self, task_id: str) -> Value:
        """The result of a task: see `Task.get`."""
        driver = self._driver
        flow = driver.session.tasks.get(self.endpoint, task_id, driver.options, time.monotonic())
        return driver.response(self.endpoint, flow).value

    def result(
        self, task_id: str, timeout: float | None = None, poll: Poll | float | None = None, *, cancel: bool = False
    ) -> Value:
        """The result of a task, once it is over: see `Task.result`."""
        driver = self._driver
        tasks = driver.session.tasks
        flow = tasks.result(self.endpoint, task_id, timeout, poll, cancel, driver.options, time.monotonic())
        return driver.response(self.endpoint, flow).value

    def cancel(self, task_id: str) -> None:
        """Cancel a task: see `Task.cancel`."""
        driver = self._driver
        driver.result(driver.session.tasks.cancel(self.endpoint, task_id, driver.options, time.monotonic()))

    def retry(self, task_id: str) -> Task[Value]:
        """Run a task again: see `Task.retry`."""
        driver = self._driver
        flow = driver.session.tasks.retry(self.endpoint, task_id, driver.options, time.monotonic())
        return self.task(driver.result(flow))


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
