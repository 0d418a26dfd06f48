"""A stream that has begun."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Generic, TypeVar, cast

from bento_proto import Response

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from typing_extensions import Self

    from bento_proto import Exchange

    from ._underway import Underway

T = TypeVar("T")


class AsyncStream(Generic[T]):
    """The items of a stream, as they arrive: an asynchronous iterator, and a context manager that closes it.

    It holds a connection until it is exhausted or closed; leaving early closes the connection, which tells the server
    to stop. Iteration raises what breaks the stream, after the items that came. A wait for an item that is cancelled
    closes the stream too. One that is dropped closes when Python notices, which is at once unless something else
    refers to it.
    """

    def __init__(self, exchange: Exchange[T], opened: Underway[object]) -> None:
        self._exchange = exchange
        self._opened = opened
        self._items: deque[T] = deque()
        self._closed = False

    def __del__(self) -> None:
        if hasattr(self, "_opened"):
            self._opened.abandon()

    @property
    def response(self) -> Response[AsyncStream[T]]:
        """Status and headers of the answer, with the stream as its value."""
        assert self._exchange.head is not None
        return Response(self._exchange.head, self, self._exchange)  # kept, it would keep the stream alive

    def __aiter__(self) -> Self:
        return self

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
            if self._opened.is_over:
                self._closed = True
                raise self._exchange.error or StopAsyncIteration
            self._items.extend(cast("Sequence[T]", await self._opened.receive()))
        return self._items.popleft()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Want no more of it. Harmless when it is over."""
        self._closed = True
        self._items.clear()
        self._opened.close()

    aclose = close
    """The same, by the name that `contextlib.aclosing` knows."""
