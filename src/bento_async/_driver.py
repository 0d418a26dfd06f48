"""The driver: runs the core's flows, step by step, and turns what they come to into results."""

from __future__ import annotations

import math
import os
import time
import weakref
from typing import TYPE_CHECKING, Final, TypeVar, cast

import anyio
from anyio import CancelScope, to_thread

import bento_files
from bento_proto import BentoMLException
from bento_proto.response import modules_of
from bento_proto.session import AsyncDriver, ConnectAttempt

from ._connection_pool import Connections
from ._transport import ConnectionExchange

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from os import PathLike
    from pathlib import Path

    from typing_extensions import TypeVarTuple, Unpack

    from bento_files import Sink
    from bento_proto import Endpoint, Exchange, Flow, FlowRunner, Request, Service, Value
    from bento_proto.request import FileSource, Upload
    from bento_proto.session import ActiveStream, AsyncTransport, ClientConfig, Options
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
        self.responder: Responder | None = config.responder
        self.connections: Connections = Connections(config)
        self.loaded: set[str] = set()
        _states.add(self)
        self.application: Application | None = None
        if config.application is not None:
            from ._in_process import Application  # few have use for it

            self.application = Application(config.application)

    def __reduce__(self) -> tuple[type[ClientState], tuple[ClientConfig]]:
        """The same without connections, as it is made in another process."""
        return ClientState, (self.config,)


_states: Final[weakref.WeakSet[ClientState]] = weakref.WeakSet()


def _after_fork() -> None:
    for state in list(_states):
        state.config.session.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


class Driver(AsyncDriver):
    """Makes the requests of a client, or of a view of it, under its options.

    Args:
        state: what the client and its views share.
        options: the options.
    """

    def __init__(self, state: ClientState, options: Options) -> None:
        super().__init__(state.config, options, time.monotonic)
        self.state: ClientState = state

    def under(self, options: Options, /) -> Driver:
        return Driver(self.state, options)

    def learn(self) -> None:
        """Find out what the Service is, for a person who waits for it: on a loop of its own, as this may block one."""
        if self.session.needs_learning and self.state.application is None:
            look = self.under(self.options.of_help).result
            bento_files.attempt(lambda: anyio.run(look, self.session.learn))

    async def connect(self) -> Service:
        session, options = self.session, self.options
        if not session.is_connected or self.state.connections.is_closed:
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

    async def save(
        self,
        dest: str | PathLike[str],
        name: str,
        make: Callable[[Unpack[Ts], Options, float], Flow[Exchange[bytes]]],
        /,
        *args: Unpack[Ts],
    ) -> Path:
        place = await to_thread.run_sync(bento_files.Destination, dest)
        content, active = await self.run(make, *args)
        return await save(cast("ActiveExchange[bytes]", active), lambda: place.open(content, name))

    async def form(self, sources: Sequence[FileSource], /) -> tuple[Sequence[Upload], str]:
        if not sources:
            return bento_files.form(sources)
        # Opening a pipe waits for who writes to it: a thread that does so can only be left behind.
        return await to_thread.run_sync(bento_files.form, sources, abandon_on_cancel=True)

    async def _open(self, runner: FlowRunner[T], /) -> ActiveExchange[object]:
        step, state, connections = runner.step, self.state, self.state.connections
        assert step is not None
        if state.responder is not None:
            from ._in_process import PlayedExchange, body_of

            body = await body_of(step.exchange.request)
            return PlayedExchange(runner, state.responder, body, connections.on_this_loop().backend)
        if self.config.transport is not None:
            from ._in_process import CarriedExchange

            transport = cast("AsyncTransport", self.config.transport)
            return CarriedExchange(step, transport, connections.on_this_loop().backend)
        if state.application is not None and step.exchange.request.origin == self.session.base.origin:
            return await state.application.open(step)
        return ConnectionExchange(step, connections)

    async def _sleep(self, seconds: float, /) -> None:
        await anyio.sleep(seconds)

    async def _read_body(self, request: Request, /) -> bytes:
        from ._in_process import body_of  # few record

        return await body_of(request)

    async def _load(self, endpoint: Endpoint, /) -> None:
        if endpoint.name not in self.state.loaded:
            modules = modules_of(endpoint)
            if modules:  # even if they are in sys.modules: another thread may still be at it
                await to_thread.run_sync(bento_files.load, modules, abandon_on_cancel=True)
            self.state.loaded.add(endpoint.name)

    async def _write(self, endpoint: Endpoint, active: ActiveStream[bytes], /) -> Value:
        received, options, limits = cast("ActiveExchange[bytes]", active), self.options, self.config.limits
        return await save(received, lambda: bento_files.open_sink(received.exchange, endpoint.name, options, limits))

    def enter(self) -> None:
        if self.state.application is not None:
            self.state.application.enter()

    async def close(self) -> None:
        self.session.close()
        self.state.connections.close()
        if self.state.application is not None:
            await self.state.application.stop()

    async def leave(self) -> None:
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
