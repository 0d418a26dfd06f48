"""The driver: runs the core's flows over connections, and hands their results over."""

from __future__ import annotations

import copy
import math
import threading
import time
from typing import TYPE_CHECKING, Final, TypeVar, cast

import bento_files
from bento_proto import BentoMLException, FlowRunner, LocalProtocolError, Response, ResultKind
from bento_proto.session import ConnectAttempt, check_picklable

from ._fork import renew_after_fork
from ._stream import Stream
from ._transport import send

if TYPE_CHECKING:
    from collections.abc import Callable

    from bento_files import Sink
    from bento_proto import Endpoint, Exchange, Flow, Service, Session, Step, Value
    from bento_proto.session import Options
    from bento_proto.testing import ExchangeRecorder, Responder

    from ._asgi import ASGIServer
    from ._batch import Stop
    from ._connection_pool import PoolManager
    from ._stream import OpenExchange

T = TypeVar("T")

_LOOK: Final = 1.0  # seconds after which who waits for another thread looks whether that is still at it


class Driver:
    """Runs flows, under one set of options. What it is made of is shared with the client's other views.

    Args:
        session: what the client knows.
        options: how requests are made.
        pools: the client's connections.
        server: what serves its application, if it has one.
        responder: what answers in the place of a server, if anything does.
        recorder: what notes the exchanges, if anything does.

    Attributes:
        session: what the client knows.
        options: how requests are made.
    """

    def __init__(
        self,
        session: Session,
        options: Options,
        pools: PoolManager,
        server: ASGIServer | None = None,
        responder: Responder | None = None,
        recorder: ExchangeRecorder | None = None,
    ) -> None:
        self.session: Session = session
        self.options: Options = options
        self._pools = pools
        self._server = server
        self._responder = responder
        self._recorder = recorder
        self._stop: Stop | None = None
        self._first_use = _FirstUse()

    def __getstate__(self) -> dict[str, object]:
        """What travels to another process, where it has connections of its own.

        Raises:
            TypeError: something of it can't leave this process.
        """
        check_picklable(app=self._server or self._responder, recorder=self._recorder)
        return self.__dict__

    def under(self, options: Options) -> Driver:
        """The same under other options."""
        other = copy.copy(self)
        other.options = options
        return other

    def until(self, stop: Stop) -> Driver:
        """The same, but that can be stopped."""
        other = copy.copy(self)
        other._stop = stop
        return other

    # --- running flows

    def run(self, flow: Flow[T]) -> tuple[T, OpenExchange[object] | None]:
        """Run a flow; return its result, and the exchange that it left open, if it did."""
        runner = FlowRunner(flow)
        opened: OpenExchange[object] | None = None
        try:
            while runner.step is not None:
                if opened is not None:
                    opened.close()
                opened = self._carry_out(runner, runner.step)
                runner.resume(time.monotonic())
        except BaseException:
            runner.close()
            if opened is not None:
                opened.close()
            raise
        return runner.result, opened

    def result(self, flow: Flow[T]) -> T:
        """Run a flow that leaves nothing open; return its result."""
        return self.run(flow)[0]

    def response(self, endpoint: Endpoint, flow: Flow[Exchange[object]]) -> Response[Value]:
        """Run a flow that calls an endpoint; return the result: a stream, or what was read to its end."""
        exchange, opened = self.run(flow)
        assert exchange.head is not None
        if opened is None:
            return Response(exchange.head, exchange.result, exchange)
        if exchange.result_kind is ResultKind.ITEMS:
            return Stream(exchange, opened).response
        value = self.write(
            exchange, opened, lambda: bento_files.open_sink(exchange, endpoint.name, self.options, exchange.limits)
        )
        return Response(exchange.head, value, exchange)

    def write(self, exchange: Exchange[object], opened: OpenExchange[object], open_sink: Callable[[], Sink[T]]) -> T:
        """Write the bytes that an exchange receives, to its end."""
        with Stream(cast("Exchange[bytes]", exchange), opened) as blocks:
            assert exchange.head is not None
            sink = open_sink()
            try:
                buffer = bento_files.WriteBuffer(exchange.head)
                opened.recv_buffer = buffer.free
                for block in blocks:
                    for due in buffer.add(block):
                        sink.write(due)
                    opened.recv_buffer = buffer.free
                sink.write(buffer.filled)
                return sink.finish()
            finally:
                sink.discard()

    def _carry_out(self, runner: FlowRunner[T], step: Step) -> OpenExchange[object] | None:
        """Carry out a step until its exchange wants no more; return the exchange if it is still open."""
        if self._recorder is not None:
            request = step.exchange.request
            self._recorder.watch(step.exchange, bento_files.read_body(request), time.monotonic)
        if self._responder is not None:
            if self._pools.is_closed:  # as they would say
                raise LocalProtocolError("the client is closed")
            from ._play import play  # which nearly none has

            return play(runner, step, self._responder)
        if step.delay:
            (time.sleep if self._stop is None else self._stop.sleep)(step.delay)
        return send(step, self._pools, self._stop)

    # --- the Service

    def connect(self) -> Service:
        """The Service; waits for it and reads its schema the first time.

        Raises:
            LocalProtocolError: the client is closed.
            BentoMLException: the Service did not become ready, or its schema can't be had.
        """
        if self._pools.is_closed:
            raise LocalProtocolError("the client is closed")
        session, options, now = self.session, self.options, time.monotonic()
        ends = math.inf if options.timeout.total is None else now + options.timeout.total  # waiting for others counts
        while not session.is_connected:
            self._first_use.attempt(options, ends, lambda: self._find_service(now))
        assert session.service is not None
        return session.service

    def _find_service(self, now: float) -> None:
        self.start_server()
        self.result(self.session.connect(self.options, now))

    def start_server(self) -> None:
        """Start what serves the client's application, if it has one and it is not running."""
        if self._server is not None and not self._pools.is_closed:
            self._server.start()

    def close(self) -> None:
        """Close the connections, and stop the application."""
        self._pools.close()
        if self._server is not None:
            self._server.stop()


class _FirstUse:
    """The first use of a client, which one thread makes for all that come meanwhile."""

    def __init__(self) -> None:
        self.after_fork()
        renew_after_fork(self)

    def __reduce__(self) -> tuple[type[_FirstUse], tuple[()]]:
        return _FirstUse, ()

    def after_fork(self) -> None:
        """Nobody is at it in the child, whoever was in the parent."""
        self._lock = threading.RLock()
        self._leader: _Leader | None = None

    def attempt(self, options: Options, ends: float, find: Callable[[], None]) -> None:
        """Make an attempt to find the Service; or wait for one that another thread makes, and fail with it.

        Args:
            options: of the caller.
            ends: how long to wait for another thread, on the monotonic clock.
            find: makes an attempt.

        Raises:
            CallTimeout: the other thread took too long.
            BentoMLException: the attempt failed, and would fail for this caller too.
        """
        own = _Leader(options)
        try:
            with self._lock:
                leader = self._leader = self._leader or own
            if leader is own:
                find()
                return
            while self._leader is leader:
                left = ends - time.monotonic()
                if left <= 0:
                    raise ConnectAttempt.timed_out(options)
                leader.over.wait(min(left, _LOOK))
            leader.end(options)
        except BentoMLException as exc:
            own.error = exc
            raise
        finally:
            if self._leader is own:
                self._leader = None
            own.over.set()


class _Leader(ConnectAttempt):
    """The attempt of one thread, for whose end others wait."""

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self.over: threading.Event = threading.Event()
