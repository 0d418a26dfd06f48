"""The drivers of the guide to embedding, as they stand there, against servers that cut, stall and send garbage.

Whatever comes, each call ends with a value or with an exception that the clients document.
"""

from __future__ import annotations

import ast
import gc
import warnings
from collections.abc import AsyncIterable, Callable, Coroutine, Iterable
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import pytest
import urllib3

from bento_proto import (
    BentoMLException,
    CallTimeout,
    ConnectError,
    ConnectionLost,
    InternalServerError,
    LocalProtocolError,
    RemoteProtocolError,
    Session,
    Timeout,
)
from bento_proto.request import bind
from bento_sync import SyncHTTPClient
from tests.pages import snippets

from .promises import within
from .server import Peer, Server, answer, send
from .test_garbage import GARBAGE
from .test_stalls import BOUND, SHORT
from .test_truncation import CUTS, ENDS

T = TypeVar("T")
PAGE = Path(__file__).parent.parent.parent / "docs" / "howto" / "embedding.md"
VALUES = ("value",)
STREAMS = ("objects",)
# http.client, under urllib3, takes a connection that ends within a head, or behind the last chunk, for the end of it.
LENIENT = ("in a header", "in the last chunk", "in the trailers")


def defined(until: str) -> dict[str, Any]:
    """What the page defines and imports, up to the block that has this text; nothing else of it is run."""
    namespace: dict[str, Any] = {}
    for snippet in snippets(PAGE):
        tree = ast.parse(snippet.code)
        kept = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef)
        tree.body = [node for node in tree.body if isinstance(node, kept)]
        exec(compile(tree, PAGE, "exec", dont_inherit=True), namespace)
        if until in snippet.code:
            return namespace
    raise AssertionError(f"no block of {PAGE.name} has {until!r}")


# --- the drivers: each calls an endpoint, and reads all of what it gives

Call = Callable[[str, str, Timeout, dict[str, object]], object]


def over_transport(url: str, name: str, timeout: Timeout, arguments: dict[str, object]) -> object:
    make = defined("class Urllib3Transport")["Urllib3Transport"]
    pool = urllib3.PoolManager(retries=False)
    try:
        with SyncHTTPClient(url, transport=make(pool), **options(timeout)) as client:
            result: object = client.call(name, **arguments)
            return list(result) if name in STREAMS and isinstance(result, Iterable) else result
    finally:
        pool.clear()


def over_open(url: str, name: str, timeout: Timeout, arguments: dict[str, object]) -> object:
    client = defined("class BlockingClient")["BlockingClient"](url, **options(timeout))

    async def call() -> object:
        result: object = await client.call(name, **arguments)
        return [item async for item in result] if isinstance(result, AsyncIterable) else result

    return run(call())


def run(coroutine: Coroutine[object, None, T]) -> T:
    """Run what never waits for an event loop."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        value: T = stop.value
        return value
    raise AssertionError("it waits for an event loop")


def with_messages(url: str, name: str, timeout: Timeout, arguments: dict[str, object]) -> object:
    namespace = defined("pool = urllib3.PoolManager(retries=False)\n\ndef carry_out")
    namespace["pool"] = pool = urllib3.PoolManager(retries=False)
    try:
        return driven(namespace, url, name, timeout, arguments)
    finally:
        pool.clear()


def with_bytes(url: str, name: str, timeout: Timeout, arguments: dict[str, object]) -> object:
    return driven(defined("wire.data_to_send())"), url, name, timeout, arguments)


def driven(namespace: dict[str, Any], url: str, name: str, timeout: Timeout, arguments: dict[str, object]) -> object:
    session = Session(url, environ={}, random=lambda: 0.5, **options(timeout))
    call = bind(session.endpoint(name), (), arguments)
    flow = session.call(call, (), "a random boundary", session.options, namespace["time"].monotonic())
    return namespace["drive"](flow).result


def options(timeout: Timeout) -> dict[str, Any]:
    from .service import SCHEMA

    return {"schema": SCHEMA, "server_ready_timeout": 0, "timeout": timeout, "retries": 0}


class Driver(NamedTuple):
    """A driver of the page.

    Attributes:
        call: calls an endpoint.
        streams: whether it has streams and files.
        parses: whether HTTP/1.1 is read by the core, and not by a library.
    """

    call: Call
    streams: bool
    parses: bool


DRIVERS = {
    "transport": Driver(over_transport, streams=True, parses=False),
    "open": Driver(over_open, streams=True, parses=True),
    "messages": Driver(with_messages, streams=False, parses=False),
    "bytes": Driver(with_bytes, streams=False, parses=True),
}
READS = [(driver, name) for driver, each in DRIVERS.items() for name in VALUES + STREAMS * each.streams]
reads = pytest.mark.parametrize(("face", "name"), READS, indirect=["face"], ids=lambda part: str(part))
PATIENT = Timeout(30)


@pytest.fixture
def face(request: pytest.FixtureRequest) -> Driver:
    """Instead of the clients that the other tests are for."""
    return DRIVERS[request.param]


def outcome(face: Driver, server: Server, name: str, timeout: Timeout) -> type[object]:
    """The class of the exception that a call ends with, which is one of those that are documented; or of its value."""
    with warnings.catch_warnings():
        if not face.parses:  # urllib3 leaves a connection to the garbage collector whose lengths contradict each other
            warnings.simplefilter("ignore", ResourceWarning)
        try:
            with within(BOUND):
                found: type[object] = type(face.call(server.url, name, timeout, {}))
        except BentoMLException as error:
            found = type(error)
            assert found is not LocalProtocolError
        gc.collect()
    server.settle()
    assert face.call(server.url, "echo", PATIENT, {"text": "right"}) == "right"
    return found


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("cut", CUTS)
@reads
def test_what_is_cut_off_is_lost(face: Driver, server: Server, name: str, cut: str, end: str) -> None:
    server.script(Peer.request, send(CUTS[cut]), ENDS[end])
    error = outcome(face, server, name, PATIENT)
    if face.parses or cut not in LENIENT:
        assert error is ConnectionLost


@pytest.mark.parametrize("cut", CUTS)
@reads
def test_a_server_that_stops_is_given_up(face: Driver, server: Server, name: str, cut: str) -> None:
    server.script(Peer.request, send(CUTS[cut]), Peer.stall)
    assert outcome(face, server, name, Timeout(receive=SHORT)) is CallTimeout


@pytest.mark.parametrize("garbage", GARBAGE)
@reads
def test_what_is_not_http_is_refused(face: Driver, server: Server, name: str, garbage: str) -> None:
    server.script(Peer.request, send(GARBAGE[garbage]), Peer.half_close, Peer.stall)
    error = outcome(face, server, name, PATIENT)
    if face.parses:
        assert issubclass(error, RemoteProtocolError)


@pytest.mark.parametrize("face", [name for name, driver in DRIVERS.items() if driver.parses], indirect=True)
def test_a_total_ends_a_trickle(face: Driver, server: Server) -> None:
    server.script(Peer.request, send(answer(b"x" * 1000), pause=0.02))
    assert outcome(face, server, "echo", Timeout(total=0.4)) is CallTimeout


@pytest.mark.parametrize("face", DRIVERS, indirect=True)
def test_an_error_whose_body_is_cut_off_is_that_error(face: Driver, server: Server) -> None:
    server.script(Peer.request, send(b'HTTP/1.1 500 Oops\r\nContent-Length: 99\r\n\r\n{"error": "no'))
    assert outcome(face, server, "echo", PATIENT) is InternalServerError


@pytest.mark.parametrize("face", DRIVERS, indirect=True)
def test_where_nothing_listens_nothing_is_sent(face: Driver) -> None:
    with Server() as gone:
        url = gone.url
    with within(BOUND), pytest.raises(ConnectError) as info:
        face.call(url, "echo", PATIENT, {})
    assert not info.value.sent
