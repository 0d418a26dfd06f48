"""A call is a coroutine and a stream an asynchronous generator, whatever asyncio, trio and anyio do with these."""

from __future__ import annotations

import asyncio
import collections.abc
import functools
import gc
import importlib.metadata
import inspect
import json
import sys
import warnings
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import aclosing
from typing import Any

import anyio
import pytest
import trio

from bento_async import AsyncCall, AsyncHTTPClient, AsyncStream

from .peers import CHUNKED, Peer, chunk, reply
from .schemas import SCHEMA, client

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("no_tasks")]


@pytest.fixture
def peer() -> Iterator[Peer]:
    with Peer() as peer:
        peer.answers |= {
            "/stream": CHUNKED + chunk(b"one ") + chunk(b"two") + chunk(b""),
            "/job/submit": reply(b'{"task_id": "7"}'),
        }
        yield peer


@pytest.fixture(params=[True, False], ids=["known", "unknown"])
def called(request: pytest.FixtureRequest, peer: Peer) -> AsyncHTTPClient:
    """A client that knows the Service from the start, or finds it at the first call."""
    if request.param:
        return client(peer.url)
    peer.answers |= {"/readyz": reply(b"\n"), "/schema.json": reply(json.dumps(SCHEMA).encode())}
    return AsyncHTTPClient(peer.url, timeout=5)


# --- what takes a coroutine


async def _create_task(called: AsyncHTTPClient) -> object:
    return await asyncio.create_task(called.echo(x=1))


async def _task_group(called: AsyncHTTPClient) -> object:
    if sys.version_info >= (3, 11):
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(called.echo(x=1))
        return task.result()
    return await called.echo(x=1)


async def _named_task(called: AsyncHTTPClient) -> object:
    task = asyncio.get_running_loop().create_task(called.call("echo", x=1), name="mine")
    assert "echo" in repr(task)
    return await task


async def _gather(called: AsyncHTTPClient) -> object:
    one, two = await asyncio.gather(called.echo(x=1), called.echo(x=1))
    assert one == two
    return one


async def _wait_for(called: AsyncHTTPClient) -> object:
    return await asyncio.wait_for(asyncio.shield(asyncio.ensure_future(called.echo(x=1))), 5)


async def _as_completed(called: AsyncHTTPClient) -> object:
    (only,) = asyncio.as_completed([called.echo(x=1)])
    return await only


async def _threadsafe(called: AsyncHTTPClient) -> object:
    loop = asyncio.get_running_loop()

    def elsewhere() -> object:
        return asyncio.run_coroutine_threadsafe(called.echo(x=1), loop).result(5)

    return await asyncio.to_thread(elsewhere)


async def _submitted(called: AsyncHTTPClient) -> object:
    assert (await asyncio.create_task(called.job.submit(x=1))).id == "7"
    return await asyncio.create_task(called.echo(1))


ON_ASYNCIO = [
    _create_task, _task_group, _named_task, _gather, _wait_for, _as_completed, _threadsafe, _submitted
]  # fmt: skip


@pytest.mark.parametrize("idiom", ON_ASYNCIO, ids=lambda idiom: idiom.__name__)
async def test_on_asyncio(
    called: AsyncHTTPClient, idiom: Callable[[AsyncHTTPClient], Awaitable[object]], anyio_backend_name: str
) -> None:
    if anyio_backend_name == "asyncio":
        async with called:
            assert await idiom(called) == {"x": 1}


async def test_what_starts_an_event_loop(peer: Peer) -> None:
    """A call may be made where no loop runs yet."""

    def elsewhere() -> None:
        assert asyncio.run(client(peer.url).echo(x=1)) == {"x": 1}
        assert trio.run(functools.partial(client(peer.url).echo, x=2)) == {"x": 2}
        assert trio.run(client(peer.url).echo, 3) == {"x": 3}
        assert anyio.run(client(peer.url).echo, 4, backend="trio") == {"x": 4}
        assert anyio.run(client(peer.url).echo, 5) == {"x": 5}

    await anyio.to_thread.run_sync(elsewhere)


async def test_task_groups_of_anyio(called: AsyncHTTPClient, peer: Peer, anyio_backend_name: str) -> None:
    major, minor = map(int, importlib.metadata.version("anyio").split(".")[:2])
    if anyio_backend_name == "asyncio" and (major, minor) < (4, 14):
        pytest.skip("before 4.14, anyio takes coroutine objects of `async def` only")
    async with called, anyio.create_task_group() as tasks:
        tasks.start_soon(called.echo, 1)
        tasks.start_soon(functools.partial(called.echo, x=1))
        tasks.start_soon(called.call, "echo", 1)
        tasks.start_soon(called.stream, 1)  # opened and dropped
        tasks.start_soon(called.job.submit, 1)
    assert [peer.paths.count(path) for path in ("/echo", "/stream", "/job/submit")] == [3, 1, 1]


async def test_nurseries_of_trio(called: AsyncHTTPClient, peer: Peer, anyio_backend_name: str) -> None:
    if anyio_backend_name != "trio":
        return
    async with called, trio.open_nursery() as nursery:
        nursery.start_soon(called.echo, 1)
        nursery.start_soon(functools.partial(called.echo, x=1))
    assert peer.paths.count("/echo") == 2


async def test_what_a_call_is(called: AsyncHTTPClient) -> None:
    async with called:
        calls: list[Any] = [called.echo(x=1), called.stream(x=1), called.call("echo", 1), called.echo.raw(1)]
        assert all(isinstance(each, collections.abc.Coroutine) for each in calls)
        for each in calls:
            assert asyncio.iscoroutine(each)
            assert inspect.isawaitable(each)
            assert inspect.getcoroutinestate(each) == inspect.CORO_CREATED
            each.close()
            assert inspect.getcoroutinestate(each) == inspect.CORO_CLOSED
        await called.connect()
        stream: object = called.stream(x=1)
        call: Any = called.echo(x=1)
        assert not isinstance(call, collections.abc.AsyncGenerator)
        assert isinstance(stream, collections.abc.AsyncGenerator)
        assert repr(call) == "<ValueCall of echo: await it>"
        assert repr(stream) == "<AsyncCall of stream: await it, or iterate over it with async for>"
        assert call.__name__ == call.__qualname__ == "echo"
        with pytest.raises(AttributeError, match="no attribute 'result'"):
            call.result  # noqa: B018
        call.close()
        await stream.aclose()


async def test_methods_are_coroutine_functions(called: AsyncHTTPClient) -> None:
    async with called:
        for method in (called.echo, called.echo.raw, called.job.submit, called.job.get, called.echo.save):
            if sys.version_info >= (3, 12):
                assert inspect.iscoroutinefunction(method)
                assert inspect.iscoroutinefunction(functools.partial(method, x=1))
            else:
                assert asyncio.iscoroutinefunction(method)


async def test_awaiting_twice_is_an_error(called: AsyncHTTPClient, peer: Peer) -> None:
    async with called:
        for call in (called.echo(x=1), called.echo.raw(x=1), called.stream(x=1)):
            await call
            with pytest.raises(RuntimeError, match="already awaited"):
                await call
    assert peer.paths.count("/echo") == 2


async def test_what_is_never_awaited_is_warned_of_by_its_name(called: AsyncHTTPClient) -> None:
    async with called:
        await called.connect()
        methods: dict[str, Callable[..., Any]] = {
            "echo": called.echo,
            "stream": called.stream,
            "echo ": called.echo.raw,
            "job": called.job.submit,
            "events": called.events.events,
        }
        for name, make in methods.items():
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                make(x=1)
                gc.collect()
            assert [str(w.message).partition("\n")[0] for w in caught] == [
                f"coroutine '{name.strip()}' was never awaited"
            ]
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                make(x=1).close()
                gc.collect()
            assert not caught


# --- what takes an asynchronous generator


async def test_streams_are_asynchronous_generators(called: AsyncHTTPClient, peer: Peer) -> None:
    async with called:
        async with aclosing(called.stream(x=1)) as items:
            assert "".join([item async for item in items]) == "one two"
        items = called.stream(x=1)
        assert await items.asend(None) in ("one ", "one two")
        await items.aclose()
        await items.aclose()
        with pytest.raises(StopAsyncIteration):
            await anext(items)
        stream: Any = await called.stream(x=1)
        assert await stream.asend(None) in ("one ", "one two")
        with pytest.raises(LookupError, match="mine"):
            await stream.athrow(LookupError("mine"))
        with pytest.raises(StopAsyncIteration):
            await anext(stream)
        with pytest.raises(LookupError):
            await called.stream(x=1).athrow(LookupError)
        await called.stream(x=1).aclose()
    assert peer.paths.count("/stream") == 3


async def test_a_stream_that_another_task_opens_is_not_closed_under_it(called: AsyncHTTPClient, peer: Peer) -> None:
    peer.answers["/stream"] = b"HTTP/1.1 2"
    items = called.stream(x=1)

    async def first(scope: anyio.CancelScope) -> None:
        with scope:
            await anext(items)

    async with called, anyio.create_task_group() as tasks:
        scope = anyio.CancelScope()
        tasks.start_soon(first, scope)
        await anyio.wait_all_tasks_blocked()
        with pytest.raises(RuntimeError, match=r"stream\(\) is being awaited"):
            await items.aclose()
        scope.cancel()


async def test_types_that_type_checkers_know(peer: Peer) -> None:
    def take(call: Coroutine[Any, Any, Any], items: collections.abc.AsyncGenerator[Any, None]) -> None:
        call.close()

    called = client(peer.url)
    items = called.stream(x=1)
    take(called.echo(x=1), items)
    await items.aclose()
    assert issubclass(AsyncStream, collections.abc.AsyncGenerator)
    assert issubclass(AsyncCall, collections.abc.Coroutine)
