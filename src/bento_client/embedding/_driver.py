"""The driver: runs the core's flows with what the embedder wrote."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

import bento_files
from bento_async import AsyncStream
from bento_proto import Endpoint, Exchange, Flow, FlowRunner, ResultKind, Service, Session, Value
from bento_proto.request import BoundCall, EncodingSteps, FileSource, Upload
from bento_proto.response import AsyncStreamedContent, modules_of
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
        self._config = config
        self._options = options
        self._io = io
        self._opens = opens

    @property
    def session(self) -> Session:
        return self._config.session

    @property
    def options(self) -> Options:
        return self._options

    @property
    def is_connected(self) -> bool:
        return self.session.is_connected

    def under(self, options: Options, /) -> EmbeddedDriver:
        return EmbeddedDriver(self._config, options, self._io, opens=self._opens)

    def learn(self) -> None:
        """Find out nothing: whoever asks for help can't wait for I/O that only the embedder runs."""

    async def connect(self) -> Service:
        if not self.session.is_connected:
            await self.result(self.session.connect)
        assert self.session.service is not None
        return self.session.service

    async def run(
        self, make: Callable[[Unpack[Ts], Options, float], Flow[T]], /, *args: Unpack[Ts]
    ) -> tuple[T, ActiveExchange | None]:
        runner = FlowRunner(make(*args, self._options, time.monotonic()))
        active: ActiveExchange | None = None
        try:
            while (step := runner.step) is not None:
                if active is not None:
                    await active.aclose()
                if self._config.recorder is not None:
                    body = b"".join([block async for block in body_blocks(step.exchange.request, self._io)])
                    self._config.recorder.watch(step.exchange, body, time.monotonic)
                if step.delay:
                    await self._io.sleep(step.delay)
                if step.authorization is not None:
                    await step.authorization.acomplete()
                active = await (OpenedExchange if self._opens else SentExchange)(step, self._io).run()
                runner.resume(time.monotonic())
        except BaseException:
            runner.close()
            if active is not None:
                active.abandon()
            raise
        return runner.result, active

    async def result(self, make: Callable[[Unpack[Ts], Options, float], Flow[T]], /, *args: Unpack[Ts]) -> T:
        return (await self.run(make, *args))[0]

    async def call(self, call: BoundCall, /) -> tuple[Value, Exchange[object]]:
        return await self.fetch(call.endpoint, self.session.call, *await self.prepare(call))

    async def fetch(
        self,
        endpoint: Endpoint,
        make: Callable[[Unpack[Ts], Options, float], Flow[Exchange[object]]],
        /,
        *args: Unpack[Ts],
    ) -> tuple[Value, Exchange[object]]:
        if modules := modules_of(endpoint):
            await self._io.run_sync(partial(bento_files.load, modules))
        exchange, active = await self.run(make, *args)
        if active is None:
            return exchange.result, exchange
        if exchange.result_kind is ResultKind.ITEMS:
            return AsyncStream(active), exchange
        sink = partial(bento_files.open_sink, exchange, endpoint.name, self._options, self._config.limits)
        return await self._write(active, sink), exchange

    async def stream(
        self, make: Callable[[Unpack[Ts], Options, float], Flow[Exchange[bytes]]], /, *args: Unpack[Ts]
    ) -> AsyncStreamedContent:
        exchange, active = await self.run(make, *args)
        stream = None if active is None else AsyncStream(cast("ActiveStream[bytes]", active))
        return AsyncStreamedContent(exchange, stream)

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
        assert active is not None
        return await self._write(active, partial(place.open, exchange, name))

    async def _write(self, active: ActiveExchange, open_sink: Callable[[], Sink[T]]) -> T:
        """Write what an exchange delivers, to its end; return what the sink makes of it."""
        try:
            sink = await self._io.run_sync(open_sink)
            try:
                while not active.is_over:
                    for block in await active.receive():
                        await self._io.run_sync(partial(sink.write, cast("bytes", block)))
                if active.exchange.error is not None:
                    raise active.exchange.error
                return await self._io.run_sync(sink.finish)
            finally:
                sink.discard()  # nothing, if it is finished
        finally:
            active.abandon()

    async def prepare(self, call: BoundCall, /) -> tuple[BoundCall, Sequence[Upload], str]:
        for _ in (steps := EncodingSteps(call)):
            await self._io.sleep(0)
        call = steps.call
        return (call, *await self.form(call.sources)) if call.files else (call, (), "")

    async def form(self, sources: Sequence[FileSource], /) -> tuple[Sequence[Upload], str]:
        return await self._io.run_sync(partial(bento_files.form, sources))

    def enter(self) -> None:
        """Do nothing: there is nothing to begin."""

    async def close(self) -> None:
        """Do nothing: connections are the embedder's."""

    async def leave(self) -> None:
        """Do nothing."""
