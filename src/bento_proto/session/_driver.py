"""What makes the requests of a client: its adapter's connections, or whatever else carries them."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from os import PathLike
from pathlib import Path
from typing import Protocol, TypeVar, cast

from bento_proto import exchange, http, policy, request, response, schema
from bento_proto._types import Value

from ._config import ClientConfig
from ._options import Options
from ._session import Session
from ._stream import ActiveStream, AsyncStream

if sys.version_info >= (3, 11):
    from typing import TypeVarTuple, Unpack
else:
    from typing_extensions import TypeVarTuple, Unpack

DriverT = TypeVar("DriverT", bound="Driver")
Ts = TypeVarTuple("Ts")
T = TypeVar("T")


class Driver(Protocol):
    """What makes the requests of a client, or of a view of it."""

    @property
    def session(self) -> Session:
        """What the client knows and decides."""
        ...

    @property
    def options(self) -> Options:
        """How the requests are made."""
        ...

    def under(self: DriverT, options: Options, /) -> DriverT:  # noqa: PYI019 - `Self` could not be evaluated
        """The same under other options."""
        ...

    def learn(self) -> None:
        """Find out what the Service is, for a person who waits for it: briefly, and without an error."""
        ...


class AsyncDriver(ABC):
    """Makes the requests of an `AsyncHTTPClient`, or of a view of it: runs flows over the I/O of an adapter.

    Each ``make`` is a method of the `Session`, which makes a `Flow`; it takes the options and the time after its own
    arguments.

    Args:
        config: what the client was made with.
        options: how the requests are made.
        clock: returns the time of a monotonic clock, in seconds.

    Attributes:
        config: what the client was made with.
        session: what the client knows and decides.
        options: how the requests are made.
    """

    def __init__(self, config: ClientConfig, options: Options, clock: Callable[[], float]) -> None:
        self.config: ClientConfig = config
        self.session: Session = config.session
        self.options: Options = options
        self._clock = clock

    async def run(
        self, make: Callable[[Unpack[Ts], Options, float], policy.Flow[T]], /, *args: Unpack[Ts]
    ) -> tuple[T, ActiveStream[object] | None]:
        """Run a flow; return its result, and the exchange whose items are the caller's to receive, if there is one."""
        runner = policy.FlowRunner(make(*args, self.options, self._clock()))
        active: ActiveStream[object] | None = None
        try:
            while (step := runner.step) is not None:
                if active is not None and (rest := active.close()) is not None:
                    await rest
                if self.config.recorder is not None:
                    body = await self._read_body(step.exchange.request)
                    self.config.recorder.watch(step.exchange, body, self._clock)
                while step.delay and self.config.responder is None and (seconds := step.wait(self._clock())):
                    await self._sleep(seconds)
                if step.authorization is not None:
                    await step.authorization.acomplete()
                active = await (await self._open(runner)).run()
                runner.resume(self._clock())
        except BaseException:
            runner.close()
            if active is not None and (rest := active.close()) is not None:
                await rest
            raise
        return runner.result, active

    async def result(self, make: Callable[[Unpack[Ts], Options, float], policy.Flow[T]], /, *args: Unpack[Ts]) -> T:
        """Run a flow that leaves no exchange open; return its result."""
        return (await self.run(make, *args))[0]

    async def call(self, call: request.BoundCall, /) -> tuple[Value, exchange.Exchange[object]]:
        """Call an endpoint; return its value, read to its end or a stream."""
        call, uploads, boundary = await self.prepare(call)
        await self._load(call.endpoint)
        done, active = await self.run(self.session.call, call, uploads, boundary)
        return (done.result if active is None else await self._value(call.endpoint, done, active)), done

    async def fetch(
        self,
        endpoint: schema.Endpoint,
        make: Callable[[Unpack[Ts], Options, float], policy.Flow[exchange.Exchange[object]]],
        /,
        *args: Unpack[Ts],
    ) -> Value:
        """Run a flow that comes to a result of an endpoint; return that as `call` does."""
        await self._load(endpoint)
        done, active = await self.run(make, *args)
        return done.result if active is None else await self._value(endpoint, done, active)

    async def stream(
        self, make: Callable[[Unpack[Ts], Options, float], policy.Flow[exchange.Exchange[bytes]]], /, *args: Unpack[Ts]
    ) -> response.AsyncStreamedContent:
        """Run a flow that makes a request of the caller's own; return its response, to be read."""
        done, active = await self.run(make, *args)
        stream = None if active is None else AsyncStream(cast("ActiveStream[bytes]", active))
        return response.AsyncStreamedContent(done, stream)

    async def prepare(self, call: request.BoundCall, /) -> tuple[request.BoundCall, Sequence[request.Upload], str]:
        """Do what would block before a call; return it, its files, measured, and the boundary of its form's fields."""
        for _ in (steps := request.EncodingSteps(call)):
            await self._sleep(0)
        call = steps.call
        return (call, *await self.form(call.sources)) if call.files else (call, (), "")

    async def _value(
        self, endpoint: schema.Endpoint, done: exchange.Exchange[object], active: ActiveStream[object]
    ) -> Value:
        """The value of an exchange whose items are the caller's to receive: a stream, or what they are written to."""
        if done.result_kind is exchange.ResultKind.ITEMS:
            return AsyncStream(active)
        return await self._write(endpoint, cast("ActiveStream[bytes]", active))

    # --- what an adapter has to write

    @abstractmethod
    def under(self: DriverT, options: Options, /) -> DriverT:
        """The same under other options."""

    @abstractmethod
    def learn(self) -> None:
        """Find out what the Service is, for a person who waits for it: briefly, and without an error."""

    @abstractmethod
    async def connect(self) -> schema.Service:
        """The Service; the first use waits for it and reads its schema."""

    @abstractmethod
    async def save(
        self,
        dest: str | PathLike[str],
        name: str,
        make: Callable[[Unpack[Ts], Options, float], policy.Flow[exchange.Exchange[bytes]]],
        /,
        *args: Unpack[Ts],
    ) -> Path:
        """Run a flow and write the body of its response to a file; return its path. See `AsyncEndpointMethod.save`."""

    @abstractmethod
    async def form(self, sources: Sequence[request.FileSource], /) -> tuple[Sequence[request.Upload], str]:
        """Measure the files of a form; return them, and the boundary of its fields."""

    @abstractmethod
    def enter(self) -> None:
        """Begin, where the client is entered."""

    @abstractmethod
    async def close(self) -> None:
        """Close what is held for the client."""

    @abstractmethod
    async def leave(self) -> None:
        """Close it, where the client is left."""

    @abstractmethod
    async def _open(self, runner: policy.FlowRunner[T], /) -> ActiveStream[object]:
        """What carries out the exchange of the step that the flow has come to."""

    @abstractmethod
    async def _sleep(self, seconds: float, /) -> None:
        """Wait; for 0 seconds, only let other tasks go on."""

    @abstractmethod
    async def _read_body(self, request: http.Request, /) -> bytes:
        """The whole body of a request, in memory."""

    @abstractmethod
    async def _load(self, endpoint: schema.Endpoint, /) -> None:
        """Import what results of an endpoint need, such as NumPy."""

    @abstractmethod
    async def _write(self, endpoint: schema.Endpoint, active: ActiveStream[bytes], /) -> Value:
        """Receive the bytes of a result, a file or an image; return it."""
