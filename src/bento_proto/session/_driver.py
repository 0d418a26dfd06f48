"""What makes the requests of a client: its adapter's connections, or whatever else carries them."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from os import PathLike
from pathlib import Path
from typing import Protocol, TypeVar

from typing_extensions import TypeVarTuple, Unpack

from bento_proto import exchange, policy, request, response, schema
from bento_proto._types import Value

from ._options import Options
from ._session import Session

DriverT = TypeVar("DriverT", bound="Driver")
Ts = TypeVarTuple("Ts")
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


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


class ActiveStream(Protocol[T_co]):
    """An exchange in progress, whose items are the caller's to receive."""

    @property
    def exchange(self) -> exchange.Exchange[T_co]:
        """The exchange."""
        ...

    @property
    def is_over(self) -> bool:
        """Whether there is nothing more to `receive`."""
        ...

    async def receive(self) -> Sequence[T_co]:
        """Wait for the next items, perhaps none."""
        ...

    def close(self) -> Coroutine[object, object, None] | None:
        """Stop receiving, at once; return the rest of that, if there is something to await. Idempotent."""
        ...

    def abandon(self) -> None:
        """`close` from any thread, in the midst of anything: for the garbage collector."""
        ...


class AsyncDriver(Driver, Protocol):
    """What makes the requests of an `AsyncHTTPClient`, or of a view of it, and decides nothing.

    Each ``make`` is a method of the `Session`, which makes a `Flow`; it takes the options and the time after its own
    arguments.
    """

    @property
    def is_connected(self) -> bool:
        """Whether nothing is left to find out before a call."""
        ...

    async def connect(self) -> schema.Service:
        """The Service; the first use waits for it and reads its schema."""
        ...

    async def result(self, make: Callable[[Unpack[Ts], Options, float], policy.Flow[T]], /, *args: Unpack[Ts]) -> T:
        """Run a flow that leaves no exchange open; return its result."""
        ...

    async def run(
        self, make: Callable[[Unpack[Ts], Options, float], policy.Flow[T]], /, *args: Unpack[Ts]
    ) -> tuple[T, ActiveStream[object] | None]:
        """Run a flow; return its result, and the exchange whose items are the caller's to receive, if there is one."""
        ...

    async def call(self, call: request.BoundCall, /) -> tuple[Value, exchange.Exchange[object]]:
        """Call an endpoint; return its value, read to its end or a stream."""
        ...

    async def fetch(
        self,
        endpoint: schema.Endpoint,
        make: Callable[[Unpack[Ts], Options, float], policy.Flow[exchange.Exchange[object]]],
        /,
        *args: Unpack[Ts],
    ) -> tuple[Value, exchange.Exchange[object]]:
        """Run a flow that comes to a result of an endpoint; return it as `call` does."""
        ...

    async def stream(
        self, make: Callable[[Unpack[Ts], Options, float], policy.Flow[exchange.Exchange[bytes]]], /, *args: Unpack[Ts]
    ) -> response.AsyncStreamedContent:
        """Run a flow that makes a request of the caller's own; return its response, to be read."""
        ...

    async def save(
        self,
        dest: str | PathLike[str],
        name: str,
        make: Callable[[Unpack[Ts], Options, float], policy.Flow[exchange.Exchange[bytes]]],
        /,
        *args: Unpack[Ts],
    ) -> Path:
        """Run a flow and write the body of its response to a file; return its path. See `AsyncEndpointMethod.save`."""
        ...

    async def prepare(self, call: request.BoundCall, /) -> tuple[request.BoundCall, Sequence[request.Upload], str]:
        """Do what would block before a call; return it, its files, measured, and the boundary of its form's fields."""
        ...

    async def form(self, sources: Sequence[request.FileSource], /) -> tuple[Sequence[request.Upload], str]:
        """Measure the files of a form; return them, and the boundary of its fields."""
        ...

    def enter(self) -> None:
        """Begin, where the client is entered."""
        ...

    def close(self) -> Coroutine[object, object, None]:
        """Close what is held for the client."""
        ...

    def leave(self) -> Coroutine[object, object, None]:
        """Close it, where the client is left."""
        ...
