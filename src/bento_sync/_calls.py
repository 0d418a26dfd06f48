"""The driver: runs the core's flows over connections, and hands results over."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, TypeVar, cast

import bento_files
from bento_proto import CallTimeout, FlowRunner, LocalProtocolError, Response, ResultKind
from bento_proto.request import bind
from bento_proto.response import Content
from bento_proto.session import check_picklable

from ._discovery import Discovery
from ._stream import Stream
from ._transport import carry_out

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from bento_files import Sink
    from bento_proto import Endpoint, Exchange, Flow, Limits, ResultStatus, ServerSentEvent, Service, Session, Value
    from bento_proto.policy import Poll
    from bento_proto.request import BoundCall, Upload
    from bento_proto.session import Options
    from bento_proto.testing import ExchangeRecorder, Responder

    from ._asgi import ASGIServer
    from ._connections import Connections
    from ._stop import Stop
    from ._underway import Underway

T = TypeVar("T")


class Shared:
    """What a client and its views have in common.

    Args:
        session: what the client knows.
        connections: its connections.
        limits: how much a server may send.
        server: what serves its application, if it has one.
        responder: what answers in the place of a server, if anything does.
        recorder: what notes the exchanges, if anything does.
    """

    def __init__(
        self,
        session: Session,
        connections: Connections,
        limits: Limits,
        server: ASGIServer | None,
        responder: Responder | None,
        recorder: ExchangeRecorder | None,
    ) -> None:
        self.session: Session = session
        self.limits: Limits = limits
        self.connections: Connections = connections
        self.server: ASGIServer | None = server
        self.responder: Responder | None = responder
        self.recorder: ExchangeRecorder | None = recorder
        self.discovery: Discovery = Discovery()
        self.closed: bool = False

    def __reduce__(self) -> tuple[type[Shared], tuple[Session, Connections, Limits, None, None, None]]:
        """The same with connections of its own, as it is made in another process.

        Raises:
            TypeError: something of it can't leave this one.
        """
        check_picklable(app=self.server or self.responder, recorder=self.recorder)
        return Shared, (self.session, self.connections, self.limits, None, None, None)

    def carry_out(self, run: FlowRunner[T], stop: Stop | None) -> Underway[object] | None:
        """Carry out the step of a run until its exchange wants no more; what is handed over is read further."""
        assert run.step is not None
        if self.recorder is not None:
            exchange = run.step.exchange
            self.recorder.watch(exchange, bento_files.read_body(exchange.request), time.monotonic)
        if self.responder is not None:
            if self.closed:  # as its connections would say, if it had some
                raise LocalProtocolError("the client is closed")
            from ._play import play  # which nearly none has

            return play(run, self.responder)
        if run.step.delay:
            (time.sleep if stop is None else stop.sleep)(run.step.delay)
        return carry_out(run.step, self.connections, stop)

    def close(self) -> None:
        """Close the connections, and stop the application."""
        self.closed = True
        self.connections.close()
        if self.server is not None:
            self.server.stop()


class Calls:
    """All that a client does, under one set of options.

    Args:
        shared: what the client is made of.
        options: those.
        stop: may stop it, if it is given.
    """

    def __init__(self, shared: Shared, options: Options, stop: Stop | None = None) -> None:
        self.shared: Shared = shared
        self.options: Options = options
        self.stop: Stop | None = stop

    def under(self, options: Options) -> Calls:
        """The same under other options."""
        return Calls(self.shared, options, self.stop)

    def until(self, stop: Stop) -> Calls:
        """The same, which that may stop."""
        return Calls(self.shared, self.options, stop)

    # --- driving

    def run(self, flow: Flow[T]) -> tuple[T, Underway[object] | None]:
        """Run a flow; return its result, and the exchange that it left open, if it did."""
        run, opened = FlowRunner(flow), None
        try:
            while run.step is not None:
                if opened is not None:
                    opened.close()
                opened = self.shared.carry_out(run, self.stop)
                run.resume(time.monotonic())
        except BaseException:
            run.close()
            if opened is not None:
                opened.close()
            raise
        return run.result, opened

    def result(self, flow: Flow[T]) -> T:
        """Run a flow that leaves nothing open; return its result."""
        return self.run(flow)[0]

    # --- finding the Service

    def connect(self) -> Service:
        """The Service; waits for it and fetches its schema the first time."""
        shared = self.shared
        if shared.closed:
            raise LocalProtocolError("the client is closed")
        if not shared.session.is_connected:
            self._discover(shared)
        service = shared.session.service
        assert service is not None
        return service

    def _discover(self, shared: Shared) -> None:
        now, total = time.monotonic(), self.options.timeout.total  # waiting for another thread's attempt counts
        while not shared.session.is_connected:
            with shared.discovery.attempt(self.options) as underway:
                if underway is None:
                    self._start()
                    self.result(shared.session.connect(self.options, now))
                elif not underway.follow(self.options, None if total is None else now + total - time.monotonic()):
                    error = CallTimeout(f"the Service was not found within {total:g} seconds")
                    error.sent = False
                    raise error

    def is_ready(self, timeout: float | None) -> bool:
        """Whether the Service is ready."""
        self._start()
        return self.result(self.shared.session.is_ready(timeout, self.options, time.monotonic()))

    def wait_until_ready(self, timeout: float | None) -> None:
        """Wait until the Service is ready."""
        self._start()
        self.result(self.shared.session.wait_until_ready(timeout, self.options, time.monotonic()))

    def _start(self) -> None:
        if self.shared.server is not None and not self.shared.closed:
            self.shared.server.start()

    # --- calling it

    def call(self, endpoint: Endpoint, args: Sequence[object], kwargs: Mapping[str, object]) -> Response[Value]:
        """Call an endpoint."""
        call, uploads, boundary = self._prepare(endpoint, args, kwargs)
        flow = self.shared.session.call(call, uploads, boundary, self.options, time.monotonic())
        return self._deliver(endpoint, *self.run(flow))

    def events(
        self, endpoint: Endpoint, args: Sequence[object], kwargs: Mapping[str, object]
    ) -> Stream[ServerSentEvent]:
        """Call an endpoint and read its answer as server-sent events."""
        call, uploads, boundary = self._prepare(endpoint, args, kwargs)
        flow = self.shared.session.events(call, uploads, boundary, self.options, time.monotonic())
        exchange, opened = self.run(flow)
        return Stream(exchange, opened)

    def save(
        self, dest: str | os.PathLike[str], endpoint: Endpoint, args: Sequence[object], kwargs: Mapping[str, object]
    ) -> Path:
        """Call an endpoint and write its answer to a file."""
        place = bento_files.Destination(dest)
        call, uploads, boundary = self._prepare(endpoint, args, kwargs)
        flow = self.shared.session.content(call, uploads, boundary, self.options, time.monotonic())
        exchange, opened = self.run(flow)
        return self._write(exchange, opened, lambda: place.open(exchange, endpoint.name))

    def request(self, method: str, path: str, content: bytes | None, json: object) -> Content:
        """Make a request of the caller's own."""
        self._start()
        flow = self.shared.session.request(method, path, content, json, self.options, time.monotonic())
        exchange = self.result(flow)
        assert exchange.head is not None
        return Content(exchange.head, exchange.result, exchange)

    # --- tasks

    def submit(self, endpoint: Endpoint, args: Sequence[object], kwargs: Mapping[str, object]) -> str:
        """Queue a call; return the task's id."""
        call, uploads, boundary = self._prepare(endpoint, args, kwargs)
        tasks = self.shared.session.tasks
        return self.result(tasks.submit(call, uploads, boundary, self.options, time.monotonic()))

    def task_status(self, endpoint: Endpoint, task_id: str) -> ResultStatus:
        """Where a task stands."""
        return self.result(self.shared.session.tasks.status(endpoint, task_id, self.options, time.monotonic()))

    def wait_for_task(
        self, endpoint: Endpoint, task_id: str, timeout: float | None, poll: Poll | float | None
    ) -> ResultStatus:
        """Where a task stands when it is over."""
        tasks = self.shared.session.tasks
        return self.result(tasks.wait(endpoint, task_id, timeout, poll, self.options, time.monotonic()))

    def get_task(self, endpoint: Endpoint, task_id: str) -> Response[Value]:
        """The result of a task."""
        flow = self.shared.session.tasks.get(endpoint, task_id, self.options, time.monotonic())
        return self._deliver(endpoint, *self.run(flow))

    def task_result(
        self, endpoint: Endpoint, task_id: str, timeout: float | None, poll: Poll | float | None, cancel: bool
    ) -> Response[Value]:
        """The result of a task, once it is over."""
        tasks = self.shared.session.tasks
        flow = tasks.result(endpoint, task_id, timeout, poll, cancel, self.options, time.monotonic())
        return self._deliver(endpoint, *self.run(flow))

    def cancel_task(self, endpoint: Endpoint, task_id: str) -> None:
        """Cancel a task."""
        self.result(self.shared.session.tasks.cancel(endpoint, task_id, self.options, time.monotonic()))

    def retry_task(self, endpoint: Endpoint, task_id: str) -> str:
        """Run a task again; return the new one's id."""
        return self.result(self.shared.session.tasks.retry(endpoint, task_id, self.options, time.monotonic()))

    # --- what they share

    def _prepare(
        self, endpoint: Endpoint, args: Sequence[object], kwargs: Mapping[str, object]
    ) -> tuple[BoundCall, Sequence[Upload], str]:
        """The bound call, its files measured, and what is to part the fields of its form, should it be one."""
        call = bind(endpoint, args, kwargs)
        if not call.files:
            return call, (), ""
        return call, [bento_files.measure(source) for source in call.sources], os.urandom(16).hex()

    def _deliver(
        self, endpoint: Endpoint, exchange: Exchange[object], opened: Underway[object] | None
    ) -> Response[Value]:
        """The result of an exchange; what is left open is read to its end, unless it is a stream."""
        assert exchange.head is not None
        if exchange.result_kind is ResultKind.VALUE:
            return Response(exchange.head, exchange.result, exchange)
        if exchange.result_kind is ResultKind.ITEMS:
            return Stream(exchange, opened).response
        limits = self.shared.limits
        received = cast("Exchange[bytes]", exchange)
        value = self._write(
            received, opened, lambda: bento_files.open_sink(exchange, endpoint.name, self.options, limits)
        )
        return Response(exchange.head, value, exchange)

    def _write(self, exchange: Exchange[bytes], opened: Underway[object] | None, open_sink: Callable[[], Sink[T]]) -> T:
        """Write what an exchange delivers, to its end."""
        with Stream(exchange, opened) as blocks:
            assert opened is not None
            assert exchange.head is not None
            sink = open_sink()
            try:
                gathering = bento_files.Gathering(exchange.head)
                opened.room = gathering.room
                for block in blocks:
                    for due in gathering.add(block):
                        sink.write(due)
                    opened.room = gathering.room
                sink.write(gathering.gathered)
                return sink.finish()
            finally:
                sink.discard()
