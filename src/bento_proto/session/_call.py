"""An asynchronous call as an object: a coroutine, and an asynchronous generator if it may be a stream."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine, Generator
from types import CoroutineType, TracebackType
from typing import ClassVar, Generic, NoReturn, TypeVar, cast

from ._stream import AsyncStream, BaseAsyncStream, thrown

T = TypeVar("T")
Item = TypeVar("Item")


class Following(AsyncIterator[T]):
    """What an async function returns, call after call. Unlike a generator, it need not be closed by who leaves early.

    Args:
        function: returns the next item, or raises StopAsyncIteration.
    """

    def __init__(self, function: Callable[[], Awaitable[T]]) -> None:
        self._function = function

    async def __anext__(self) -> T:
        return await self._function()


class ValueCall(Coroutine[object, object, T], Generic[T]):
    """A call with one result: a `collections.abc.Coroutine`, to await or to start as a task, once.

    Awaiting it twice raises ``RuntimeError``. A call that is never awaited causes a ``RuntimeWarning`` that names the
    endpoint.

    Args:
        name: the endpoint's name.
        coroutine: makes the call.
    """

    _use: ClassVar[str] = "await it"

    def __init__(self, name: str, coroutine: Coroutine[object, object, T]) -> None:
        self.__name__: str = name
        self.__qualname__: str = name
        self._coroutine = cast("CoroutineType[object, object, T]", coroutine)
        self._coroutine.__qualname__ = name  # the warning has it

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.__name__}: {self._use}>"

    def __await__(self) -> Generator[object, None, T]:
        return self._coroutine.__await__()

    def send(self, value: object, /) -> object:
        """Resume the call, as `coroutine.send` does."""
        return self._coroutine.send(value)

    def throw(
        self,
        kind: type[BaseException] | BaseException,
        value: object = None,
        traceback: TracebackType | None = None,
        /,
    ) -> object:
        """Raise an exception where the call waits, as `coroutine.throw` does."""
        return self._coroutine.throw(thrown(kind, value, traceback))

    def close(self) -> None:
        """Close the coroutine: a call that was not awaited sends nothing then, and causes no warning."""
        self._coroutine.close()

    def __getattr__(self, name: str) -> object:
        if name.startswith("cr_"):  # `inspect` and the event loops look at these
            return cast("object", getattr(self._coroutine, name))
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __aiter__(self) -> NoReturn:
        self.close()
        raise self._no_stream()

    async def __aenter__(self) -> NoReturn:
        self.close()
        raise self._no_stream()

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None
    ) -> None:
        """Nothing to do: entering raises."""

    def _no_stream(self) -> TypeError:
        return TypeError(f"{self.__name__}() is no stream: await the call, instead of iterating over it")


class AsyncCall(ValueCall[T], BaseAsyncStream[Item], Generic[T, Item]):
    """A call of an endpoint: ``await`` it for the result; if that is a stream, iterate over it or enter it instead.

    ::

        value = await client.f()
        async for item in client.g(): ...
        async with client.g() as stream: ...

    It can be used once. The request goes out at the ``await``, or where the iteration starts. It is a
    `collections.abc.Coroutine`, which ``asyncio.create_task`` and the like take, and an
    `collections.abc.AsyncGenerator`.
    """

    _use = "await it, or iterate over it with async for"
    _stream: AsyncStream[Item] | None = None
    _is_closed: bool = False

    def __aiter__(self) -> AsyncCall[T, Item]:  # type: ignore[override]
        return self

    async def __anext__(self) -> Item:
        """The next item of the stream.

        Raises:
            StopAsyncIteration: there are no more.
            TypeError: the endpoint is no stream.
        """
        if self._is_closed:
            raise StopAsyncIteration
        stream = self._stream
        if stream is None:
            stream = await self.__aenter__()
        return await stream.__anext__()

    async def aclose(self) -> None:
        """Close the stream, if it was opened; else send nothing. Idempotent.

        Raises:
            RuntimeError: another task is opening the stream.
        """
        if self._coroutine.cr_await is not None:
            raise RuntimeError(f"{self.__name__}() is being awaited: cancel the task that does")
        self._is_closed = True
        self.close()
        if self._stream is not None:
            await self._stream.aclose()

    async def __aenter__(self) -> AsyncStream[Item]:  # type: ignore[override]
        result: object = await self
        if not isinstance(result, AsyncGenerator):
            raise self._no_stream()
        self._stream = stream = cast("AsyncStream[Item]", result)
        return stream

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.aclose()
