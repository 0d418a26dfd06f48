"""The driver of the asynchronous clients over scripted answers: what it asks of an adapter, and what it closes."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Coroutine, Generator, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, TypeVar, cast

import pytest
from typing_extensions import TypeVarTuple, Unpack

from bento_proto import (
    JSON,
    BentoMLException,
    Data,
    End,
    Endpoint,
    Exchange,
    Flow,
    FlowRunner,
    Head,
    Limits,
    RemoteProtocolError,
    Request,
    Service,
    Session,
)
from bento_proto.exchange import LargeItem
from bento_proto.http import Proxies, Received
from bento_proto.request import FileSource, Upload, bind, client_request
from bento_proto.session import ActiveStream, AsyncDriver, AsyncStream, ClientConfig, Options
from tests.proto.play import Answer, lost, reply
from tests.proto.shapes import FILE

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


def route(name: str, output: JSON, **properties: JSON) -> JSON:
    return {"name": name, "route": f"/{name}", "input": {"properties": properties}, "output": output}


STREAM: dict[str, JSON] = {"type": "string", "is_stream": True}
SCHEMA = {
    "name": "s",
    "routes": [
        route("f", {}, x={}),
        route("items", STREAM),
        route("values", {"type": "object", "is_stream": True}),
        route("file", FILE),
        route("upload", {}, file=FILE),
    ],
}
LARGE = b'["%b"]' % (b"a" * (1 << 18))
STREAMED = (Head(200, (("content-type", "text/plain"),)), Data(b"a"), Data(b"b"), End())


class Suspend:
    """What suspends a coroutine, as an event loop's future does."""

    def __await__(self) -> Any:
        yield


class Scripted:
    """An exchange whose events are given. What remains of its closing is to be awaited, if that is wanted."""

    def __init__(self, exchange: Exchange[object], events: Sequence[Received], driver: Driver) -> None:
        self.exchange = exchange
        self.exchange.defers = True
        self._events = list(events)
        self._driver = driver
        self._closed = False

    @property
    def is_over(self) -> bool:
        return self.exchange.is_over

    async def run(self) -> Scripted | None:
        while self.exchange.wants_data:
            await self.receive()
        if not self.exchange.is_streaming:
            self.exchange.close()
            return None
        return self

    async def receive(self) -> Sequence[object]:
        event = self._events.pop(0)
        if isinstance(event, Data):
            await Suspend()
        return self.exchange.receive(event)

    async def convert(self, item: LargeItem[T], /) -> T:
        self._driver.said("convert")
        await Suspend()
        return item.convert()

    def close(self) -> Coroutine[object, object, None] | None:
        self.exchange.close()
        if self._closed:
            return None
        self._closed = True
        self._driver.said("close")
        return self._rest() if self._driver.waits_for_closing else None

    async def _rest(self) -> None:
        await Suspend()
        self._driver.said("closed")

    def abandon(self) -> None:
        self._driver.said("abandon")


class Driver(AsyncDriver):
    """A driver over a script, which notes what it is asked for."""

    waits_for_closing = False

    def __init__(self, config: ClientConfig, *script: Answer) -> None:
        self.now = 0.0
        super().__init__(config, config.session.options, lambda: self.now)
        self.script = list(script)
        self.log: list[str] = []

    def said(self, what: str) -> None:
        self.log.append(what)

    async def form(self, sources: Sequence[FileSource], /) -> tuple[Sequence[Upload], str]:
        return [Upload(cast("bytes", source.content)) for source in sources], "boundary"

    async def _open(self, runner: FlowRunner[T], /) -> Scripted:
        assert runner.step is not None
        request = runner.step.exchange.request
        self.said(f"{request.method} {request.target} {dict(request.headers).get('authorization', '-')}")
        return Scripted(runner.step.exchange, self.script.pop(0).events, self)

    async def _sleep(self, seconds: float, /) -> None:
        self.said(f"sleep {seconds:g}")
        self.now += seconds

    async def _read_body(self, request: Request, /) -> bytes:
        return request.content

    async def _load(self, endpoint: Endpoint, /) -> None:
        self.said(f"load for {endpoint.name}")

    async def _write(self, endpoint: Endpoint, active: ActiveStream[bytes], /) -> str:
        return f"{endpoint.name}: {b''.join([block async for block in AsyncStream(active)])!r}"

    # What the driver itself never calls.

    def under(self, options: Options, /) -> Driver:
        raise NotImplementedError

    def learn(self) -> None: ...

    async def connect(self) -> Service:
        raise NotImplementedError

    def enter(self) -> None: ...

    async def close(self) -> None: ...

    async def leave(self) -> None: ...

    async def save(
        self,
        dest: str | PathLike[str],
        name: str,
        make: Callable[[Unpack[Ts], Options, float], Flow[Exchange[bytes]]],
        /,
        *args: Unpack[Ts],
    ) -> Path:
        raise NotImplementedError


class Silent:
    """A `Responder` that is not asked: the driver here has its answers from a script."""

    speed = 1.0

    def respond(self, request: Request, body: bytes) -> Generator[Any, None, None]:
        yield


class Recorder:
    """An `ExchangeRecorder` that keeps the bodies of requests."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    def watch(self, exchange: Exchange[object], body: bytes, clock: Callable[[], float]) -> None:
        self.bodies.append(body)


def driver(*script: Answer, app: Any = None, recorder: Recorder | None = None, **arguments: Any) -> Driver:
    given: Any = {"schema": SCHEMA, "environ": {}, "random": lambda: 0.5, "asynchronous": True, **arguments}
    session = Session("http://h", **given)
    return Driver(ClientConfig(session, Limits(), Proxies(None, {}, None), app=app, recorder=recorder), *script)


def run(coroutine: Awaitable[T]) -> T:
    """The result of a coroutine, which is resumed whenever it suspends."""
    steps = coroutine.__await__()
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return cast("T", stop.value)


def call(made: Driver, name: str, **arguments: object) -> object:
    assert made.session.service is not None
    return run(made.call(bind(made.session.service.endpoints[name], (), arguments)))[0]


def test_a_call_comes_to_its_value() -> None:
    made = driver(reply(200, {"a": 1}))
    assert call(made, "f", x=1) == {"a": 1}
    assert made.log == ["load for f", "POST /f -"]


def test_a_large_argument_is_encoded_between_other_tasks() -> None:
    made = driver(reply(200, 1))
    assert call(made, "f", x=["x" * 50_000] * 20) == 1
    assert made.log.count("sleep 0") > 5


def test_files_are_measured_and_what_is_to_be_written_is_written() -> None:
    made = driver(reply(200, "3"), Answer(STREAMED))
    assert call(made, "upload", file=b"abc") == 3
    assert call(made, "file") == "file: b'ab'"


def test_a_stream_is_the_callers_until_it_is_closed() -> None:
    made = driver(Answer(STREAMED), Answer(STREAMED))
    made.waits_for_closing = True
    stream = cast("AsyncStream[str]", call(made, "items"))
    assert repr(stream) == "<AsyncStream from /items: iterate over it with async for>"
    assert (stream.response.value, stream.response.status_code) == (stream, 200)

    async def collected() -> list[str]:
        return [item async for item in stream]

    assert run(collected()) == ["a", "b"]
    with pytest.raises(StopAsyncIteration):
        run(stream.__anext__())
    run(stream.aclose())
    run(stream.close())
    assert repr(stream) == "<AsyncStream from /items: over>"
    assert made.log[-2:] == ["close", "closed"]
    abandoned = cast("AsyncStream[str]", call(made, "items"))
    del abandoned
    assert made.log[-1] == "abandon"


def test_a_stream_that_was_never_made_is_dropped_silently() -> None:
    AsyncStream.__new__(AsyncStream).__del__()


def test_a_stream_that_breaks_raises_after_its_items() -> None:
    made = driver(Answer((*STREAMED[:2], *lost().events)))
    stream = cast("AsyncStream[str]", call(made, "items"))
    assert run(stream.__anext__()) == "a"
    with pytest.raises(BentoMLException, match="lost"):
        run(stream.__anext__())


def test_results_of_tasks_are_fetched_as_those_of_calls() -> None:
    made = driver(reply(200, 5), Answer(STREAMED))
    assert made.session.service is not None
    f, file = made.session.service.endpoints["f"], made.session.service.endpoints["file"]
    assert run(made.fetch(f, made.session.tasks.get, f, "1")) == 5
    assert run(made.fetch(file, made.session.tasks.get, file, "2")) == "file: b'ab'"


def test_a_request_of_the_callers_own_is_streamed() -> None:
    asked = client_request("GET", "/metrics")
    made = driver(Answer(STREAMED), reply(404, "no"))
    content = run(made.stream(made.session.stream, asked, (), ""))
    assert run(content.read()) == b"ab"
    assert run(made.stream(made.session.stream, asked, (), "")).status_code == 404


def test_what_is_sent_again_waits_and_is_recorded_each_time() -> None:
    recorder = Recorder()
    made = driver(reply(503, "", {"retry-after": "2"}), reply(200, 1), recorder=recorder)
    assert call(made, "f", x=1) == 1
    assert recorder.bodies == [b'{"x":1}'] * 2
    assert made.log == ["load for f", "POST /f -", "sleep 2", "POST /f -"]


def test_a_responder_waits_by_itself() -> None:
    made = driver(reply(503, "", {"retry-after": "2"}), reply(200, 1), app=Silent())
    assert call(made, "f", x=1) == 1
    assert "sleep 2" not in made.log


def test_a_credential_is_asked_for_before_each_request() -> None:
    async def token() -> str:
        return "t"

    made = driver(reply(200, 1), token=token)
    assert call(made, "f", x=1) == 1
    assert made.log[-1] == "POST /f Bearer t"


@pytest.mark.parametrize("waits", [False, True])
def test_what_a_flow_leaves_open_is_closed_when_it_goes_on_or_fails(waits: bool) -> None:
    asked = client_request("GET", "/metrics")
    made = driver(Answer(STREAMED), Answer(STREAMED))
    made.waits_for_closing = waits

    def twice(options: Options, now: float) -> Flow[None]:
        yield from made.session.stream(asked, (), "", options, now)
        yield from made.session.stream(asked, (), "", options, now)
        raise KeyError

    with pytest.raises(KeyError):
        run(made.result(twice))
    closed = ["GET /metrics -", "close", *(["closed"] if waits else [])]
    assert made.log == closed * 2


def test_a_flow_that_fails_before_it_leaves_anything_open_closes_nothing() -> None:
    made = driver(lost(), lost(), lost())
    with pytest.raises(BentoMLException, match="lost"):
        call(made, "f", x=1)
    assert "close" not in made.log


def test_large_items_of_a_stream_are_converted_by_the_adapter() -> None:
    pieces: list[Received] = [Data(b"[1]" + LARGE[:9]), Data(LARGE[9:] + b"[2]"), End()]
    made = driver(Answer((Head(200), *pieces)))

    async def items() -> list[object]:
        return [item async for item in cast("AsyncStream[object]", call(made, "values"))]

    assert run(items()) == [[1], json.loads(LARGE), [2]]
    assert made.log.count("convert") == 1


def test_a_large_item_that_is_malformed_ends_the_stream() -> None:
    pieces: list[Received] = [Data(b"[1]" + LARGE[:9]), Data(LARGE[9:-1] + b"!][2]"), Data(b"[3]"), End()]
    made = driver(Answer((Head(200), *pieces)))
    stream = cast("AsyncStream[object]", call(made, "values"))
    assert run(anext(stream)) == [1]
    with pytest.raises(RemoteProtocolError, match="not JSON"):
        run(anext(stream))
    with pytest.raises(StopAsyncIteration):
        run(anext(stream))
    assert made.log[-2:] == ["convert", "close"]
