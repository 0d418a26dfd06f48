"""Responses to requests of a caller's own whose bodies are read while they arrive."""

from __future__ import annotations

from codecs import IncrementalDecoder, getincrementaldecoder
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterable, Iterator
from types import TracebackType
from typing import Generic, TypeVar

from bento_proto import exchange

from ._lines import LineSplitter
from ._response import BaseContent
from ._whole import WholeDecoder

StreamT_co = TypeVar("StreamT_co", covariant=True)
Source = TypeVar("Source")
Item = TypeVar("Item")
SyncT = TypeVar("SyncT", bound="StreamedContent")
AsyncT = TypeVar("AsyncT", bound="AsyncStreamedContent")


class _Streamed(BaseContent[StreamT_co]):
    """What both kinds have in common.

    Args:
        exchange: the exchange, whose response has begun or is an error.
        stream: the body; of an error status there is none, as that is complete.
    """

    def __init__(self, exchange: exchange.Exchange[bytes], stream: StreamT_co) -> None:
        assert exchange.head is not None
        super().__init__(exchange.head, stream, exchange)
        self._limits = exchange.limits
        self._error_body = exchange.error_body

    def _decoder(self) -> IncrementalDecoder:
        return getincrementaldecoder(self.encoding)("replace")


class StreamedContent(_Streamed[Generator[bytes, None, None] | None]):
    """The response to ``client.request(..., stream=True)``: a context manager, within which its body is read, once.

    It holds a connection until it is read to its end or closed. What breaks the body off is raised by the iteration,
    as for any stream. The body of an error status is complete, up to the limit ``error``.
    """

    def iter_bytes(self) -> Iterator[bytes]:
        """The body as it arrives, in pieces of any size; content codings are undone."""
        return iter((self._error_body,) if self.value is None else self.value)

    def iter_text(self) -> Iterator[str]:
        """The body as text, in the declared charset, as it arrives; invalid bytes become U+FFFD."""
        decoder = self._decoder()
        for data in self.iter_bytes():
            if text := decoder.decode(data):
                yield text
        if text := decoder.decode(b"", final=True):
            yield text

    def iter_lines(self) -> Iterator[str]:
        """The lines of the text as they arrive, without their ends: LF, CR LF or CR.

        Raises:
            LimitExceeded: a line is over the limit ``item``.
        """
        splitter = LineSplitter(self._limits.item)
        for text in self.iter_text():
            yield from splitter.feed(text)
        yield from splitter.finish()

    def read(self) -> bytes:
        """The rest of the body.

        Raises:
            LimitExceeded: it is over the limit ``body``.
        """
        whole = WholeDecoder(bytes, self._limits.body)
        with self:
            for data in self.iter_bytes():
                whole.feed(data)
        return whole.finish()[0]

    def close(self) -> None:
        """Stop reading, and close the connection unless the body is read. Idempotent."""
        if self.value is not None:
            self.value.close()

    def __enter__(self: SyncT) -> SyncT:  # noqa: PYI019 - `Self` could not be evaluated at run time
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        self.close()


class _Mapped(AsyncIterator[Item], Generic[Source, Item]):
    """What a function makes of items as they arrive. It is no generator, as one that is left early needs closing.

    Args:
        source: the items; None for none.
        feed: what becomes of each.
        finish: what comes after the last.
    """

    def __init__(
        self,
        source: AsyncIterator[Source] | None,
        feed: Callable[[Source], Iterable[Item]],
        finish: Callable[[], Iterable[Item]],
    ) -> None:
        self._source = source
        self._feed = feed
        self._finish = finish
        self._items: Iterator[Item] = iter(()) if source is not None else iter(finish())

    async def __anext__(self) -> Item:
        while True:
            for item in self._items:
                return item
            if self._source is None:
                raise StopAsyncIteration
            try:
                arrived = await self._source.__anext__()
            except StopAsyncIteration:
                self._source, self._items = None, iter(self._finish())
            else:
                self._items = iter(self._feed(arrived))


class AsyncStreamedContent(_Streamed[AsyncGenerator[bytes, None] | None]):
    """The response to ``await client.request(..., stream=True)``: `StreamedContent`, asynchronously."""

    def iter_bytes(self) -> AsyncIterator[bytes]:
        """See `StreamedContent.iter_bytes`."""
        if self.value is not None:
            return self.value
        body = (self._error_body,)
        return _Mapped[bytes, bytes](None, lambda _: body, lambda: body)

    def iter_text(self) -> AsyncIterator[str]:
        """See `StreamedContent.iter_text`."""
        decoder = self._decoder()
        return _Mapped[bytes, str](
            self.iter_bytes(),
            lambda data: filter(None, (decoder.decode(data),)),
            lambda: filter(None, (decoder.decode(b"", final=True),)),
        )

    def iter_lines(self) -> AsyncIterator[str]:
        """See `StreamedContent.iter_lines`.

        Raises:
            LimitExceeded: a line is over the limit ``item``.
        """
        splitter = LineSplitter(self._limits.item)
        return _Mapped(self.iter_text(), splitter.feed, splitter.finish)

    async def read(self) -> bytes:
        """The rest of the body.

        Raises:
            LimitExceeded: it is over the limit ``body``.
        """
        whole = WholeDecoder(bytes, self._limits.body)
        async with self:
            async for data in self.iter_bytes():
                whole.feed(data)
        return whole.finish()[0]

    aread = read
    """The same, by the name that httpx has."""

    async def aclose(self) -> None:
        """Stop reading, and close the connection unless the body is read. Idempotent."""
        if self.value is not None:
            await self.value.aclose()

    close = aclose
    """The same, by the name that files and clients have."""

    async def __aenter__(self: AsyncT) -> AsyncT:  # noqa: PYI019
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.aclose()
