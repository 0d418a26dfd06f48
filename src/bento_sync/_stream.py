"""A response in progress, and the stream that it becomes for the caller."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator, Sequence
from types import GeneratorType, TracebackType
from typing import Generic, TypeVar, cast

from bento_proto import Exchange, Response, session

T = TypeVar("T")


class OpenExchange(ABC, Generic[T]):
    """An exchange in progress, which holds what carries it until it is closed.

    Attributes:
        exchange: the exchange.
        early: items that came along with the head.
        recv_buffer: memory for the next bytes of a file: they are received at its start, and the item is a view of it.
        skipped: seconds of waits that were simulated and not slept, until `begin` returned.
    """

    exchange: Exchange[T]
    early: Sequence[T] = ()
    recv_buffer: memoryview | None = None
    skipped: float = 0.0

    def items(self) -> Generator[T, None, None]:
        """The items of the response, as they arrive; then what broke it off is raised. Closes in any case."""
        try:
            yield from self.early
            while not self.exchange.is_over:
                yield from self.receive()
        finally:
            self.close()
        if self.exchange.error is not None:
            raise self.exchange.error

    def begin(self) -> None:
        """Send the request, and receive what the exchange wants before it is handed over.

        Raises:
            Stopped: it was stopped.
            LocalProtocolError: the client is closed, or the request can't be sent.
            OSError: a file of the request can't be read.
        """
        while self.exchange.wants_data:
            self.early = (*self.early, *self.receive())

    @abstractmethod
    def receive(self) -> Sequence[T]:
        """Wait for the next part of the response; return the items that it completes."""

    @abstractmethod
    def close(self) -> None:
        """Stop reading, and release what carries the exchange: a connection is kept if it is over. Idempotent."""


class Stream(session.ShownStream, Generator[T, None, None]):
    """The items of a stream, as they arrive: a generator, and a context manager that closes it.

    It holds a connection until it is exhausted or closed; leaving early closes the connection, which tells the server
    to stop. Iteration raises what breaks the stream, after the items that came. A stream that is dropped is closed by
    Python: at once, unless something else refers to it.
    """

    def __init__(self, exchange: Exchange[T], opened: OpenExchange[object] | None) -> None:
        assert opened is not None
        self._exchange = exchange
        self._opened = opened
        self._items = cast("GeneratorType[T, None, None]", opened.items())  # they are those of the exchange

    @property
    def response(self) -> Response[Stream[T]]:
        """Status and headers of the response, with the stream as its value."""
        return Response.of(self, self._exchange)  # kept, it would keep the stream alive

    def __repr__(self) -> str:
        return session.stream_text(self, self._exchange, "iterate over it" if self._items.gi_frame else "")

    def __iter__(self) -> Stream[T]:
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

    def send(self, value: None, /) -> T:
        """The next item, as of any generator."""
        return self._items.send(value)

    def throw(
        self, kind: type[BaseException] | BaseException, value: object = None, at: TracebackType | None = None, /
    ) -> T:
        """Close the stream, and raise the exception."""
        self.close()
        raise session.thrown(kind, value, at)

    def __enter__(self) -> Stream[T]:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def __del__(self) -> None:
        if hasattr(self, "_opened"):
            self._opened.close()

    def close(self) -> None:
        """Close the stream, and its connection unless the response is over. Idempotent."""
        self._items.close()
        self._opened.close()
