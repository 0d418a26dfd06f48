"""An endpoint as a method of the client."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import bento_files
import bento_sync
from bento_proto import Response, Value, batch, policy, response, session
from bento_proto.request import bind
from bento_proto.session import EndpointMethodBase

from ._driver import Driver
from ._stream import Stream

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bento_proto.request import BoundCall, Upload
    from bento_proto.session import Options

    Base: TypeAlias = EndpointMethodBase[Iterable[Value], bento_sync.Batch[Value], Value]
else:
    Base = EndpointMethodBase


class EndpointMethod(Base):
    """A method of the client that calls an endpoint of the Service.

    ``inspect.signature``, ``help`` and the like see the endpoint's own signature.
    """

    def __init__(self, driver: Driver, name: str) -> None:
        super().__init__(driver.session, name)
        self._driver = driver

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
        return self._driver.call(self.__name__, self._driver.session.call, *self._prepared(args, kwargs))[0]

    def raw(self, /, *args: Value, **kwargs: Value) -> Response[Value]:
        """Call the endpoint; return the result together with status, headers, cookies and request id."""
        found = self._driver.call(self.__name__, self._driver.session.call, *self._prepared(args, kwargs))
        return Response.of(*found)

    def events(self, /, *args: Value, **kwargs: Value) -> bento_sync.Stream[response.ServerSentEvent]:
        """Call the endpoint, whose text is server-sent events; return these."""
        return Stream(*self._driver.run(self._driver.session.events, *self._prepared(args, kwargs)))

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
        received, opened = self._driver.run(self._driver.session.content, *self._prepared(args, kwargs))
        return self._driver.write(received, opened, lambda: destination.open(received, self.__name__))

    @property
    def _options(self) -> Options:
        return self._driver.options

    def _batch(self, inputs: Iterable[Value], state: batch.BatchState, options: Options) -> bento_sync.Batch[Value]:
        driver, name = self._driver, self.__name__
        return bento_sync.Batch(lambda stop: EndpointMethod(driver.under(options, stop), name), inputs, state)

    def _prepared(
        self, args: Sequence[object], kwargs: Mapping[str, object]
    ) -> tuple[BoundCall, Sequence[Upload], str]:
        """The arguments of a call bound, its files measured, and the boundary of its form."""
        call = bind(self._endpoint or self.endpoint, args, kwargs)
        if not call.files:
            return call, (), ""
        return call, *bento_files.form(call.sources)

    # --- as a task

    def submit(self, /, *args: Value, **kwargs: Value) -> bento_sync.Task[Value]:
        """Queue the call as a task; the server checks its arguments when it runs.

        Raises:
            TypeError: the endpoint is no task, or an argument is wrong.
        """
        return self.task(self._driver.result(self._driver.session.tasks.submit, *self._prepared(args, kwargs)))

    def task(self, task_id: str) -> bento_sync.Task[Value]:
        """The handle of a task that was submitted before, here or elsewhere; asks the server nothing."""
        return bento_sync.Task(task_id, self)

    def get_status(self, task_id: session.TaskId) -> policy.ResultStatus:
        """Where a task stands: see `Task.get_status`."""
        return self._driver.result(self._driver.session.tasks.status, self.endpoint, task_id)

    def wait(
        self, task_id: session.TaskId, timeout: float | None = None, poll: policy.Poll | float | None = None
    ) -> policy.ResultStatus:
        """Wait until a task is over: see `Task.wait`."""
        return self._driver.result(self._driver.session.tasks.wait, self.endpoint, task_id, timeout, poll)

    def get(self, task_id: session.TaskId) -> Value:
        """The result of a task: see `Task.get`."""
        return self._driver.call(self.__name__, self._driver.session.tasks.get, self.endpoint, task_id)[0]

    def result(
        self,
        task_id: session.TaskId,
        timeout: float | None = None,
        poll: policy.Poll | float | None = None,
        *,
        cancel: bool = False,
    ) -> Value:
        """The result of a task, once it is over: see `Task.result`."""
        tasks = self._driver.session.tasks
        return self._driver.call(self.__name__, tasks.result, self.endpoint, task_id, timeout, poll, cancel)[0]

    def cancel(self, task_id: session.TaskId) -> None:
        """Cancel a task: see `Task.cancel`."""
        self._driver.result(self._driver.session.tasks.cancel, self.endpoint, task_id)

    def retry(self, task_id: session.TaskId) -> bento_sync.Task[Value]:
        """Run a task again: see `Task.retry`."""
        return self.task(self._driver.result(self._driver.session.tasks.retry, self.endpoint, task_id))
