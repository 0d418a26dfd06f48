"""``AsyncHTTPClient`` with the API of ``SyncHTTPClient``: each call is awaited on an event loop of another thread.

So that one suite proves that the clients do the same::

    client = PortalClient("trio", "http://127.0.0.1:3000")
    for item in client.numbers(3): ...

There is one loop of each kind for the whole run, which fails the call that blocks it, on asyncio.
"""

from __future__ import annotations

import copy
import functools
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import anyio
from anyio.from_thread import BlockingPortal

from bento_async import AsyncBatch, AsyncEndpointMethod, AsyncHTTPClient, AsyncStream, AsyncTask
from bento_proto import Endpoint, Response, ResultStatus, Service
from bento_proto.response import AsyncStreamedContent, Content
from tests.watch import watch

if TYPE_CHECKING:
    from typing_extensions import Self

Backend = Literal["asyncio", "trio"]
T = TypeVar("T")


@functools.cache
def portal(backend: Backend) -> BlockingPortal:
    """The way into the event loop of that kind, which runs in a daemon thread until the process ends."""
    started: Future[BlockingPortal] = Future()

    async def main() -> None:
        if backend == "asyncio":
            guard = watch()
            # It looks where the system's certificates are, for each connection: what Python 3.12 and newer ask of the
            # system in another way, which is not noticed.
            guard.functions["os.stat"].can_block_in("truststore/_openssl.py", "_configure_context")
            guard.activate()
        async with BlockingPortal() as way:
            started.set_result(way)
            await way.sleep_until_stopped()

    threading.Thread(target=anyio.run, args=(main,), kwargs={"backend": backend}, name=backend, daemon=True).start()
    return started.result(timeout=60)


class _Through:
    """Something asynchronous, reached through a portal."""

    def __init__(self, way: BlockingPortal) -> None:
        self._way = way

    def _await(self, function: Callable[..., Awaitable[Any]], /, *args: Any, **kwargs: Any) -> Any:
        async def call() -> Any:
            return await function(*args, **kwargs)

        return self._wrapped(self._way.call(call))

    def _wrapped(self, value: Any) -> Any:
        if isinstance(value, AsyncStream):
            return PortalStream(self._way, value)
        if isinstance(value, AsyncTask):
            return PortalTask(self._way, value)
        if isinstance(value, AsyncStreamedContent):
            return PortalStreamedContent(self._way, value)
        if isinstance(value, Response):
            value = copy.copy(value)
            value.value = self._wrapped(value.value)
        return value


class PortalClient(_Through):
    def __init__(self, backend: Backend, /, *args: Any, **options: Any) -> None:
        super().__init__(portal(backend))
        self._backend = backend
        make: type[AsyncHTTPClient] = options.pop("client", AsyncHTTPClient)
        self._client = make(*args, **options)
        # Entered and left by one task, as an application that is served in the client's own task needs it.
        self._entered: AbstractContextManager[AsyncHTTPClient] | None = None
        if options.get("app") is not None:
            self._enter()

    def _enter(self) -> None:
        if self._entered is None:
            self._entered = self._way.wrap_async_context_manager(self._client)
            self._entered.__enter__()

    def __repr__(self) -> str:
        return repr(self._client)

    def __dir__(self) -> list[str]:
        return dir(self._client)

    def __enter__(self) -> Self:
        self._enter()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        entered, self._entered = self._entered, None
        if entered is not None:
            entered.__exit__(None, None, None)
        else:
            self._await(self._client.close)

    @property
    def url(self) -> str:
        return self._client.url

    @property
    def endpoints(self) -> Mapping[str, Endpoint]:
        self.connect()
        return self._client.endpoints

    def connect(self) -> Service:
        service: Service = self._await(self._client.connect)
        return service

    def is_ready(self, timeout: float | None = None) -> bool:
        ready: bool = self._await(self._client.is_ready, timeout)
        return ready

    def wait_until_server_ready(self, timeout: float | None = None) -> None:
        self._await(self._client.wait_until_server_ready, timeout)

    def __getattr__(self, name: str) -> PortalMethod:
        if name.startswith("_"):
            raise AttributeError(name)
        self.connect()
        return PortalMethod(self._way, getattr(self._client, name))

    def call(self, name: str, /, *args: Any, **kwargs: Any) -> Any:
        return self._await(self._client.call, name, *args, **kwargs)

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        return self._await(self._client, *args, **kwargs)

    def request(self, *args: Any, **kwargs: Any) -> Content | PortalStreamedContent:
        content: Content = self._await(self._client.request, *args, **kwargs)
        return content

    def __getstate__(self) -> tuple[str, AsyncHTTPClient]:
        return self._backend, self._client

    def __setstate__(self, state: tuple[Backend, AsyncHTTPClient]) -> None:
        self._backend, self._client = state
        self._way, self._entered = portal(self._backend), None

    def with_options(self, **options: Any) -> Self:
        view = copy.copy(self)
        view._client = self._client.with_options(**options)
        return view

    def map(self, endpoint: Any, inputs: Any, **options: Any) -> PortalBatch:
        method = endpoint._method if isinstance(endpoint, PortalMethod) else endpoint
        return PortalBatch(self._way, self._client.map(method, inputs, **options))


class PortalMethod(_Through):
    def __init__(self, way: BlockingPortal, method: AsyncEndpointMethod) -> None:
        super().__init__(way)
        self._method = method
        self.endpoint = method.endpoint
        self.__name__ = method.__name__
        self.__qualname__ = method.__qualname__
        self.__signature__ = method.__signature__

    @property
    def __doc__(self) -> str | None:  # type: ignore[override]
        return self._method.__doc__  # looking at it may ask the server

    def __repr__(self) -> str:
        return repr(self._method)

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        return self._await(self._method, *args, **kwargs)

    def raw(self, /, *args: Any, **kwargs: Any) -> Response[Any]:
        response: Response[Any] = self._await(self._method.raw, *args, **kwargs)
        return response

    def events(self, /, *args: Any, **kwargs: Any) -> PortalStream:
        stream: PortalStream = self._await(self._method.events, *args, **kwargs)
        return stream

    def save(self, /, *args: Any, **kwargs: Any) -> Path:
        path: Path = self._await(self._method.save, *args, **kwargs)
        return path

    def map(self, inputs: Any, **options: Any) -> PortalBatch:
        return PortalBatch(self._way, self._method.map(inputs, **options))

    def submit(self, /, *args: Any, **kwargs: Any) -> PortalTask:
        task: PortalTask = self._await(self._method.submit, *args, **kwargs)
        return task

    def task(self, task_id: str) -> PortalTask:
        return PortalTask(self._way, self._method.task(task_id))

    def get_status(self, task_id: str) -> ResultStatus:
        status: ResultStatus = self._await(self._method.get_status, task_id)
        return status

    def wait(self, task_id: str, *args: Any, **options: Any) -> ResultStatus:
        status: ResultStatus = self._await(self._method.wait, task_id, *args, **options)
        return status

    def get(self, task_id: str) -> Any:
        return self._await(self._method.get, task_id)

    def result(self, task_id: str, *args: Any, **options: Any) -> Any:
        return self._await(self._method.result, task_id, *args, **options)

    def cancel(self, task_id: str) -> None:
        self._await(self._method.cancel, task_id)

    def retry(self, task_id: str) -> PortalTask:
        task: PortalTask = self._await(self._method.retry, task_id)
        return task


class PortalTask(_Through):
    def __init__(self, way: BlockingPortal, task: AsyncTask[Any]) -> None:
        super().__init__(way)
        self._task = task
        self.id = task.id

    def __repr__(self) -> str:
        return repr(self._task)

    def get_status(self) -> ResultStatus:
        status: ResultStatus = self._await(self._task.get_status)
        return status

    def wait(self, *args: Any, **options: Any) -> ResultStatus:
        status: ResultStatus = self._await(self._task.wait, *args, **options)
        return status

    def get(self) -> Any:
        return self._await(self._task.get)

    def result(self, *args: Any, **options: Any) -> Any:
        return self._await(self._task.result, *args, **options)

    def cancel(self) -> None:
        self._await(self._task.cancel)

    def retry(self) -> PortalTask:
        task: PortalTask = self._await(self._task.retry)
        return task


class PortalStream(_Through):
    def __init__(self, way: BlockingPortal, stream: AsyncStream[Any]) -> None:
        super().__init__(way)
        self._stream = stream

    @property
    def response(self) -> Response[PortalStream]:
        response: Response[Any] = copy.copy(self._stream.response)
        response.value = self
        return response

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        try:
            return self._await(self._stream.__anext__)
        except StopAsyncIteration:
            raise StopIteration from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._await(self._stream.close)


class PortalStreamedContent(_Through):
    def __init__(self, way: BlockingPortal, content: AsyncStreamedContent) -> None:
        super().__init__(way)
        self._content = content

    def __getattr__(self, name: str) -> Any:
        return getattr(self._content, name)

    def _iterate(self, items: AsyncIterator[Any]) -> Iterator[Any]:
        while True:
            try:
                yield self._await(items.__anext__)
            except StopAsyncIteration:
                return

    def iter_bytes(self) -> Iterator[bytes]:
        return self._iterate(self._content.iter_bytes())

    def iter_text(self) -> Iterator[str]:
        return self._iterate(self._content.iter_text())

    def iter_lines(self) -> Iterator[str]:
        return self._iterate(self._content.iter_lines())

    def read(self) -> bytes:
        content: bytes = self._await(self._content.read)
        return content

    def close(self) -> None:
        self._await(self._content.aclose)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        self.close()


class PortalBatch(_Through):
    def __init__(self, way: BlockingPortal, batch: AsyncBatch[Any]) -> None:
        super().__init__(way)
        self._batch = batch

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        try:
            return self._await(self._batch.__anext__)
        except StopAsyncIteration:
            raise StopIteration from None

    def outcomes(self) -> Iterator[Any]:
        outcomes = self._batch.outcomes()
        while True:
            try:
                yield self._await(outcomes.__anext__)
            except StopAsyncIteration:
                return

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._await(self._batch.close)
