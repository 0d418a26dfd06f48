"""An ASGI application of this process, called without a socket, in a task group of the client's."""

from __future__ import annotations

import math
from contextlib import aclosing
from typing import TYPE_CHECKING, TypeVar, cast
from urllib.parse import unquote

import anyio
from anyio import BrokenResourceError, CancelScope, ClosedResourceError, EndOfStream, Event

from bento_proto import ConnectionFailed, Data, End, FailureKind, Head, LocalProtocolError
from bento_proto.exchange import State
from bento_proto.http import FilePart

from ._lifespan import VERSIONS, Lifespan
from ._loop import Loop, loop_key
from ._reading import Reading
from ._underway import TOO_LATE, Underway

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterable, Sequence

    from anyio.abc import TaskGroup
    from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

    from bento_proto import Exchange, Request, Step, Timeout

    from ._lifespan import ASGIApplication, Message

T = TypeVar("T")


class Application:
    """An application, from `enter` to `leave`: it starts when it is first called.

    Args:
        app: the application.
    """

    def __init__(self, app: ASGIApplication) -> None:
        self._app = app
        self._loop: Loop | None = None
        self._tasks: TaskGroup | None = None
        self._lifespan: Lifespan | None = None
        self._served: set[Served[object]] = set()
        self._closed = False

    async def enter(self) -> None:
        """Make it ready to be called, by tasks of the running event loop."""
        self._tasks = anyio.create_task_group()
        await self._tasks.__aenter__()
        self._loop = Loop()

    async def leave(self) -> None:
        """End it; only for the task that entered."""
        await self.stop()
        tasks, self._tasks = self._tasks, None
        assert tasks is not None
        tasks.cancel_scope.cancel()
        try:
            await tasks.__aexit__(None, None, None)
        finally:
            for served in list(self._served):
                served.close()

    async def stop(self) -> None:
        """End its answers, then its lifespan, which has some seconds for that even if this is cancelled."""
        self._closed = True
        for served in list(self._served):
            served.break_off()
        if self._lifespan is not None:
            await self._lifespan.stop()

    async def carry_out(self, step: Step) -> Served[object] | None:
        """Carry out a step until its exchange wants no more; whoever takes one that is handed over reads on.

        Raises:
            ServiceUnavailable: the application does not start.
            LocalProtocolError: the client is closed, or was not entered, or was on another event loop.
            OSError: a file of the request can't be read.
        """
        if self._closed:
            raise LocalProtocolError("the client is closed")
        if self._tasks is None or self._loop is None or self._loop.key != loop_key():
            raise LocalProtocolError("an application is called within `async with AsyncHTTPClient(app=...)` only")
        exchange, timeout = step.exchange, step.timeout
        clock = self._loop.clock
        ends = math.inf if timeout.total is None else clock() + timeout.total
        if self._lifespan is None:
            self._lifespan = Lifespan(self._app)
            self._tasks.start_soon(self._lifespan.run)
        await self._lifespan.started()
        served = Served(exchange, timeout, ends, self._loop, self._served.discard)
        self._served.add(served)
        try:
            self._tasks.start_soon(served.run, self._app, _scope(exchange.request, self._lifespan.state))
            await served.begin()
            return served.hand_over()
        except BaseException:
            served.close()
            raise


def _scope(request: Request, state: dict[str, object]) -> Message:
    path, _, query = request.target.partition("?")
    headers = [("host", request.origin.authority), *request.headers]
    length = request.content_length
    if length is None:
        headers.append(("transfer-encoding", "chunked"))
    elif request.body:
        headers.append(("content-length", str(length)))
    return {
        "type": "http",
        "asgi": VERSIONS,
        "http_version": "1.1",
        "method": request.method,
        "scheme": request.origin.scheme,
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers],
        "client": ("127.0.0.1", 0),
        "server": (request.origin.host, request.origin.port),
        "state": dict(state),
    }


class Served(Underway[T]):
    """An exchange with an application, which runs in a task of its own and waits until its answer is read.

    Args:
        exchange: what is under way.
        timeout: how long to wait for what.
        ends: when the total of the timeout is up.
        loop: the event loop of all this.
        closed: is told when it is closed.
    """

    def __init__(
        self,
        exchange: Exchange[T],
        timeout: Timeout,
        ends: float,
        loop: Loop,
        closed: Callable[[Served[T]], None],
    ) -> None:
        super().__init__(exchange, timeout, ends, loop.clock)
        self._loop = loop
        self._closed = closed
        self._body = _pieces(exchange)
        self._gone = Event()  # nobody reads the answer any more
        self._waiting: CancelScope | None = None  # for what comes next of the answer
        self._cause: Exception | None = None  # why the application broke off
        self._unread: Exception | None = None  # why the request could not be read
        self._chunked = False
        streams: tuple[MemoryObjectSendStream[Message], MemoryObjectReceiveStream[Message]]
        streams = anyio.create_memory_object_stream(0)
        self._answer, self._answers = streams

    async def run(self, app: ASGIApplication, scope: Message) -> None:
        """Call the application: for a task of its own. What it raises is the answer's end."""
        try:
            await app(scope, self._next_message, self._take_message)
        except Exception as exc:  # noqa: BLE001 - whatever it is, it is not the client's
            self._cause = exc
        finally:
            self._answer.close()
            await self._body.aclose()

    def break_off(self) -> None:
        """End the answer as it stands."""
        self._gone.set()
        self._answer.close()

    def close(self) -> None:
        """Want no more of the answer: the application learns that the client has disconnected."""
        self.break_off()
        self._answers.close()
        self._closed(self)
        self.exchange.close()

    def abandon(self) -> None:
        """`close`, for the garbage collector."""
        self._loop.call_soon(self.close)

    # --- what the application calls

    async def _next_message(self) -> Message:
        try:
            async for piece, more in self._body:
                if self._waiting is not None:  # it takes the request: that is progress
                    self._waiting.deadline = self._deadline
                return {"type": "http.request", "body": piece, "more_body": more}
        except Exception as exc:  # noqa: BLE001 - of a file, or of who is told of the progress: that is for who called
            self._unread = exc
            self.break_off()
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _take_message(self, message: Message) -> None:
        try:
            await self._answer.send(message)
        except (BrokenResourceError, ClosedResourceError):
            pass  # nobody listens any more, which the application need not care for

    # --- what the client does

    @property
    def _is_complete(self) -> bool:
        return self.exchange.state in (State.DONE, State.FAILED, State.REDIRECTED)

    async def _receive(self, deadline: float) -> Sequence[T]:
        message: Message | None = None
        try:
            with CancelScope(deadline=deadline) as self._waiting:
                message = await self._answers.receive()
        except (EndOfStream, ClosedResourceError):
            return self._end()
        if message is None:
            self._lose(FailureKind.TIMEOUT, TOO_LATE, TimeoutError(TOO_LATE))
            return ()
        kind = message["type"]
        if kind == "http.response.start" and self.exchange.head is None:
            return self._begin(message)
        if kind == "http.response.body" and self.exchange.head is not None:
            return self._continue(message)
        self.exchange.receive(ConnectionFailed(FailureKind.PROTOCOL, f"the application sent {kind!r} out of turn"))
        return ()

    def _begin(self, message: Message) -> Sequence[T]:
        fields = cast("Iterable[tuple[bytes, bytes]]", message.get("headers", ()))
        headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in fields)
        head = Head(cast("int", message["status"]), headers)
        self._chunked = head.get("content-length") is None
        return self.exchange.receive(head)

    def _continue(self, message: Message) -> Sequence[T]:
        data = bytes(cast("bytes", message.get("body", b"")))
        items = list(self.exchange.receive(Data(data, ends_chunk=self._chunked))) if data else []
        if not message.get("more_body", False) and not self._is_complete:
            items += self.exchange.receive(End())
        return items

    def _end(self) -> Sequence[T]:
        """The application is through, and the answer is not."""
        if self._unread is not None:
            raise self._unread
        if self.exchange.head is None:  # a server would say so
            self.exchange.receive(Head(500, (("content-type", "text/plain; charset=utf-8"),)))
            self.exchange.receive(Data(b"Internal Server Error"))
            self.exchange.receive(End())
            if self.exchange.error is not None:
                self.exchange.error.__cause__ = self._cause
        else:
            self.exchange.receive(
                ConnectionFailed(FailureKind.DISCONNECTED, "the application broke off its answer", cause=self._cause)
            )
        return ()

    def _lose(self, loss: FailureKind, reason: str, cause: BaseException) -> None:
        if not self._is_complete:
            self.exchange.receive(ConnectionFailed(loss, reason, cause=cause))


async def _pieces(exchange: Exchange[T]) -> AsyncGenerator[tuple[bytes, bool], None]:
    """The request's body in pieces, each with whether there are more."""
    request, meter = exchange.request, exchange.upload if exchange.request.body else None
    if meter is not None:
        meter.start(request.content_length)
    async with aclosing(_body(request)) as body:
        async for piece in body:
            if meter is not None:
                meter.send(len(piece))
            yield piece, True
    if meter is not None:
        meter.finish()
    yield b"", False


async def _body(request: Request) -> AsyncGenerator[bytes, None]:
    for segment in request.body:
        if not isinstance(segment, FilePart):
            yield segment
            continue
        with Reading(segment) as reading:
            while some := await reading.next():
                for block in some:
                    yield bytes(block)  # which the application may keep
