"""What works, and what fails where, before the client knows the Service; and finding it, once for all tasks."""

from __future__ import annotations

import gc
import inspect
import json
import warnings
from collections.abc import Iterator

import anyio
import pytest

from bento_async import AsyncHTTPClient, AsyncStream, LocalProtocolError, NotFound, Service, ServiceUnavailable

from .peers import CHUNKED, Peer, chunk, reply
from .schemas import SCHEMA

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("no_tasks")]


@pytest.fixture
def peer() -> Iterator[Peer]:
    with Peer() as peer:
        peer.answers |= {
            "/readyz": reply(b"\n"),
            "/schema.json": reply(json.dumps(SCHEMA).encode()),
            "/stream": CHUNKED + chunk(b"one ") + chunk(b"two") + chunk(b""),
            "/events": CHUNKED + chunk(b"data: 1\n\ndata: 2\n\n") + chunk(b""),
            "/job/submit": reply(b'{"task_id": "7"}'),
            "/job/status?task_id=7": reply(b'{"status": "completed"}'),
            "/job/get?task_id=7": reply(b"42"),
        }
        yield peer


async def test_every_way_to_call(peer: Peer) -> None:
    async def fresh() -> AsyncHTTPClient:
        await anyio.lowlevel.checkpoint()
        return AsyncHTTPClient(peer.url)

    assert await (await fresh()).echo(x=1) == {"x": 1}
    assert await (await fresh()).api_echo(1) == {"x": 1}
    assert await (await fresh()).call("echo", x=1) == {"x": 1}
    assert (await (await fresh()).echo.raw(x=1)).status_code == 200
    assert "".join([item async for item in (await fresh()).stream(x=1)]) == "one two"
    stream = await (await fresh()).stream(x=1)
    assert isinstance(stream, AsyncStream)
    assert "".join([item async for item in stream]) == "one two"
    async with (await fresh()).stream(x=1) as stream:
        assert stream.response.status_code == 200
        assert stream.response.value is stream
        assert "".join([item async for item in stream]) == "one two"
    assert [event.data async for event in (await fresh()).events.events(x=1)] == ["1", "2"]
    async with (await fresh()).events.events(x=1) as events:
        assert [event.data async for event in events] == ["1", "2"]
    task = await (await fresh()).job.submit(x=1)
    assert (await task.get(), (await task.get_status()).value, task.id) == (42, "completed", "7")
    assert await (await fresh()).job.get("7") == 42
    assert await (await fresh()).job.task("7").get() == 42


async def test_nothing_goes_out_before_the_await(peer: Peer) -> None:
    async with AsyncHTTPClient(peer.url) as client:
        call = client.stream(x=1)
        assert repr(call) == "<AsyncCall of stream: await it, or iterate over it with async for>"
        items = aiter(call)
        await anyio.sleep(0.02)
        assert peer.paths == []
        assert await anext(items) in ("one ", "one two")
        assert peer.paths == ["/readyz", "/schema.json", "/stream"]


async def test_wrong_arguments_raise_at_the_await_before_and_at_the_call_after(peer: Peer) -> None:
    async with AsyncHTTPClient(peer.url) as client:
        for call in (client.echo(y=1), client.echo.raw(y=1), client.echo.events(y=1), client.job.submit(y=1)):
            with pytest.raises(TypeError, match=r"\(\) got an unexpected keyword argument 'y'"):
                await call
        for method in (client.echo, client.echo.raw, client.echo.events, client.job.submit):
            with pytest.raises(TypeError, match=r"\(\) got an unexpected keyword argument 'y'"):
                await method(y=1)


async def test_a_wrong_name_raises_at_the_await_before_and_at_the_attribute_after(peer: Peer) -> None:
    async with AsyncHTTPClient(peer.url) as client:
        unknown = client.nothing
        assert not hasattr(client, "_nothing")
        with pytest.raises(NotFound, match="the Service Peer has no endpoint 'nothing'"):
            await unknown(x=1)
        with pytest.raises(AttributeError, match="nothing"):
            client.nothing  # noqa: B018
        with pytest.raises(NotFound, match="nothing"):
            await client.call("nothing")
        with pytest.raises(NotFound, match="nothing"):
            unknown.endpoint  # noqa: B018


async def test_what_is_known(peer: Peer) -> None:
    async with AsyncHTTPClient(peer.url) as client:
        method = client.echo
        for unknown in (lambda: client.endpoints, lambda: method.endpoint):
            with pytest.raises(LocalProtocolError, match="not known yet: `await client"):
                unknown()
        assert repr(method) == "<AsyncEndpointMethod echo>"
        assert "echo" not in dir(client)
        assert list(inspect.signature(method).parameters) == ["args", "kwargs"]
        service = await client.connect()
        assert isinstance(service, Service)
        assert await client.connect() is service
        assert list(client.endpoints) == [route["name"] for route in SCHEMA["routes"]]
        assert method.endpoint is client.endpoints["echo"]
        assert "echo" in dir(client)
        assert list(inspect.signature(method).parameters) == ["x"]
        assert repr(method).startswith("<AsyncEndpointMethod echo(x")
        assert peer.paths == ["/readyz", "/schema.json"]


async def test_what_is_no_stream_can_not_be_iterated_over(peer: Peer) -> None:
    async with AsyncHTTPClient(peer.url) as client:
        with pytest.raises(TypeError, match=r"echo\(\) is no stream"):
            async for _ in client.echo(x=1):
                pass
        with pytest.raises(TypeError, match=r"echo\(\) is no stream"):
            async with client.echo(x=1):
                pass
        call = client.echo(x=1)
        assert await call == {"x": 1}
        with pytest.raises(RuntimeError, match="already awaited"):
            await call


async def test_a_call_that_is_not_awaited_is_warned_of(peer: Peer) -> None:
    async with AsyncHTTPClient(peer.url) as client:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            client.echo(x=1)  # type: ignore[unused-awaitable]
            gc.collect()
        assert [str(w.message).splitlines()[0] for w in caught] == ["coroutine 'echo' was never awaited"]


# --- once for all tasks


async def test_a_hundred_tasks_ask_once(peer: Peer) -> None:
    async def one(number: int) -> None:
        assert await client.echo(x=number) == {"x": number}

    async with AsyncHTTPClient(peer.url) as client, anyio.create_task_group() as tasks:
        for number in range(100):
            tasks.start_soon(one, number)
    assert [peer.paths.count(path) for path in ("/readyz", "/schema.json", "/echo")] == [1, 1, 100]


async def test_when_the_first_is_cancelled_another_goes_on(peer: Peer) -> None:
    ready = peer.answers["/readyz"]
    peer.answers["/readyz"] = b"HTTP/1.1 2"
    first = anyio.CancelScope()
    results: list[object] = []

    async def lead() -> None:
        with first:
            await client.echo(x=1)

    async def follow() -> None:
        results.append(await client.echo(x=2))

    async with AsyncHTTPClient(peer.url) as client, anyio.create_task_group() as tasks:
        tasks.start_soon(lead)
        await anyio.wait_all_tasks_blocked()
        tasks.start_soon(follow)
        tasks.start_soon(follow)
        while peer.paths != ["/readyz"]:
            await anyio.sleep(0.001)
        peer.answers["/readyz"] = ready
        first.cancel()
    assert results == [{"x": 2}, {"x": 2}]
    assert [peer.paths.count(path) for path in ("/readyz", "/schema.json")] == [2, 1]


async def test_all_that_wait_fail_with_the_first() -> None:
    errors: list[ServiceUnavailable] = []

    async def one() -> None:
        with pytest.raises(ServiceUnavailable, match=r"is not ready after 1 seconds") as caught:
            await client.echo(x=1)
        assert isinstance(caught.value.__cause__, ConnectionError)
        errors.append(caught.value)

    client = AsyncHTTPClient("http://127.0.0.1:9", server_ready_timeout=1)
    async with client, anyio.create_task_group() as tasks:
        for _ in range(10):
            tasks.start_soon(one)
    assert len(set(map(id, errors))) == 10
    assert len({id(error.__cause__) for error in errors}) == 1, "they all waited for one attempt"
