"""The driver: runs the core's flows, step by step, and turns what they come to into results."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, TypeVar, cast

import anyio
from anyio import CancelScope, to_thread
from anyio.lowlevel import checkpoint

import bento_files
from bento_proto import BentoMLException, FlowRunner, ResultKind
from bento_proto.request import EncodingSteps
from bento_proto.response import AsyncStreamedContent, modules_of
from bento_proto.session import ConnectAttempt

from ._connection_pool import Connections
from ._stream import AsyncStream
from ._transport import ConnectionExchange

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from os import PathLike
    from pathlib import Path

    from typing_extensions import TypeVarTuple, Unpack

    from bento_files import Sink
    from bento_proto import Endpoint, Exchange, Flow, Service, Session, Value
    from bento_proto.request import BoundCall, FileSource, Upload
    from bento_proto.session import AsyncTransport, ClientConfig, Options
    from bento_proto.testing import Responder

    from ._in_process import Application
    from ._transport import ActiveExchange

    Ts = TypeVarTuple("Ts")

T = TypeVar("T")


class ClientState:
    """What a client and its views have in common.

    Args:
        config: what the client was made with.

    Attributes:
        loaded: the endpoints for which no module is left to import.
    """

    def __init__(self, config: ClientConfig) -> None:
        self.config: ClientConfig = config
        self.session: Session = config.session
        self.responder: Responder | None = config.responder
        self.connections: Connections = Connections(config)
        self.loaded: set[str] = set()
        self.application: Application | None = None
        if config.application is not None:
            from ._in_process import Application  # few have use for it

            self.application = Application(config.application)

    def __reduce__(self) -> tuple[type[ClientState], tuple[ClientConfig]]:
        """The same without connections, as it is made in another process."""
        return ClientState, (self.config,)


class Driver:
    """Makes the requests of a client, or of a view of it, under its options.

    Args:
        state: what the client and its views share.
        options: the options.
    """

    def __init__(self, state: ClientState, options: Options) -> None:
        self.state: ClientState = state
        self.session: Session = state.session
        self.options: Options = options

    def under(self, options: Options) -> Driver:
        """The same under other options."""
        return Driver(self.state, options)

    @property
    def is_connected(self) -> bool:
        """Whether nothing is left to find out before a call."""
        return self.session.is_connected and not self.state.connections.is_closed

    async def handle(self, runner: FlowRunner[T]) -> ActiveExchange[object] | None:
        """Carry out the step of a flow: see `ActiveExchange.run`."""
        step, state = runner.step, self.state
        assert step is not None
        if state.config.recorder is not None:
            from ._in_process import body_of  # few record

            state.config.recorder.watch(step.exchange, await body_of(step.exchange.request), time.monotonic)
        if step.delay and state.responder is None:
            await anyio.sleep(step.delay)
        if step.authorization is not None:
            await step.authorization.acomplete()
        if state.responder is not None:
            from ._in_process import play

            return await play(runner, state.responder, state.connections.on_this_loop().backend)
        if state.config.transport is not None:
            from ._in_process import CarriedExchange

            transport = cast("AsyncTransport", state.config.transport)
            return await CarriedExchange(step, transport, state.connections.on_this_loop().backend).run()
        if state.application is not None and step.exchange.request.origin == self.session.base.origin:
            return await state.application.handle(step)
        return await ConnectionExchange(step, state.connections).run()

    async def run(
        self, make: Callable[[Unpack[Ts], Options, float], Flow[T]], *args: Unpack[Ts]
    ) -> tuple[T, ActiveExchange[object] | None]:
        """Run a flow.

        Args:
            make: makes the flow: a method of the session, which takes the options and the time after its own arguments.
            args: these arguments.

        Returns:
            The flow's result, and the exchange whose items are the caller's to receive, if there is one.
        """
        runner, active = FlowRunner(make(*args, self.options, time.monotonic())), None
        try:
            while runner.step is not None:
                if active is not None:
                    active.close()
                active = await self.handle(runner)
                runner.resume(time.monotonic())
        except BaseException:
            runner.close()
            if active is not None:
                active.close()
            raise
        return runner.result, active

    async def result(self, make: Callable[[Unpack[Ts], Options, float], Flow[T]], *args: Unpack[Ts]) -> T:
        """Run a flow that leaves no exchange open; return its result."""
        return (await self.run(make, *args))[0]

    def learn(self) -> None:
        """Find out what the Service is, for a person who waits for it: on a loop of its own, as this may block one."""
        if self.session.needs_learning and self.state.application is None:
            look = self.under(self.options.of_help).result
            bento_files.attempt(lambda: anyio.run(look, self.session.learn))

    async def connect(self) -> Service:
        """The Service; the first use waits for it and reads its schema, for all tasks of the event loop."""
        session, options = self.session, self.options
        if not self.is_connected:
            loop, now = self.state.connections.on_this_loop(), time.monotonic()  # to wait for others counts
            total = options.timeout.total
            with CancelScope(deadline=math.inf if total is None else anyio.current_time() + total) as scope:
                while (other := loop.discovery) is not None:
                    await other.over.wait()
                    other.end(options)
            if scope.cancelled_caught:
                raise ConnectAttempt.timed_out(options)
            if not session.is_connected:
                own = loop.discovery = ConnectAttempt(options, anyio.Event())
                try:
                    await self.result(lambda options, _: session.connect(options, now))
                except BentoMLException as exc:
                    own.error = exc
                    raise
                finally:
                    loop.discovery = None
                    own.over.set()
        assert session.service is not None
        return session.service

    async def call(self, call: BoundCall) -> tuple[Value, Exchange[object]]:
        """Call an endpoint; return its value, read to its end or a stream."""
        return await self.fetch(call.endpoint, self.session.call, *await self.prepare(call))

    async def fetch(
        self,
        endpoint: Endpoint,
        make: Callable[[Unpack[Ts], Options, float], Flow[Exchange[object]]],
        *args: Unpack[Ts],
    ) -> tuple[Value, Exchange[object]]:
        """Run a flow that comes to a result of an endpoint; return it as `call` does."""
        await self.load(endpoint)
        exchange, active = await self.run(make, *args)
        if active is None:
            return exchange.result, exchange
        if exchange.result_kind is ResultKind.ITEMS:
            return AsyncStream(active), exchange
        options, limits = self.options, self.state.config.limits
        received = cast("ActiveExchange[bytes]", active)
        value = await save(received, lambda: bento_files.open_sink(exchange, endpoint.name, options, limits))
        return value, exchange

    async def stream(
        self, make: Callable[[Unpack[Ts], Options, float], Flow[Exchange[bytes]]], *args: Unpack[Ts]
    ) -> AsyncStreamedContent:
        """Run a flow that makes a request of the caller's own; return its response, to be read."""
        exchange, active = await self.run(make, *args)
        stream = None if active is None else AsyncStream(cast("ActiveExchange[bytes]", active))
        return AsyncStreamedContent(exchange, stream)

    async def save(
        self,
        dest: str | PathLike[str],
        name: str,
        make: Callable[[Unpack[Ts], Options, float], Flow[Exchange[bytes]]],
        *args: Unpack[Ts],
    ) -> Path:
        """Run a flow and write the body of its response to a file."""
        place = await to_thread.run_sync(bento_files.Destination, dest)
        content, active = await self.run(make, *args)
        return await save(cast("ActiveExchange[bytes]", active), lambda: place.open(content, name))

    async def prepare(self, call: BoundCall) -> tuple[BoundCall, Sequence[Upload], str]:
        """Do what would block before a call; return it, its files, measured, and the boundary of its form's fields."""
        for _ in (steps := EncodingSteps(call)):
            await checkpoint()
        call = steps.call
        return (call, *await self.form(call.sources)) if call.files else (call, (), "")

    async def form(self, sources: Sequence[FileSource]) -> tuple[list[Upload], str]:
        """Do what `bento_files.form` does."""
        if not sources:
            return bento_files.form(sources)
        # Opening a pipe waits for who writes to it: a thread that does so can only be left behind.
        return await to_thread.run_sync(bento_files.form, sources, abandon_on_cancel=True)

    async def load(self, endpoint: Endpoint) -> None:
        """Import what results of an endpoint need, such as NumPy."""
        if endpoint.name not in self.state.loaded:
            modules = modules_of(endpoint)
            if modules:  # even if they are in sys.modules: another thread may still be at it
                await to_thread.run_sync(bento_files.load, modules, abandon_on_cancel=True)
            self.state.loaded.add(endpoint.name)

    def enter(self) -> None:
        """Let tasks of the running event loop call the application, if there is one."""
        if self.state.application is not None:
            self.state.application.enter()

    async def close(self) -> None:
        """Close the connections, and stop the application."""
        self.state.connections.close()
        if self.state.application is not None:
            await self.state.application.stop()

    async def leave(self) -> None:
        """End the application's tasks."""
        if self.state.application is not None:
            await self.state.application.leave()


async def save(active: ActiveExchange[bytes], open_sink: Callable[[], Sink[T]]) -> T:
    """Write what an exchange delivers, to its end; return what the sink makes of it."""
    exchange = active.exchange
    assert exchange.head is not None
    try:
        sink = await to_thread.run_sync(open_sink)
        try:
            buffer = bento_files.WriteBuffer(exchange.head)
            active.buffer = buffer.free
            while not active.is_over:
                for block in await active.receive():
                    if due := buffer.add(block):
                        size = await to_thread.run_sync(buffer.write, sink, due, active.direct_read_source)
                        if size:
                            active.direct_read(size)
                    active.buffer = buffer.free
            if exchange.error is not None:
                raise exchange.error
            return await to_thread.run_sync(buffer.finish, sink)
        except BaseException:
            with CancelScope(shield=True):
                await to_thread.run_sync(sink.discard)
            raise
    finally:
        active.close()
