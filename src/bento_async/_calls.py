"""The driver: runs the core's flows over connections, and hands results over."""

from __future__ import annotations

import copy
import math
import os
import time
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar, cast

import anyio
from anyio import CancelScope, to_thread

from bento_files import Destination, measure, open_sink
from bento_proto import BentoMLException, CallTimeout, Content, Delivery, Response, Run, modules_of, must_travel

from ._connections import Discovery
from ._play import body_of, play
from ._stream import AsyncStream
from ._transport import carry_out

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from bento_files import Sink
    from bento_proto import (
        Call,
        Endpoint,
        Exchange,
        Flow,
        Limits,
        Options,
        Poll,
        Responder,
        ResultStatus,
        ServerSentEvent,
        Service,
        Session,
        Source,
        Upload,
        Value,
        Witness,
    )

    from ._asgi import Application
    from ._connections import Connections, Local
    from ._underway import Underway

T = TypeVar("T")

_GATHERED: Final = 1 << 20  # bytes of a file, written at a time: a thread is not for nothing


class Shared:
    """What a client and its views have in common.

    Args:
        session: what the client knows.
        connections: its connections.
        limits: how much a server may send.
        application: what is called instead of a server, if anything is.
        responder: what answers in the place of a server, if anything does.
        recorder: what notes the exchanges, if anything does.

    Attributes:
        loaded: the endpoints for which nothing is left to import.
    """

    def __init__(
        self,
        session: Session,
        connections: Connections,
        limits: Limits,
        application: Application | None,
        responder: Responder | None,
        recorder: Witness | None,
    ) -> None:
        self.session: Session = session
        self.limits: Limits = limits
        self.connections: Connections = connections
        self.application: Application | None = application
        self.responder: Responder | None = responder
        self.recorder: Witness | None = recorder
        self.loaded: set[str] = set()

    def __reduce__(self) -> tuple[type[Shared], tuple[Session, Connections, Limits, None, None, None]]:
        """The same with connections of its own, as it is made in another process.

        Raises:
            TypeError: something of it can't leave this one.
        """
        must_travel(app=self.application or self.responder, recorder=self.recorder)
        return Shared, (self.session, self.connections, self.limits, None, None, None)

    async def carry_out(self, run: Run[T]) -> Underway[object] | None:
        """Carry out the step of a run until its exchange wants no more; what is handed over is read further."""
        step = run.step
        assert step is not None
        if self.recorder is not None:
            self.recorder.watch(step.exchange, await body_of(step.exchange.request), time.monotonic)
        if self.responder is not None:
            self.connections.check_open()
            return await play(run, self.responder)
        if step.delay:
            await anyio.sleep(step.delay)
        if self.application is not None and step.exchange.request.origin == self.session.base.origin:
            return await self.application.carry_out(step)
        return await carry_out(step, self.connections)

    async def close(self) -> None:
        """Close the connections, and stop the application."""
        self.connections.close()
        if self.application is not None:
            await self.application.stop()


class Calls(NamedTuple):
    """All that a client does, under one set of options."""

    shared: Shared
    options: Options

    # --- driving

    async def run(self, flow: Flow[T]) -> tuple[T, Underway[object] | None]:
        """Run a flow; return its result, and the exchange that it left open, if it did."""
        run, opened = Run(flow), None
        try:
            while run.step is not None:
                if opened is not None:
                    opened.close()
                opened = await self.shared.carry_out(run)
                run.resume(time.monotonic())
        except BaseException:
            run.close()
            if opened is not None:
                opened.close()
            raise
        return run.result, opened

    async def result(self, flow: Flow[T]) -> T:
        """Run a flow that leaves nothing open; return its result."""
        return (await self.run(flow))[0]

    # --- finding the Service

    async def connect(self) -> Service:
        """The Service; waits for it and fetches its schema the first time."""
        connections, session = self.shared.connections, self.shared.session
        if connections.closed or not session.is_connected:
            await self._discover(connections.local)
        service = session.service
        assert service is not None
        return service

    async def _discover(self, local: Local) -> None:
        now, total = time.monotonic(), self.options.timeout.total  # waiting for another task's attempt counts
        with CancelScope(deadline=math.inf if total is None else anyio.current_time() + total) as scope:
            while local.discovery is not None:
                await self._follow(local.discovery)
        if scope.cancelled_caught:
            error = CallTimeout(f"the Service was not found within {total:g} seconds")
            error.sent = False
            raise error
        if not self.shared.session.is_connected:  # the first of several tasks does it for all
            await self._lead(local, now)

    async def _lead(self, local: Local, now: float) -> None:
        discovery = local.discovery = Discovery(self.options)
        try:
            await self.result(self.shared.session.connect(self.options, now))
        except BentoMLException as error:
            discovery.error = error
            raise
        finally:
            local.discovery = None
            discovery.over.set()

    async def _follow(self, discovery: Discovery) -> None:
        """Wait for another task's attempt; if it fails, so would one of ours, unless the options are others."""
        await discovery.over.wait()
        if discovery.error is not None and discovery.options is self.options:
            raise copy.copy(discovery.error) from discovery.error.__cause__

    async def is_ready(self, timeout: float | None) -> bool:
        """Whether the Service is ready."""
        return await self.result(self.shared.session.is_ready(timeout, self.options, time.monotonic()))

    async def wait_until_ready(self, timeout: float | None) -> None:
        """Wait until the Service is ready."""
        await self.result(self.shared.session.wait_until_ready(timeout, self.options, time.monotonic()))

    # --- calling it

    async def call(self, call: Call) -> Response[Value]:
        """Call an endpoint."""
        uploads = await self._prepare(call)
        flow = self.shared.session.call(call, uploads, os.urandom(16).hex(), self.options, time.monotonic())
        return await self._deliver(call.endpoint, *await self.run(flow))

    async def events(self, call: Call) -> AsyncStream[ServerSentEvent]:
        """Call an endpoint and read its answer as server-sent events."""
        uploads = await self._prepare(call)
        flow = self.shared.session.events(call, uploads, os.urandom(16).hex(), self.options, time.monotonic())
        exchange, opened = await self.run(flow)
        assert opened is not None
        return AsyncStream(exchange, opened)

    async def save(self, dest: str | os.PathLike[str], call: Call) -> Path:
        """Call an endpoint and write its answer to a file."""
        place = await to_thread.run_sync(Destination, dest)
        uploads = await self._prepare(call)
        flow = self.shared.session.content(call, uploads, os.urandom(16).hex(), self.options, time.monotonic())
        exchange, opened = await self.run(flow)
        return await self._write(exchange, opened, lambda: place.open(exchange, call.endpoint.name))

    async def request(self, method: str, path: str, content: bytes | None, json: object) -> Content:
        """Make a request of the caller's own."""
        flow = self.shared.session.request(method, path, content, json, self.options, time.monotonic())
        exchange = await self.result(flow)
        assert exchange.head is not None
        return Content(exchange.head, exchange.result, exchange)

    # --- tasks

    async def submit(self, call: Call) -> str:
        """Queue a call; return the task's id."""
        uploads = await self._prepare(call)
        tasks = self.shared.session.tasks
        return await self.result(tasks.submit(call, uploads, os.urandom(16).hex(), self.options, time.monotonic()))

    async def task_status(self, endpoint: Endpoint, task_id: str) -> ResultStatus:
        """Where a task stands."""
        return await self.result(self.shared.session.tasks.status(endpoint, task_id, self.options, time.monotonic()))

    async def wait_for_task(
        self, endpoint: Endpoint, task_id: str, timeout: float | None, poll: Poll | float | None
    ) -> ResultStatus:
        """Where a task stands when it is over."""
        tasks = self.shared.session.tasks
        return await self.result(tasks.wait(endpoint, task_id, timeout, poll, self.options, time.monotonic()))

    async def get_task(self, endpoint: Endpoint, task_id: str) -> Response[Value]:
        """The result of a task."""
        await self._load(endpoint)
        flow = self.shared.session.tasks.get(endpoint, task_id, self.options, time.monotonic())
        return await self._deliver(endpoint, *await self.run(flow))

    async def task_result(
        self, endpoint: Endpoint, task_id: str, timeout: float | None, poll: Poll | float | None, cancel: bool
    ) -> Response[Value]:
        """The result of a task, once it is over."""
        await self._load(endpoint)
        tasks = self.shared.session.tasks
        flow = tasks.result(endpoint, task_id, timeout, poll, cancel, self.options, time.monotonic())
        return await self._deliver(endpoint, *await self.run(flow))

    async def cancel_task(self, endpoint: Endpoint, task_id: str) -> None:
        """Cancel a task."""
        await self.result(self.shared.session.tasks.cancel(endpoint, task_id, self.options, time.monotonic()))

    async def retry_task(self, endpoint: Endpoint, task_id: str) -> str:
        """Run a task again; return the new one's id."""
        return await self.result(self.shared.session.tasks.retry(endpoint, task_id, self.options, time.monotonic()))

    # --- what they share

    async def _prepare(self, call: Call) -> list[Upload]:
        """Do what would block before a call; return its files, measured."""
        await self._load(call.endpoint)
        sources = call.sources
        # Opening a pipe waits for who writes to it: a thread that does so can only be left alone.
        return await to_thread.run_sync(_measure, sources, abandon_on_cancel=True) if sources else []

    async def _load(self, endpoint: Endpoint) -> None:
        """Import what calls of an endpoint will, such as NumPy, so that the event loop need not wait for it."""
        if endpoint.name not in self.shared.loaded:
            modules = modules_of(endpoint)
            if modules:  # even if they are in sys.modules: another thread may still be at it
                await to_thread.run_sync(_import, modules, abandon_on_cancel=True)
            self.shared.loaded.add(endpoint.name)

    async def _deliver(
        self, endpoint: Endpoint, exchange: Exchange[object], opened: Underway[object] | None
    ) -> Response[Value]:
        """The result of an exchange; what is left open is read to its end, unless it is a stream."""
        assert exchange.head is not None
        if exchange.delivery is Delivery.VALUE:
            return Response(exchange.head, exchange.result, exchange)
        if exchange.delivery is Delivery.ITEMS:
            assert opened is not None
            return AsyncStream(exchange, opened).response
        limits = self.shared.limits
        received = cast("Exchange[bytes]", exchange)
        value = await self._write(received, opened, lambda: open_sink(exchange, endpoint.name, self.options, limits))
        return Response(exchange.head, value, exchange)

    async def _write(
        self, exchange: Exchange[bytes], opened: Underway[object] | None, open_sink: Callable[[], Sink[T]]
    ) -> T:
        """Write what an exchange delivers, to its end."""
        assert opened is not None
        async with AsyncStream(exchange, opened) as blocks:
            sink = await to_thread.run_sync(open_sink)
            try:
                gathered: list[bytes] = []
                size = 0
                async for block in blocks:
                    gathered.append(block)
                    size += len(block)
                    if size >= _GATHERED:
                        await to_thread.run_sync(_write, sink, gathered)
                        gathered, size = [], 0
                return await to_thread.run_sync(_finish, sink, gathered)
            except BaseException:
                with CancelScope(shield=True):
                    await to_thread.run_sync(sink.discard)
                raise


def _import(modules: Iterable[str]) -> None:
    for module in modules:
        with suppress(ImportError):
            import_module(module)


def _measure(sources: Sequence[Source]) -> list[Upload]:
    return [measure(source) for source in sources]


def _write(sink: Sink[object], blocks: Sequence[bytes]) -> None:
    for block in blocks:
        sink.write(block)


def _finish(sink: Sink[T], blocks: Sequence[bytes]) -> T:
    _write(sink, blocks)
    return sink.finish()
