"""The driver: runs the core's flows over connections, and hands their results over."""

from __future__ import annotations

import math
import threading
import time
from typing import TYPE_CHECKING, Final, TypeVar, cast

import bento_files
from bento_proto import BentoMLException, FlowRunner, ResultKind
from bento_proto.response import StreamedContent
from bento_proto.session import ConnectAttempt

from ._connection_pool import PoolManager
from ._stream import Stream
from ._transport import CarriedExchange, PlayedExchange, SocketExchange

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import TypeVarTuple, Unpack

    from bento_files import Sink
    from bento_proto import Exchange, Flow, Service, Session, Step, Value
    from bento_proto.session import ClientConfig, Options, Transport

    from ._asgi import ASGIServer
    from ._batch import Stop
    from ._stream import OpenExchange

    Ts = TypeVarTuple("Ts")

T = TypeVar("T")

_LOOK: Final = 1.0  # seconds after which a thread that waits for another looks whether that is still at it


class Driver:
    """Runs flows, under one set of options. What it is made of is shared with the client's other views.

    Args:
        config: what the client was made with.
        options: how requests are made.
    """

    def __init__(self, config: ClientConfig, options: Options) -> None:
        self._config = config  # the first: it says what of a client can't be pickled
        self.session: Session = config.session
        self.options: Options = options
        self._responder = config.responder
        self._server: ASGIServer | None = None
        if config.application is not None:
            from ._asgi import ASGIServer  # few have use for it

            self._server = ASGIServer(config.application)
        self._pools = PoolManager(config, None if self._server is None else self._server.origin)
        self._stop: Stop | None = None

    def under(self, options: Options, stop: Stop | None = None) -> Driver:
        """The same under other options, or that another thread can stop."""
        other = object.__new__(Driver)
        other.__dict__.update(self.__dict__, options=options, _stop=stop)
        return other

    def run(
        self, make: Callable[[Unpack[Ts], Options, float], Flow[T]], *args: Unpack[Ts]
    ) -> tuple[T, OpenExchange[object] | None]:
        """Run a flow.

        Args:
            make: makes the flow: a method of the session, which takes the options and the time after its own arguments.
            args: these arguments.

        Returns:
            The flow's result, and the exchange that it left open, if it did.
        """
        runner = FlowRunner(make(*args, self.options, time.monotonic()))
        opened: OpenExchange[object] | None = None
        try:
            while runner.step is not None:
                if opened is not None:
                    opened.close()
                opened = self._open(runner.step)
                opened.begin()
                if opened.skipped:
                    runner.skip(opened.skipped)
                if not opened.exchange.is_streaming:
                    opened.close()
                    opened = None
                runner.resume(time.monotonic())
        except BaseException:
            if opened is not None:
                opened.close()
            runner.close()
            raise
        return runner.result, opened

    def result(self, make: Callable[[Unpack[Ts], Options, float], Flow[T]], *args: Unpack[Ts]) -> T:
        """Run a flow that leaves nothing open; return its result."""
        return self.run(make, *args)[0]

    def call(
        self, name: str, make: Callable[[Unpack[Ts], Options, float], Flow[Exchange[object]]], *args: Unpack[Ts]
    ) -> tuple[Value, Exchange[object]]:
        """Run a flow that calls the endpoint of that name; return its value, read to its end or a stream."""
        exchange, opened = self.run(make, *args)
        if opened is None:
            return exchange.result, exchange
        if exchange.result_kind is ResultKind.ITEMS:
            return Stream(exchange, opened), exchange
        limits = exchange.limits
        value = self.write(exchange, opened, lambda: bento_files.open_sink(exchange, name, self.options, limits))
        return value, exchange

    def stream(
        self, make: Callable[[Unpack[Ts], Options, float], Flow[Exchange[bytes]]], *args: Unpack[Ts]
    ) -> StreamedContent:
        """Run a flow that makes a request of the caller's own; return its response, to be read."""
        exchange, opened = self.run(make, *args)
        return StreamedContent(exchange, None if opened is None else Stream(exchange, opened))

    def write(
        self, exchange: Exchange[object], opened: OpenExchange[object] | None, open_sink: Callable[[], Sink[T]]
    ) -> T:
        """Write the bytes that an exchange receives, to its end."""
        with Stream(cast("Exchange[bytes]", exchange), opened) as blocks:
            assert opened is not None
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

    def _open(self, step: Step) -> OpenExchange[object]:
        """Wait for the delay of a step; return what carries out its exchange."""
        if self._config.recorder is not None:
            self._config.recorder.watch(step.exchange, bento_files.read_body(step.exchange.request), time.monotonic)
        if self._responder is not None or self._config.transport is not None:
            self._pools.check_open()
        elif self._server is not None and not self._pools.is_closed:
            self._server.start()
        while step.delay and self._responder is None and (seconds := step.wait(time.monotonic())):
            (time.sleep if self._stop is None else self._stop.sleep)(seconds)
        if step.authorization is not None:
            step.authorization.complete()
        if self._responder is not None:
            return PlayedExchange(step, self._responder)
        if self._config.transport is not None:
            return CarriedExchange(step, cast("Transport", self._config.transport))
        return SocketExchange(step, self._pools, self._stop)

    def learn(self) -> None:
        """Find out what the Service is, for a person who waits for it."""
        if self.session.needs_learning:
            bento_files.attempt(lambda: self.under(self.options.of_help).result(self.session.learn))

    def connect(self) -> Service:
        """The Service; the first use waits for it and reads its schema, which one thread does for all.

        Raises:
            LocalProtocolError: the client is closed.
            BentoMLException: the Service did not become ready, or its schema can't be had.
        """
        self._pools.check_open()
        session, options, now = self.session, self.options, time.monotonic()
        ends = math.inf if options.timeout.total is None else now + options.timeout.total  # waiting for others counts
        attempts = self._pools.connecting
        while not session.is_connected:
            own = ConnectAttempt(options, threading.Event())
            attempt = attempts.setdefault("first use", own)  # in one step, so that it is one thread's
            try:
                if attempt is own:
                    self.result(lambda options, _: session.connect(options, now))
                    continue
                while attempts.get("first use") is attempt:
                    left = ends - time.monotonic()
                    if left <= 0:
                        raise attempt.timed_out(options)
                    attempt.over.wait(min(left, _LOOK))
                attempt.end(options)
            except BentoMLException as exc:
                own.error = exc
                raise
            finally:
                if attempts.get("first use") is own:
                    del attempts["first use"]
                own.over.set()
        assert session.service is not None
        return session.service

    def close(self) -> None:
        """Close the connections, and stop the application."""
        self.session.close()
        self._pools.close()
        if self._server is not None:
            self._server.stop()
