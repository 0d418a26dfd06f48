"""A call that was asked for, and not sent yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar, cast

from ._stream import AsyncStream

if TYPE_CHECKING:
    from collections.abc import Coroutine, Generator
    from types import TracebackType

    from typing_extensions import Self

T = TypeVar("T")
Item = TypeVar("Item")


class AsyncCall(Generic[T, Item]):
    """A call of an endpoint: ``await`` it for the result; if that is a stream, iterate over it or enter it instead.

    ::

        value = await client.f()
        async for item in client.g(): ...
        async with client.g() as stream: ...

    It can be used once. The request goes out at the ``await``, or where the iteration starts.

    Args:
        name: what is called.
        coroutine: makes the call.
    """

    def __init__(self, name: str, coroutine: Coroutine[object, object, T]) -> None:
        self._name = name
        self._coroutine = coroutine
        self._stream: AsyncStream[Item] | None = None

    def __repr__(self) -> str:
        return f"<AsyncCall of {self._name}>"

    def __await__(self) -> Generator[object, None, T]:
        return self._coroutine.__await__()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Item:
        """The next item of the stream.

        Raises:
            TypeError: the endpoint is no stream.
        """
        if self._stream is None:
            await self.__aenter__()
        assert self._stream is not None
        return await self._stream.__anext__()

    async def __aenter__(self) -> AsyncStream[Item]:
        result: object = await self
        if not isinstance(result, AsyncStream):
            raise TypeError(f"{self._name}() is no stream: await the call, instead of iterating over it")
        self._stream = cast("AsyncStream[Item]", result)
        return self._stream

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None
    ) -> None:
        assert self._stream is not None
        await self._stream.close()
