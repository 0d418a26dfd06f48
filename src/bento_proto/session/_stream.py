"""Asynchronous streams: what an adapter receives, as the caller's generator."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator, Coroutine, Sequence
from types import TracebackType
from typing import Protocol, TypeVar, cast

from bento_proto import exchange, response
from bento_proto._text import one_line
from bento_proto.exchange._body import LargeItem

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
StreamT = TypeVar("StreamT", bound="AsyncGenerator[object, None]")


def thrown(
    kind: type[BaseException] | BaseException, value: object = None, traceback: TracebackType | None = None
) -> BaseException:
    """The exception that the arguments of a generator's ``throw`` mean."""
    made: object = kind
    if isinstance(kind, type):
        made = value if isinstance(value, BaseException) else kind() if value is None else kind(value)
    if not isinstance(made, BaseException):
        raise TypeError(f"exceptions must derive from BaseException, not be {made!r}")
    return made if traceback is None else made.with_traceback(traceback)


def stream_text(stream: object, exchange: exchange.Exchange[object], use: str) -> str:
    """The ``repr`` of a stream: where it comes from, and what to do with it.

    Args:
        stream: the stream.
        exchange: its exchange.
        use: what to do with it; empty once it is closed.
    """
    path = one_line(exchange.request.target.partition("?")[0], 100)
    is_over = exchange.is_over or not use
    return f"<{type(stream).__name__} from {path}: {'over' if is_over else use}>"


class ShownStream:
    """How a stream looks in a notebook: as its ``repr``, which asks nothing and takes no item."""

    def _repr_html_(self) -> str:
        from bento_proto.html import card  # few look at it

        return card(type(self).__name__, repr(self).partition(" ")[2].rstrip(">"))


class BaseAsyncStream(ShownStream, AsyncGenerator[T_co, None]):
    """An asynchronous generator that takes no values, and a context manager that closes it.

    A subclass has ``__anext__`` and ``aclose``.
    """

    async def __aenter__(self: StreamT) -> StreamT:  # noqa: PYI019 - `Self` could not be evaluated at run time
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.aclose()

    async def asend(self, value: None, /) -> T_co:  # noqa: ARG002
        """The next item. A value that is sent has no effect."""
        return await self.__anext__()

    async def athrow(
        self,
        kind: type[BaseException] | BaseException,
        value: object = None,
        traceback: TracebackType | None = None,
        /,
    ) -> T_co:
        """Close the stream, and raise the exception."""
        await self.aclose()
        raise thrown(kind, value, traceback)


class ActiveStream(Protocol[T_co]):
    """An exchange in progress, whose items are the caller's to receive."""

    @property
    def exchange(self) -> exchange.Exchange[T_co]:
        """The exchange."""
        ...

    @property
    def is_over(self) -> bool:
        """Whether there is nothing more to `receive`."""
        ...

    async def run(self) -> ActiveStream[T_co] | None:
        """Send the request, and receive what the exchange wants before it is handed back to its flow.

        Returns:
            Itself, if the items are the caller's to `receive`; else it is closed.
        """
        ...

    async def receive(self) -> Sequence[T_co]:
        """Wait for the next items, perhaps none."""
        ...

    async def convert(self, item: LargeItem[T], /) -> T:
        """Make a large item, in a worker thread, say."""
        ...

    def close(self) -> Coroutine[object, object, None] | None:
        """Stop receiving, at once; return the rest of that, if there is something to await. Idempotent."""
        ...

    def abandon(self) -> None:
        """`close` from any thread, in the midst of anything: for the garbage collector."""
        ...


class AsyncStream(BaseAsyncStream[T]):
    """The items of a stream, as they arrive: an asynchronous generator, and a context manager that closes it.

    It holds a connection until it is exhausted or closed; leaving early closes the connection, which tells the server
    to stop. Iteration raises what breaks the stream, after the items that came. A wait for an item that is cancelled
    closes the stream too. A stream that is dropped closes when Python notices, which is at once unless something else
    refers to it.
    """

    def __init__(self, active: ActiveStream[T]) -> None:
        self._active = active
        self._items: deque[T] = deque()
        self._closed = False

    def __del__(self) -> None:
        if hasattr(self, "_active"):
            self._active.abandon()

    def __repr__(self) -> str:
        return stream_text(self, self._active.exchange, "" if self._closed else "iterate over it with async for")

    @property
    def response(self) -> response.Response[AsyncStream[T]]:
        """Status and headers of the response, with the stream as its value."""
        return response.Response.of(self, self._active.exchange)  # kept, it would keep the stream alive

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
        item = self._items.popleft()
        if isinstance(item, LargeItem):
            return await self._convert(cast("LargeItem[T]", item))
        return item

    async def _convert(self, item: LargeItem[T]) -> T:
        try:
            return await self._active.convert(item)
        except BaseException:
            await self.aclose()
            raise

    async def aclose(self) -> None:
        """Stop receiving. Idempotent."""
        self._closed = True
        self._items.clear()
        if (rest := self._active.close()) is not None:
            await rest

    close = aclose
    """The same, by the name that files and clients have."""
