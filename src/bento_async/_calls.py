"""The driver: runs the core's flows over connections, and hands results over."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, TypeVar, cast

from anyio import to_thread

import bento_files
from bento_proto import FlowRunner, Response, ResultKind
from bento_proto.response import Content, modules_of

from ._stream import AsyncStream
from ._threads import load, measured, written

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bento_proto import Endpoint, Exchange, Flow, ResultStatus, ServerSentEvent, Service, Value
    from bento_proto.policy import Poll
    from bento_proto.request import BoundCall, Upload
    from bento_proto.session import Options

    from ._shared import Shared
    from ._underway import Underway

T = TypeVar("T")


class Calls:
    """All that a client does, under one set of options.

    Args:
        shared: what the client is made of.
        options: those.
    """

    def __init__(self, shared: Shared, options: Options) -> None:
        self.shared: Shared = shared
        self.options: Options = options

    def under(self, options: Options) -> Calls:
        """The same under other options."""
        return Calls(self.shared, options)

    # --- driving

    async def run(self, flow: Flow[T]) -> tuple[T, Underway[object] | None]:
        """Run a flow; return its result, and the exchange that it left open, if it did."""
        run, opened = FlowRunner(flow), None
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

    @property
    def is_connected(self) -> bool:
        """Whether `connect` has nothing left to do."""
        return self.shared.session.is_connected and not self.shared.connections.closed

    async def connect(self) -> Service:
        """The Service; waits for it and fetches its schema the first time."""
        session = self.shared.session
        if not self.is_connected:
            discovery, now = self.shared.connections.local.discovery, time.monotonic()  # to wait for others counts
            await discovery.wait(self.options)
            if not session.is_connected:
                with discovery.attempt(self.options):
                    await self.result(session.connect(self.options, now))
        service = session.service
        assert service is not None
        return service

    async def is_ready(self, timeout: float | None) -> bool:
        """Whether the Service is ready."""
        return await self.result(self.shared.session.is_ready(timeout, self.options, time.monotonic()))

    async def wait_until_ready(self, timeout: float | None) -> None:
        """Wait until the Service is ready."""
        await self.result(self.shared.session.wait_until_ready(timeout, self.options, time.monotonic()))

    # --- calling it

    async def call(self, call: BoundCall) -> Response[Value]:
        """Call an endpoint."""
        uploads: Sequence[Upload] = ()
        boundary = ""
        if call.files or call.endpoint.name not in self.shared.loaded:
            uploads, boundary = await self._prepare(call)
        flow = self.shared.session.call(call, uploads, boundary, self.options, time.monotonic())
        exchange, opened = await self.run(flow)
        return _value(exchange) if opened is None else await self._deliver(call.endpoint, exchange, opened)

    async def events(self, call: BoundCall) -> AsyncStream[ServerSentEvent]:
        """Call an endpoint and read its answer as server-sent events."""
        uploads, boundary = await self._prepare(call)
        flow = self.shared.session.events(call, uploads, boundary, self.options, time.monotonic())
        exchange, opened = await self.run(flow)
        assert opened is not None
        return AsyncStream(exchange, opened)

    async def save(self, dest: str | os.PathLike[str], call: BoundCall) -> Path:
        """Call an endpoint and write its answer to a file."""
        place = await to_thread.run_sync(lambda: bento_files.Destination(dest))
        uploads, boundary = await self._prepare(call)
        flow = self.shared.session.content(call, uploads, boundary, self.options, time.monotonic())
        exchange, opened = await self.run(flow)
        assert opened is not None
        return await written(exchange, opened, lambda: place.open(exchange, call.endpoint.name))

    async def request(self, method: str, path: str, content: bytes | None, json: object) -> Content:
        """Make a request of the caller's own."""
        flow = self.shared.session.request(method, path, content, json, self.options, time.monotonic())
        exchange = await self.result(flow)
        assert exchange.head is not None
        return Content(exchange.head, exchange.result, exchange)

    # --- tasks

    async def submit(self, call: BoundCall) -> str:
        """Queue a call; return the task's id."""
        uploads, boundary = await self._prepare(call)
        tasks = self.shared.session.tasks
        return await self.result(tasks.submit(call, uploads, boundary, self.options, time.monotonic()))

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

    async def _prepare(self, call: BoundCall) -> tuple[Sequence[Upload], str]:
        """Do what would block before a call; return its files, measured, and what parts the fields of its form."""
        if call.endpoint.name not in self.shared.loaded:
            await self._load(call.endpoint)
        if not call.files:
            return (), ""
        return await measured(call.sources), os.urandom(16).hex()

    async def _load(self, endpoint: Endpoint) -> None:
        """Import what calls of an endpoint will, such as NumPy, so that the event loop need not wait for it."""
        if endpoint.name not in self.shared.loaded:
            modules = modules_of(endpoint)
            if modules:  # even if they are in sys.modules: another thread may still be at it
                await load(modules)
            self.shared.loaded.add(endpoint.name)

    async def _deliver(
        self, endpoint: Endpoint, exchange: Exchange[object], opened: Underway[object] | None
    ) -> Response[Value]:
        """The result of an exchange; what is left open is read to its end, unless it is a stream."""
        if opened is None:
            return _value(exchange)
        assert exchange.head is not None
        if exchange.result_kind is ResultKind.ITEMS:
            return AsyncStream(exchange, opened).response
        limits = self.shared.limits
        received = cast("Exchange[bytes]", exchange)
        value = await written(
            received, opened, lambda: bento_files.open_sink(exchange, endpoint.name, self.options, limits)
        )
        return Response(exchange.head, value, exchange)


def _value(exchange: Exchange[object]) -> Response[Value]:
    assert exchange.head is not None
    return Response(exchange.head, exchange.result, exchange)
