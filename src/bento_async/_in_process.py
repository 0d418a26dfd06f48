"""What answers in place of a server, an ASGI application or a `Responder`; and a transport that asks one.

Each request of an application is a task that belongs to the event loop, not to who enters the client: that may be
another task than the one that leaves it.
"""

from __future__ import annotations

from contextlib import aclosing, closing, suppress
from typing import TYPE_CHECKING, Final, TypeVar

import anyio
from anyio import BrokenResourceError, CancelScope, ClosedResourceError, EndOfStream, Event

from bento_proto import ConnectionFailed, LocalProtocolError, ServiceUnavailable, Timeout
from bento_proto.asgi import VERSIONS, ASGIExchange
from bento_proto.session import TransportExchange
from bento_proto.testing import Playback

from ._backends.auto import current_backend
from ._files import FileReader
from ._transport import ActiveExchange

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Sequence

    from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
    from typing_extensions import Self

    from bento_proto import FlowRunner, Request, Step
    from bento_proto.asgi import ASGIApplication, ASGIMessage
    from bento_proto.session import AsyncTransport
    from bento_proto.testing import Responder

    from ._backends.base import Backend

T = TypeVar("T")

_PATIENCE: Final = 10.0  # seconds for an application to end


class Application:
    """An ASGI application, from `enter` to `leave`: it starts when it is first called.

    Args:
        app: the application.
    """

    def __init__(self, app: ASGIApplication) -> None:
        self._app = app
        self._backend: Backend | None = None
        self._lifespan: Lifespan | None = None
        self._running: set[ApplicationExchange] = set()
        self._closed = False

    def enter(self) -> None:
        """Let tasks of the running event loop call it."""
        self._backend = current_backend()

    async def leave(self) -> None:
        """Cancel the tasks that go on though it was stopped."""
        running = list(self._running)
        for active in running:
            active.task.cancel()
        with CancelScope(shield=True, deadline=anyio.current_time() + _PATIENCE):
            for active in running:
                await active.task_ended.wait()
        for active in running:
            active.close()

    async def stop(self) -> None:
        """End its responses, then its lifespan, which has some seconds for that even if this is cancelled."""
        self._closed = True
        for active in list(self._running):
            active.disconnect()
        if self._lifespan is not None:
            await self._lifespan.stop()

    async def open(self, step: Step) -> ApplicationExchange:
        """Call it with the request of a step, once it has started.

        Raises:
            ServiceUnavailable: the application does not start.
            LocalProtocolError: the client is closed, or was not entered, or was on another event loop.
        """
        backend = self._backend
        if self._closed:
            raise LocalProtocolError("the client is closed")
        if backend is None or not backend.is_current:
            raise LocalProtocolError("an application is called within `async with AsyncHTTPClient(app=...)` only")
        if self._lifespan is None:
            self._lifespan = Lifespan(self._app)
            backend.spawn(self._lifespan.run)
        await self._lifespan.started()
        active = ApplicationExchange(step, backend, self._running)
        backend.spawn(lambda: active.call(self._app, self._lifespan.state if self._lifespan else {}))
        return active


class ApplicationExchange(ActiveExchange[object]):
    """An exchange with an application, whose task waits until each piece of its response is received.

    Args:
        step: what to carry out.
        backend: the event loop.
        running: those whose tasks run, this one among them.

    Attributes:
        task: cancels the application's task.
        task_ended: set when that has ended.
    """

    def __init__(self, step: Step, backend: Backend, running: set[ApplicationExchange]) -> None:
        super().__init__(step.exchange, step.timeout, backend)
        self.task: CancelScope = CancelScope()
        self.task_ended: Event = Event()
        self._running = running
        self._running.add(self)
        self._asgi = ASGIExchange(step.exchange)
        self._body = self._read_body()
        self._disconnected = Event()  # nobody receives the response any more
        self._waiting: CancelScope | None = None  # for the next piece of the response
        self._cause: BaseException | None = None  # why the application broke off
        self._raised: BaseException | None = None  # what is for who called, and not for the application
        streams: tuple[MemoryObjectSendStream[ASGIMessage], MemoryObjectReceiveStream[ASGIMessage]]
        streams = anyio.create_memory_object_stream(0)
        self._sender, self._receiver = streams

    async def call(self, app: ASGIApplication, state: dict[str, object]) -> None:
        """Call the application: for a task of its own. What it raises is the end of the response."""
        try:
            with self.task:
                await app(self._asgi.scope(state), self._give, self._take)
        except Exception as exc:  # noqa: BLE001 - whatever it is, it is not the client's
            self._cause = exc
        except (KeyboardInterrupt, SystemExit) as exc:  # which would end the event loop
            self._raised = exc
        finally:
            self._sender.close()
            with CancelScope(shield=True):
                await self._body.aclose()
            self._running.discard(self)
            self.task_ended.set()

    def disconnect(self) -> None:
        """End the response as it stands."""
        self._disconnected.set()
        self._sender.close()

    def release(self) -> None:
        self.disconnect()
        self._receiver.close()

    # --- what the application calls

    async def _give(self) -> ASGIMessage:
        try:
            async for message in self._body:
                if self._waiting is not None:  # it takes the request: that is progress
                    self._waiting.deadline = self.until(self.timeout.receive)
                return message
        except Exception as exc:  # noqa: BLE001 - of a file, or of who is told of the progress
            self._raised = exc
            self.disconnect()
        await self._disconnected.wait()
        return {"type": "http.disconnect"}

    async def _take(self, message: ASGIMessage) -> None:
        with suppress(BrokenResourceError, ClosedResourceError):  # nobody listens: the application need not care
            await self._sender.send(message)

    async def _read_body(self) -> AsyncGenerator[ASGIMessage, None]:
        async with aclosing(body_blocks(self.exchange.request)) as blocks:
            async for block in blocks:
                yield self._asgi.request(block)
        yield self._asgi.request_end()

    # --- what the client does

    async def _receive(self, deadline: float) -> Sequence[object]:
        try:
            with CancelScope(deadline=deadline) as self._waiting:
                return self._asgi.receive(await self._receiver.receive())
            self.exchange.receive(ConnectionFailed.no_response())
        except (EndOfStream, ClosedResourceError):
            if self._raised is not None:
                raise self._raised from None
            self._asgi.application_ended(self._cause)
        return ()


class Lifespan:
    """Starts and stops an application, if it wants to know of that.

    Args:
        app: the application.

    Attributes:
        state: what the application keeps for its requests.
    """

    def __init__(self, app: ASGIApplication) -> None:
        self.state: dict[str, object] = {}
        self._app = app
        self._asked = False
        self._started = Event()
        self._failure: str | None = None
        self._stopping = Event()
        self._stopped = Event()
        self._scope = CancelScope()

    async def run(self) -> None:
        """Be with the application from its start to its end: for a task of its own."""
        scope = {"type": "lifespan", "asgi": VERSIONS, "state": self.state}
        try:
            # An error means, by the specification, that it has no lifespan, unless it has said what is wrong.
            with self._scope, suppress(Exception):
                await self._app(scope, self._give, self._take)
        finally:
            self._started.set()
            self._stopped.set()

    async def started(self) -> None:
        """Wait until it has started.

        Raises:
            ServiceUnavailable: it can't.
        """
        await self._started.wait()
        if self._failure is not None:
            raise ServiceUnavailable(f"the application did not start{self._failure}")

    async def stop(self) -> None:
        """Have it end, and wait until it has, some seconds at most."""
        self._stopping.set()
        with CancelScope(shield=True, deadline=anyio.current_time() + _PATIENCE):
            await self._stopped.wait()
        self._scope.cancel()

    async def _give(self) -> ASGIMessage:
        if not self._asked:
            self._asked = True
            return {"type": "lifespan.startup"}
        await self._stopping.wait()
        return {"type": "lifespan.shutdown"}

    async def _take(self, message: ASGIMessage) -> None:
        kind, text = message["type"], message.get("message")
        if kind == "lifespan.startup.failed":
            self._failure = f": {text}" if text else ""
        ended = self._started if kind in ("lifespan.startup.complete", "lifespan.startup.failed") else self._stopped
        ended.set()


async def body_of(request: Request) -> bytes:
    """The whole body of a request, in memory."""
    return b"".join([block async for block in body_blocks(request)])


async def body_blocks(request: Request) -> AsyncGenerator[bytes, None]:
    """The body of a request in blocks, which their receiver may keep; files are read in a worker thread."""
    for segment in request.body:
        if isinstance(segment, bytes):
            yield segment
            continue
        with closing(FileReader(segment)) as reader:
            while blocks := await reader.next():
                for block in blocks:
                    yield bytes(block)


class PlayedExchange(ActiveExchange[object]):
    """An exchange that a responder answers, the step's delay included. It says itself when a timeout has expired.

    Args:
        runner: runs the flow that has come to the step.
        responder: what responds.
        body: the body of the request.
        backend: the event loop.
    """

    def __init__(self, runner: FlowRunner[T], responder: Responder, body: bytes, backend: Backend) -> None:
        assert runner.step is not None
        super().__init__(runner.step.exchange, Timeout.of(None), backend)
        self._skip = runner.skip
        self._playback = Playback(runner.step, responder, body)

    async def run(self) -> Self | None:
        active = await super().run()
        self._skip(self._playback.skipped)
        return active

    def release(self) -> None:
        self._playback.close()

    def abandon(self) -> None:
        self.close()

    async def _receive(self, deadline: float) -> Sequence[object]:  # noqa: ARG002 - the playback knows its timeouts
        await anyio.sleep(self._playback.wait())
        return self._playback.receive()


class CarriedExchange(ActiveExchange[object]):
    """An exchange that a transport of the caller's carries, in place of a connection of the client.

    Args:
        step: what to carry out.
        transport: the transport.
        backend: the event loop.
    """

    _blocks: AsyncIterator[bytes]

    def __init__(self, step: Step, transport: AsyncTransport, backend: Backend) -> None:
        super().__init__(step.exchange, step.timeout, backend)
        self._wire = TransportExchange(step)
        self._transport = transport

    def release(self) -> None:
        closing = self._wire.close()
        if closing is not None:
            self._backend.spawn(closing)

    async def _send(self) -> None:
        with CancelScope(deadline=self.deadline) as scope, self._wire.failures():
            request = self._wire.request(body_blocks(self.exchange.request))
            self._blocks = aiter(self._wire.respond(await self._transport.send(request)))
        if scope.cancelled_caught:
            self._wire.failed(TimeoutError("timed out"))

    async def _receive(self, deadline: float) -> Sequence[object]:
        with CancelScope(deadline=deadline) as scope, self._wire.failures():
            return self._wire.receive(await anext(self._blocks, None))
        if scope.cancelled_caught:
            self._wire.failed(TimeoutError("timed out"))
        return ()
