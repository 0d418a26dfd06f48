"""A call that was asked for and not sent yet, and the stream that it may become."""

from __future__ import annotations

from collections import deque
from typing import Generic, TypeVar

from bento_proto import Response, session
from bento_proto.session import BaseAsyncCall, BaseAsyncStream, stream_text

T = TypeVar("T")
Item = TypeVar("Item")


class AsyncStream(BaseAsyncStream[T]):
    """The items of a stream, as they arrive: an asynchronous generator, and a context manager that closes it.

    It holds a connection until it is exhausted or closed; leaving early closes the connection, which tells the server
    to stop. Iteration raises what breaks the stream, after the items that came. A wait for an item that is cancelled
    closes the stream too. A stream that is dropped closes when Python notices, which is at once unless something else
    refers to it.
    """

    def __init__(self, active: session.ActiveStream[T]) -> None:
        self._active = active
        self._items: deque[T] = deque()
        self._closed = False

    def __del__(self) -> None:
        if hasattr(self, "_active"):
            self._active.abandon()

    def __repr__(self) -> str:
        return stream_text(self, self._active.exchange, "" if self._closed else "iterate over it with async for")

    @property
    def response(self) -> Response[AsyncStream[T]]:
        """Status and headers of the response, with the stream as its value."""
        return Response.of(self, self._active.exchange)  # kept, it would keep the stream alive

    async def __anext__(self) -> T:
        """The next item, once it is there.

        Raises:
            StopAsyncIteration: there are no more.
            ConnectionLost: the connection broke before the stream's end.
            CallTimeout: the next item took too long.
            RemoteProtocolError: what came is no such item.
        """
        while not self._items:
            if self._closed:
                raise StopAsyncIteration
            if self._active.is_over:
                self._closed = True
                raise self._active.exchange.error or StopAsyncIteration
            self._items.extend(await self._active.receive())
        return self._items.popleft()

    async def aclose(self) -> None:
        """Stop receiving. Idempotent."""
        self._closed = True
        self._items.clear()
        if (rest := self._active.close()) is not None:
            await rest

    close = aclose
    """The same, by the name that files and clients have."""


class AsyncCall(BaseAsyncCall[T, Item, AsyncStream[Item]], Generic[T, Item]):
    """A call of an endpoint: ``await`` it for the result; if that is a stream, iterate over it or enter it instead.

    ::

        value = await client.f()
        async for item in client.g(): ...
        async with client.g() as stream: ...

    It can be used once. The request goes out at the ``await``, or where the iteration starts. It is a
    `collections.abc.Coroutine`, which ``asyncio.create_task`` and the like take, and an
    `collections.abc.AsyncGenerator`.
    """
