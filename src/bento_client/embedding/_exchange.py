"""One exchange, carried by what the embedder wrote: a request that is sent, or bytes on a connection."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import aclosing, closing, suppress
from functools import partial
from ssl import SSLError
from typing import Protocol, TypeVar, cast

import bento_files
from bento_proto import Exchange, FailureKind, Request, Step, Timeout
from bento_proto.exchange import LargeItem
from bento_proto.http import FilePart, Origin, connect_failure
from bento_proto.http11 import HTTP11Exchange
from bento_proto.session import TransportExchange, TransportRequest, TransportResponse

from ._streams import NetworkStream

T = TypeVar("T")


class IO(Protocol):
    """What an embedder writes: see `AbstractAsyncClient`."""

    async def send(self, request: TransportRequest, /) -> TransportResponse[AsyncIterable[bytes]]: ...
    async def open(self, origin: Origin, timeout: Timeout, /) -> NetworkStream: ...
    async def sleep(self, seconds: float, /) -> None: ...
    async def run_sync(self, function: Callable[[], T], /) -> T: ...


class ActiveExchange(ABC):
    """An exchange that is being carried out.

    Args:
        step: what to carry out.
        io: how.
    """

    def __init__(self, step: Step, io: IO) -> None:
        self.exchange: Exchange[object] = step.exchange
        self._early: list[object] = []  # items that came along with the head
        self._timeout = step.timeout
        self._began = time.monotonic()
        self._io = io

    async def run(self) -> ActiveExchange | None:
        """Send the request, and receive what the exchange wants before its flow goes on.

        Returns:
            Itself, if the items are the caller's to `receive`; else it is closed.
        """
        exchange = self.exchange
        try:
            await self._send()
            while exchange.wants_data:
                self._early += await self._receive()
        except BaseException as exc:
            await self._end(exc)
            raise
        if not exchange.is_streaming or exchange.is_over:
            await self.aclose()
        return self if exchange.is_streaming else None

    @property
    def is_over(self) -> bool:
        """Whether there is nothing more to `receive`."""
        return self.exchange.is_over and not self._early

    async def receive(self) -> Sequence[object]:
        """The next items, perhaps none. With the last of them it is closed; so it is if the wait is cancelled."""
        items: Sequence[object] = ()
        try:
            if self._early:
                items, self._early = self._early, []
            elif not self.exchange.is_over:
                items = await self._receive()
        except BaseException as exc:
            await self._end(exc)
            raise
        if self.exchange.is_over:
            await self.aclose()
        return items

    async def convert(self, item: LargeItem[T], /) -> T:
        """Make a large item, as the embedder runs what may take long."""
        return await self._io.run_sync(item.convert)

    async def aclose(self) -> None:
        """Stop receiving, whatever there is to await for that. Idempotent."""
        if (rest := self.close()) is not None:
            await rest

    def abandon(self) -> None:
        """Stop receiving where nothing can be awaited: what is left to do ends where it would wait. Idempotent."""
        if (rest := self.close()) is not None:
            with suppress(StopIteration):
                rest.send(None)
            rest.close()

    async def _end(self, exc: BaseException) -> None:
        if isinstance(exc, GeneratorExit):  # the coroutine is closed, and must not await any more
            self.abandon()
        else:
            await self.aclose()

    @property
    def _left(self) -> Timeout:
        """The timeouts, none longer than what is left of the total."""
        return self._timeout.after(time.monotonic() - self._began)

    @abstractmethod
    def close(self) -> Coroutine[object, object, None] | None:
        """Stop at once; return the rest of that, if there is something to await. Idempotent."""

    @abstractmethod
    async def _send(self) -> None:
        """Send the request."""

    @abstractmethod
    async def _receive(self) -> Sequence[object]:
        """Wait for the next part of the response; return the items that it completes."""


class SentExchange(ActiveExchange):
    """An exchange whose request the embedder sends."""

    _blocks: AsyncIterator[bytes]

    def __init__(self, step: Step, io: IO) -> None:
        super().__init__(step, io)
        self._wire = TransportExchange(step)

    def close(self) -> Coroutine[object, object, None] | None:
        rest = self._wire.close()
        return None if rest is None else rest()

    async def _send(self) -> None:
        with self._wire.failures():
            request = self._wire.request(body_blocks(self.exchange.request, self._io))
            self._blocks = aiter(self._wire.respond(await self._io.send(request)))

    async def _receive(self) -> Sequence[object]:
        items: Sequence[object] = ()
        with self._wire.failures():
            block = await anext(self._blocks, None)
            if self._left.total == 0:
                raise TimeoutError("timed out")
            items = self._wire.receive(block)
        return items  # noqa: RET504 - what failed is swallowed


class OpenedExchange(ActiveExchange):
    """An exchange on a connection that the embedder makes for it."""

    _stream: NetworkStream | None = None

    def __init__(self, step: Step, io: IO) -> None:
        super().__init__(step, io)
        self._wire = HTTP11Exchange(step.exchange)

    def close(self) -> Coroutine[object, object, None] | None:
        self.exchange.close()
        stream, self._stream = self._stream, None
        rest = None if stream is None else stream.close()
        return _awaited(cast("Awaitable[object]", rest)) if isinstance(rest, Awaitable) else None

    async def _send(self) -> None:
        origin = self.exchange.request.origin
        try:
            stream = self._stream = await self._io.open(origin, self._left)
        except OSError as exc:
            kind = FailureKind.TLS if isinstance(exc, SSLError) else FailureKind.CONNECT
            self.exchange.receive(connect_failure(origin, exc, kind))
            return
        for segment in self._wire.segments():
            if isinstance(segment, FilePart):
                async with aclosing(file_blocks(segment, self._io)) as blocks:
                    async for block in blocks:
                        if not await self._write(stream, self._wire.frame(block)):
                            return
            elif not await self._write(stream, segment):
                return

    async def _write(self, stream: NetworkStream, data: bytes | memoryview) -> bool:
        """Send bytes; False if that failed: the server may have responded before, which reading tells."""
        try:
            await stream.write(data, self._left.send)
        except TimeoutError as exc:
            self._wire.failed(exc, sending=True)
        except OSError:
            return False
        return not self.exchange.is_over

    async def _receive(self) -> Sequence[object]:
        assert self._stream is not None
        try:
            data = await self._stream.read(self._wire.max_read, self._left.receive)
        except OSError as exc:
            self._wire.failed(exc)
            return ()
        return self._wire.receive(data)


async def _awaited(rest: Awaitable[object]) -> None:
    with suppress(Exception):  # the exchange is over: nobody is interested
        await rest


async def body_blocks(request: Request, io: IO) -> AsyncGenerator[bytes, None]:
    """The body of a request in blocks, which their receiver may keep."""
    for segment in request.body:
        if isinstance(segment, FilePart):
            async for block in file_blocks(segment, io):
                yield bytes(block)
        else:
            yield segment


async def file_blocks(part: FilePart, io: IO) -> AsyncGenerator[bytes | memoryview, None]:
    """A file in blocks, each valid until the next one is asked for."""
    with closing(bento_files.blocks(part)) as blocks:
        while (block := await io.run_sync(partial(next, blocks, None))) is not None:
            yield block
