"""The driver: runs the core's flows with what the embedder wrote."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

import bento_files
from bento_proto import Endpoint, Exchange, Flow, FlowRunner, Request, Service, Value
from bento_proto.request import FileSource, Upload
from bento_proto.response import modules_of
from bento_proto.session import ActiveStream, AsyncDriver, ClientConfig, Options

from ._exchange import IO, ActiveExchange, OpenedExchange, SentExchange, body_blocks

if TYPE_CHECKING:
    from typing_extensions import TypeVarTuple, Unpack

    from bento_files import Sink

    Ts = TypeVarTuple("Ts")

T = TypeVar("T")


class EmbeddedDriver(AsyncDriver):
    """Makes the requests of a client, or of a view of it, under its options.

    Args:
        config: what the client was made with.
        options: the options.
        io: what the embedder wrote.
        opens: whether that is ``open``, and not ``send``.

    Raises:
        TypeError: the client was given what only one with connections of its own can use.
    """

    def __init__(self, config: ClientConfig, options: Options, io: IO, *, opens: bool) -> None:
        for name in ("ssl_context", "app", "socket_options", "transport"):
            if getattr(config, name):
                raise TypeError(f"{name}= is for clients with connections of their own")
        super().__init__(config, options, time.monotonic)
        self._io = io
        self._opens = opens

    def under(self, options: Options, /) -> EmbeddedDriver:
        return EmbeddedDriver(self.config, options, self._io, opens=self._opens)

    def learn(self) -> None:
        """Find out nothing: whoever asks for help can't wait for I/O that only the embedder runs."""

    async def connect(self) -> Service:
        if not self.session.is_connected:
            await self.result(self.session.connect)
        assert self.session.service is not None
        return self.session.service

    async def save(
        self,
        dest: str | PathLike[str],
        name: str,
        make: Callable[[Unpack[Ts], Options, float], Flow[Exchange[bytes]]],
        /,
        *args: Unpack[Ts],
    ) -> Path:
        place = await self._io.run_sync(partial(bento_files.Destination, dest))
        exchange, active = await self.run(make, *args)
        return await self._receive(cast("ActiveStream[bytes]", active), partial(place.open, exchange, name))

    async def _receive(self, active: ActiveStream[bytes], open_sink: Callable[[], Sink[T]]) -> T:
        """Write what an exchange delivers, to its end; return what the sink makes of it."""
        try:
            sink = await self._io.run_sync(open_sink)
            try:
                while not active.is_over:
                    for block in await active.receive():
                        await self._io.run_sync(partial(sink.write, block))
                if active.exchange.error is not None:
                    raise active.exchange.error
                return await self._io.run_sync(sink.finish)
            finally:
                sink.discard()  # nothing, if it is finished
        finally:
            active.abandon()

    async def form(self, sources: Sequence[FileSource], /) -> tuple[Sequence[Upload], str]:
        return await self._io.run_sync(partial(bento_files.form, sources))

    def enter(self) -> None:
        """Do nothing: there is nothing to begin."""

    async def close(self) -> None:
        """Close no connections: they are the embedder's."""
        self.session.close()

    async def leave(self) -> None:
        """Do nothing."""

    async def _open(self, runner: FlowRunner[T], /) -> ActiveExchange:
        assert runner.step is not None
        return (OpenedExchange if self._opens else SentExchange)(runner.step, self._io)

    async def _sleep(self, seconds: float, /) -> None:
        await self._io.sleep(seconds)

    async def _read_body(self, request: Request, /) -> bytes:
        return b"".join([block async for block in body_blocks(request, self._io)])

    async def _load(self, endpoint: Endpoint, /) -> None:
        if modules := modules_of(endpoint):
            await self._io.run_sync(partial(bento_files.load, modules))

    async def _write(self, endpoint: Endpoint, active: ActiveStream[bytes], /) -> Value:
        name, options, limits = endpoint.name, self.options, self.config.limits
        return await self._receive(active, partial(bento_files.open_sink, active.exchange, name, options, limits))
