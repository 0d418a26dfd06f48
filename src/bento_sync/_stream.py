"""A stream that has begun."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar, cast

from bento_proto import Response

if TYPE_CHECKING:
    from collections.abc import Generator
    from types import TracebackType

    from typing_extensions import Self

    from bento_proto import Exchange

    from ._underway import Underway

T = TypeVar("T")


class Stream(Generic[T]):
    """The items of a stream, as they arrive: an iterator, and a context manager that closes it.

    It holds a connection until it is exhausted or closed; leaving early closes the connection, which tells the server
    to stop. Iteration raises what breaks the stream, after the items that came. One that is dropped closes when Python
    notices, which is at once unless something else refers to it.
    """

    def __init__(self, exchange: Exchange[T], opened: Underway[object] | None) -> None:
        assert opened is not None
        self._exchange = exchange
        self._opened = opened
        self._items = cast("Generator[T, None, None]", opened.items())  # they are those of the exchange

    @property
    def response(self) -> Response[Stream[T]]:
        """Status and headers of the answer, with the stream as its value."""
        assert self._exchange.head is not None
        return Response(self._exchange.head, self, self._exchange)  # kept, it would keep the stream alive

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> T:
        """The next item, once it is there.

        Raises:
            StopIteration: there are no more.
            ConnectionLost: the connection broke before the stream's end.
            CallTimeout: the next item took too long.
            RemoteProtocolError: what came is no such item.
        """
        return next(self._items)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def __del__(self) -> None:
        if hasattr(self, "_opened"):
            self._opened.close()

    def close(self) -> None:
        """Want no more of it. Harmless when it is over."""
        self._items.close()
        self._opened.close()
