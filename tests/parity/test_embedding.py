"""A client over I/O of an embedder's own: here blocking sockets or urllib3, and no event loop at all."""

from __future__ import annotations

import asyncio
import errno
import io
import json
import os
import socket
import threading
import time
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Coroutine, Generator, Iterator
from functools import partial
from pathlib import Path
from typing import TypeAlias, TypeVar

import pytest
import urllib3

from bento_client import tls_context
from bento_client.embedding import AbstractAsyncClient
from bento_proto import (
    BentoMLException,
    CallTimeout,
    ConnectError,
    ConnectionLost,
    Progress,
    ResultStatus,
    RetryPolicy,
    Timeout,
)
from bento_proto.http import Origin
from bento_proto.session import TransportRequest, TransportResponse
from bento_proto.testing import Recorder
from tests.servers import Servers
from tests.waiting import until

from .proxies import Asked, End, Piece, Stub, chunk, endpoint, head, reply, routes, schema

T = TypeVar("T")

GIVEN = json.dumps(
    schema(
        endpoint("f", input={"properties": {"x": {"type": "integer"}}}),
        endpoint("take", input={"properties": {"f": {"type": "file", "format": "binary"}}}),
        endpoint("give", output={"type": "file", "format": "binary"}),
        endpoint("texts", output={"type": "string", "is_stream": True}),
    )
).encode()
MIB = 1 << 20


class Blocking(AbstractAsyncClient):
    """What waits blocks; what was waited for is noted."""

    slept: list[float]

    async def sleep(self, seconds: float, /) -> None:
        vars(self).setdefault("slept", []).append(seconds)
        time.sleep(min(seconds, 0.01))  # noqa: ASYNC251 - there is no event loop


class Connection:
    """A blocking socket."""

    closed = 0

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    async def read(self, max_bytes: int, timeout: float | None, /) -> bytes:
        self._sock.settimeout(timeout)
        return self._sock.recv(min(max_bytes, 1000))

    async def write(self, data: bytes | memoryview, timeout: float | None, /) -> None:
        self._sock.settimeout(timeout)
        self._sock.sendall(data)

    def close(self) -> Awaitable[object] | None:
        self._sock.close()
        Connection.closed += 1
        return None if Connection.closed % 2 else nothing()


async def nothing() -> None:
    """What an embedder's connection has left to do when it is closed."""
    raise RuntimeError("nobody is interested")


class Opening(Blocking):
    """Speaks HTTP/1.1 over connections."""

    async def open(self, origin: Origin, timeout: Timeout, /) -> Connection:
        return Connection(socket.create_connection((origin.host, origin.port), timeout.connect))


class Sending(Blocking):
    """Sends requests by urllib3."""

    async def send(self, request: TransportRequest, /) -> TransportResponse[AsyncIterable[bytes]]:
        content = request.content
        if isinstance(content, AsyncIterable):
            content = b"".join([block async for block in content])
        try:
            response = urllib3.PoolManager(retries=False).request(
                request.method, request.url, headers=dict(request.headers), body=content, redirect=False,
                preload_content=False, decode_content=False,
                timeout=urllib3.Timeout(connect=request.timeout.connect, read=request.timeout.receive),
            )  # fmt: skip
        except urllib3.exceptions.NewConnectionError as exc:
            raise ConnectError(str(exc)) from exc
        except urllib3.exceptions.TimeoutError as exc:
            raise TimeoutError(str(exc)) from exc
        except urllib3.exceptions.HTTPError as exc:
            raise ConnectionLost(str(exc)) from exc
        return TransportResponse(response.status, response.headers.items(), self._blocks(response), response.close)

    async def _blocks(self, response: urllib3.BaseHTTPResponse) -> AsyncIterator[bytes]:
        try:
            while block := response.read1(1 << 16):
                yield block
        except urllib3.exceptions.HTTPError as exc:
            raise ConnectionLost(str(exc)) from exc


Kind: TypeAlias = "type[Opening | Sending]"


@pytest.fixture(params=[Opening, Sending])
def kind(request: pytest.FixtureRequest) -> Kind:
    found: Kind = request.param
    return found


def run(coroutine: Coroutine[object, object, T]) -> T:
    """What a coroutine returns that waits for nothing: there is no event loop that it could wait for."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        value: T = stop.value
        return value
    raise AssertionError("it waits")


async def listed(items: AsyncIterable[T]) -> list[T]:
    return [item async for item in items]


def test_calls_streams_and_events(kind: Kind, servers: Servers) -> None:
    client = kind(servers.url("zoo:Zoo"))
    assert run(client.echo_str(text="a bento, ä")) == "a bento, ä"
    assert run(client.is_ready()) is True
    assert run(client.echo_str.raw(text="x")).status_code == 200
    assert "".join(run(listed(client.stream_fast_str()))).split() == [f"tok{i}" for i in range(50)]
    with pytest.raises(BentoMLException, match="short and stout"):
        run(client.err(kind="Teapot"))
    with pytest.raises(TypeError, match="unexpected"):
        run(client.echo_str(txt="x"))


def test_files_with_progress(kind: Kind, tmp_path: Path) -> None:
    told: list[Progress] = []
    data = os.urandom(MIB)
    path = tmp_path / "data.bin"
    path.write_bytes(data)
    asked: list[Asked] = []

    def take(request: Asked) -> bytes:
        asked.append(request)
        return reply(len(request.body))

    with Stub(routes({"/take": take, "/give": lambda asked: reply(data)})) as stub:
        client = kind(stub.url, schema=GIVEN, on_progress=told.append)
        size = run(client.take(f=path))
        assert data in asked[0].body
        uploads = [each.done for each in told if each.kind == "upload"]
        told.clear()
        assert run(client.give()).read_bytes() == data
        assert run(client.give.save(tmp_path / "given")).read_bytes() == data
    assert (uploads[0], uploads[-1]) == (0, size)
    assert [each.done for each in told if each.kind == "download"][-1] == MIB


def test_a_file_that_cannot_be_read_is_the_callers_error(kind: Kind) -> None:
    class Failing(io.RawIOBase):
        def read(self, size: int = -1, /) -> bytes:
            if size:
                raise OSError(errno.EIO, "the disk is gone")
            return b""

    with socket.create_server(("127.0.0.1", 0)) as silent:
        client = kind(f"http://127.0.0.1:{silent.getsockname()[1]}", schema=GIVEN, server_ready_timeout=0, timeout=5)
        with pytest.raises(OSError, match="the disk is gone") as caught:
            run(client.take(f=Failing()))
    assert not isinstance(caught.value, BentoMLException)


def test_tasks(kind: Kind, servers: Servers) -> None:
    client = kind(servers.url("tasks:ZooTasks"))
    task = run(client.async_task.submit(a=3, delay=0.1))
    assert run(task.result(timeout=60)) == 3
    assert run(task.get_status()) is ResultStatus.COMPLETED


def test_requests_of_the_callers_own(kind: Kind) -> None:
    with Stub(routes({"/models": lambda asked: reply(["a"]), "/file": lambda asked: reply(asked.body)})) as stub:
        client = kind(stub.url, schema=GIVEN)
        assert run(client.request("GET", "/models")).json() == ["a"]
        assert run(client.request("GET", "/none")).status_code == 404
        assert b"content" in run(client.request("POST", "/file", files={"f": b"content"})).content
        streamed = run(client.request("GET", "/models", stream=True))
        assert run(streamed.read()) == b'["a"]'


def test_a_stream_that_is_left_is_closed(kind: Kind) -> None:
    left = threading.Event()

    def texts(asked: Asked) -> Iterator[Piece]:
        yield head(200, {"transfer-encoding": "chunked", "content-type": "text/plain"})
        try:
            while True:
                yield chunk(b"text")
                time.sleep(0.01)
        finally:
            left.set()

    async def first(client: AbstractAsyncClient) -> object:
        async with client.texts() as stream:
            return await stream.__anext__()

    with Stub(routes({"/texts": texts})) as stub:
        assert run(first(kind(stub.url, schema=GIVEN, server_ready_timeout=0))) == "text"
        until(left.is_set)
        left.clear()
        stream = run(kind(stub.url, schema=GIVEN, server_ready_timeout=0).texts())
        run(stream.__anext__())
        del stream  # a stream that is dropped
        until(left.is_set)


def test_retries_and_redirects_are_the_clients(kind: Kind) -> None:
    answers = [reply(7), reply(b"", 307, {"location": "/g"}), reply(b"busy", 503, {"retry-after": "2"})]
    with Stub(lambda asked: answers.pop()) as stub:
        client = kind(stub.url, schema=GIVEN, server_ready_timeout=0)
        assert run(client.f(x=1)) == 7
    assert client.slept == [2]


def test_a_recorder_sees_what_is_sent(kind: Kind, tmp_path: Path) -> None:
    recorder = Recorder()
    with Stub(lambda asked: reply(1)) as stub:
        run(kind(stub.url, schema=GIVEN, server_ready_timeout=0, recorder=recorder).take(f=b"content"))
    assert "content" in recorder.text()


def test_a_connection_that_is_refused_breaks_or_is_cut(kind: Kind) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        client = partial(kind, schema=GIVEN, server_ready_timeout=0, retries=0)
        with pytest.raises(ConnectError) as refused:
            run(client(f"http://127.0.0.1:{unused.getsockname()[1]}").f(x=1))
    assert refused.value.sent is False
    with Stub(lambda asked: End.CLOSE) as stub, pytest.raises(ConnectionLost) as lost:
        run(client(stub.url).f(x=1))
    assert lost.value.sent is True
    cut: list[Piece] = [head(200, {"content-length": "10"}), b"half", End.CLOSE]
    with Stub(routes({"/give": lambda asked: cut})) as stub, pytest.raises(ConnectionLost):
        run(client(stub.url).give())


def test_timeouts(kind: Kind) -> None:
    def trickle(asked: Asked) -> Iterator[Piece]:
        yield head(200, {"content-length": "1000"})
        while True:
            yield b"1"
            time.sleep(0.02)

    with Stub(routes({"/f": lambda asked: [End.SILENCE], "/give": trickle})) as stub:
        client = partial(kind, stub.url, schema=GIVEN, server_ready_timeout=0, retries=RetryPolicy(attempts=1))
        with pytest.raises(CallTimeout):
            run(client(timeout=0.2).f(x=1))
        with pytest.raises(CallTimeout):
            run(client(timeout=Timeout(60, total=0.3)).give())


def test_a_cancelled_call_closes_its_connection() -> None:
    class Endless(Connection):
        async def read(self, max_bytes: int, timeout: float | None, /) -> bytes:
            reading.set()
            await asyncio.sleep(3600)
            return b""

        async def write(self, data: bytes | memoryview, timeout: float | None, /) -> None:
            await asyncio.to_thread(lambda: self._sock.sendall(data))

    class Waiting(Opening):
        async def open(self, origin: Origin, timeout: Timeout, /) -> Connection:
            connect = partial(socket.create_connection, (origin.host, origin.port), timeout.connect)
            return Endless(await asyncio.to_thread(connect))  # else the test's guard of event loops objects

    async def cancelled(url: str) -> None:
        call = asyncio.create_task(Waiting(url, schema=GIVEN, server_ready_timeout=0).f(x=1))
        waiting = asyncio.create_task(reading.wait())
        await asyncio.wait({call, waiting}, return_when=asyncio.FIRST_COMPLETED)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call

    reading, before = asyncio.Event(), Connection.closed
    with Stub(lambda asked: reply(1)) as stub:
        asyncio.run(cancelled(stub.url))
    assert Connection.closed == before + 1


def test_a_coroutine_that_is_closed_midway_closes_its_connection() -> None:
    class Pausing(Connection):
        async def read(self, max_bytes: int, timeout: float | None, /) -> bytes:
            await Pause()
            return await super().read(max_bytes, timeout)

    class Pause:
        def __await__(self) -> Generator[None, None, None]:
            yield

    class Paused(Opening):
        async def open(self, origin: Origin, timeout: Timeout, /) -> Connection:
            return Pausing(socket.create_connection((origin.host, origin.port), timeout.connect))

    with Stub(lambda asked: reply(1)) as stub:
        call = Paused(stub.url, schema=GIVEN, server_ready_timeout=0).f(x=1)
        call.send(None)
        before = Connection.closed
        call.close()
    assert Connection.closed == before + 1


def test_what_it_has_no_use_for_is_refused() -> None:
    class Neither(Blocking):
        pass

    with pytest.raises(TypeError, match="neither a method send"):
        Neither("http://h")
    with pytest.raises(TypeError, match="ssl_context= is for clients with connections of their own"):
        Opening("http://h", ssl_context=tls_context())
    with pytest.raises(TypeError, match="abstract"):
        AbstractAsyncClient("http://h")  # type: ignore[abstract]


def test_nothing_is_asked_for_help() -> None:
    with Stub(lambda asked: reply(1)) as stub:
        client = Opening(stub.url)
        assert "AsyncEndpointMethod" in repr(client.f)
        dir(client)
    assert stub.asked == []
