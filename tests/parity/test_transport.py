"""An HTTP library of the caller's carries the requests: here urllib3, for async clients in threads."""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest
import urllib3
from anyio import to_thread

from bento_proto import (
    BentoMLException,
    CallTimeout,
    ConnectError,
    ConnectionLost,
    LocalProtocolError,
    Progress,
    RetryPolicy,
    Timeout,
)
from bento_proto.session import AnyTransport, AsyncTransport, Transport, TransportRequest, TransportResponse
from bento_sync import SyncHTTPClient
from tests.waiting import until

from .faces import Connect, Face
from .proxies import Asked, End, Piece, Stub, chunk, endpoint, head, reply, routes, schema

GIVEN = schema(
    endpoint("f", input={"properties": {"x": {"type": "integer"}}}),
    endpoint("take", input={"properties": {"f": {"type": "file", "format": "binary"}}}),
    endpoint("give", output={"type": "file", "format": "binary"}),
    endpoint("texts", output={"type": "string", "is_stream": True}),
)
MIB = 1 << 20


class Library(Transport):
    """urllib3, and the calls that it carried."""

    def __init__(self) -> None:
        self.asked: list[TransportRequest] = []
        self.closed = 0
        self._pool = urllib3.PoolManager(retries=False)

    def send(self, request: TransportRequest, /) -> TransportResponse[Iterable[bytes]]:
        if request.method == "POST":
            self.asked.append(request)
        timeout = urllib3.Timeout(connect=request.timeout.connect, read=request.timeout.receive)
        content, length = request.content, request.length
        assert isinstance(content, Iterable)
        sized = {} if length is None else {"content-length": str(length)}
        try:
            response = self._pool.request(
                request.method, request.url, body=content if isinstance(content, bytes) else iter(content),
                headers={**dict(request.headers), **sized}, timeout=timeout, redirect=False, preload_content=False,
                decode_content=False,
            )  # fmt: skip
        except urllib3.exceptions.NewConnectionError as exc:
            raise ConnectError(str(exc)) from exc
        except urllib3.exceptions.TimeoutError as exc:
            raise TimeoutError(str(exc)) from exc
        except urllib3.exceptions.HTTPError as exc:
            raise ConnectionLost(str(exc)) from exc
        return TransportResponse(
            response.status, response.headers.items(), _read(response), partial(self._end, response)
        )

    def _end(self, response: urllib3.BaseHTTPResponse) -> None:
        self.closed += 1
        response.close()


def _read(response: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
    try:
        while block := response.read1(1 << 16):
            yield block
    except urllib3.exceptions.HTTPError as exc:
        raise ConnectionLost(str(exc)) from exc


class AsyncLibrary(Library, AsyncTransport):
    """The same in threads."""

    async def send(self, request: TransportRequest, /) -> TransportResponse[AsyncIterator[bytes]]:  # type: ignore[override]
        content = request.content
        if not isinstance(content, bytes):
            assert not isinstance(content, Iterable)
            content = b"".join([block async for block in content])
        response = await to_thread.run_sync(
            Library.send, self, request.replace(content=content), abandon_on_cancel=True
        )
        return TransportResponse(
            response.status, response.headers, _in_threads(response.blocks), _in_a_thread(response)
        )


async def _in_threads(blocks: Iterable[bytes]) -> AsyncIterator[bytes]:
    reading = iter(blocks)
    while (block := await to_thread.run_sync(lambda: next(reading, None), abandon_on_cancel=True)) is not None:
        yield block


def _in_a_thread(response: TransportResponse[Iterable[bytes]]) -> Callable[[], object]:
    async def close() -> None:
        await anyio.lowlevel.checkpoint()
        response.close()

    return close


@pytest.fixture
def library(face: Face) -> Library:
    return Library() if face.name == "sync" else AsyncLibrary()


@pytest.fixture
def carried(connect: Connect, library: Library) -> Callable[..., SyncHTTPClient]:
    """Makes a client whose requests the library carries."""
    return partial(connect, schema=GIVEN, server_ready_timeout=0, transport=library)


def test_calls(carried: Connect, library: Library) -> None:
    with Stub(lambda asked: reply(json.loads(asked.body))) as stub:
        url = stub.url
        client = carried(stub.url, headers={"x-own": "yes"}, timeout=Timeout(60, connect=50))
        assert client.f(x=3) == {"x": 3}
        assert client.f.raw(x=4).value == {"x": 4}
    [first, second] = library.asked
    assert (first.method, first.url, first.length) == ("POST", f"{url}/f", len(b'{"x":3}'))
    assert ("x-own", "yes") in first.headers
    assert (first.timeout.connect, second.timeout.receive) == (50, 60)
    assert "token" not in repr(first)


def test_streams_as_they_arrive_and_closes_them(carried: Connect, library: Library) -> None:
    goes_on = threading.Event()

    def texts(asked: Asked) -> Iterator[Piece]:
        yield head(200, {"transfer-encoding": "chunked", "content-type": "text/plain"})
        yield chunk(b"one")
        goes_on.wait(60)  # the second comes when the first was read
        yield chunk(b"two")
        yield chunk(b"")

    with Stub(routes({"/texts": texts})) as stub:
        stream = carried(stub.url).texts()
        assert next(stream) == "one"
        goes_on.set()
        assert list(stream) == ["two"]
        stream.close()
        with carried(stub.url).texts() as stream:
            next(stream)
    until(lambda: library.closed == 2)


def test_files_with_progress(carried: Connect, library: Library, tmp_path: Path) -> None:
    told: list[Progress] = []
    data = os.urandom(MIB)
    path = tmp_path / "data.bin"
    path.write_bytes(data)
    with Stub(routes({"/take": lambda asked: reply(len(asked.body)), "/give": lambda asked: reply(data)})) as stub:
        client = carried(stub.url, on_progress=told.append)
        size = client.take(f=path)
        uploads = [each.done for each in told if each.kind == "upload"]
        told.clear()
        assert client.give().read_bytes() == data
    assert size == library.asked[0].length
    downloads = [each.done for each in told if each.kind == "download"]
    assert (uploads[0], uploads[-1], downloads[0], downloads[-1]) == (0, size, 0, MIB)


def test_what_a_listener_raises_is_raised(carried: Connect, tmp_path: Path) -> None:
    class Listener(OSError):
        pass

    def tell(progress: Progress) -> None:
        raise Listener

    path = tmp_path / "data.bin"
    path.write_bytes(b"data")
    with Stub(lambda asked: reply(1)) as stub, pytest.raises(Listener):
        carried(stub.url, on_progress=tell).take(f=path)


def test_retries_and_errors_are_those_of_the_client(carried: Connect, library: Library) -> None:
    answers = [reply(7), reply(b"busy", 503, {"retry-after": "0"})]
    with Stub(lambda asked: answers.pop()) as stub:
        assert carried(stub.url).f(x=1) == 7
    assert len(library.asked) == 2
    with Stub(lambda asked: reply({"error": "no"}, 400)) as stub, pytest.raises(BentoMLException, match="no") as caught:
        carried(stub.url).f(x=1)
    assert caught.value.error_code == 400


def test_a_redirect_is_followed_by_the_client(carried: Connect, library: Library) -> None:
    with Stub(routes({"/f": reply(b"", 307, {"location": "/g"}), "/g": reply(5)})) as stub:
        url = stub.url
        assert carried(url).f(x=1) == 5
    assert [each.url for each in library.asked] == [f"{url}/f", f"{url}/g"]


def test_a_connection_that_is_refused_or_breaks(carried: Connect) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(ConnectError) as refused:
            carried(url, retries=0).f(x=1)
    assert refused.value.sent is False
    with Stub(lambda asked: End.CLOSE) as stub, pytest.raises(ConnectionLost) as lost:
        carried(stub.url).f(x=1)
    assert lost.value.sent is True


def test_a_body_that_is_cut(carried: Connect) -> None:
    def give(asked: Asked) -> Iterator[Piece]:
        yield head(200, {"content-length": "10"})
        yield b"half"
        yield End.CLOSE

    with Stub(routes({"/give": give})) as stub, pytest.raises(ConnectionLost):
        carried(stub.url, retries=0).give()


def test_timeouts(carried: Connect) -> None:
    def silent(asked: Asked) -> Iterator[Piece]:
        yield End.SILENCE

    with Stub(routes({"/f": silent})) as stub, pytest.raises(CallTimeout):
        carried(stub.url, timeout=Timeout(0.2, total=0.3), retries=RetryPolicy(attempts=1)).f(x=1)


def test_a_closed_client_sends_nothing(carried: Connect, library: Library) -> None:
    client = carried("http://127.0.0.1:1")
    client.close()
    with pytest.raises(LocalProtocolError):
        client.call("f", x=1)
    assert library.asked == []


class Answering:
    """A transport without a network, for the sync client."""

    def send(self, request: TransportRequest, /) -> TransportResponse[Iterable[bytes]]:
        return TransportResponse(200, (), [b"1"])


class AsyncAnswering:
    """The same, for async clients."""

    async def send(self, request: TransportRequest, /) -> TransportResponse[AsyncIterator[bytes]]:
        raise NotImplementedError


def test_a_transport_of_the_other_kind_is_refused(connect: Connect, face: Face) -> None:
    other: AnyTransport = AsyncAnswering() if face.name == "sync" else Answering()
    with pytest.raises(TypeError):
        connect("http://h", schema=GIVEN, server_ready_timeout=0, transport=other).f(x=1)
