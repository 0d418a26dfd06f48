"""An ASGI application of the same process, called without a socket."""

from __future__ import annotations

import gc
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
import pytest

from bento_async import (
    AsyncHTTPClient,
    AsyncStream,
    CallTimeout,
    ConnectionLost,
    EndEvent,
    Hooks,
    InternalServerError,
    LocalProtocolError,
    Progress,
    RemoteProtocolError,
    ServiceUnavailable,
    Timeout,
)

from .schemas import client

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("no_tasks")]

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class App:
    """An application with a lifespan, that does what its paths say.

    Attributes:
        log: what has happened.
        scopes: of the requests.
    """

    def __init__(self) -> None:
        self.log: list[str] = []
        self.scopes: list[Message] = []

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.lifespan(scope, receive, send)
            return
        self.scopes.append(scope)
        answer = getattr(self, scope["path"].strip("/"), self.echo)
        await answer(receive, send)

    async def lifespan(self, scope: Message, receive: Receive, send: Send) -> None:
        assert (await receive())["type"] == "lifespan.startup"
        self.log.append("startup")
        scope["state"]["model"] = "loaded"
        await send({"type": "lifespan.startup.complete"})
        assert (await receive())["type"] == "lifespan.shutdown"
        self.log.append("shutdown")
        await send({"type": "lifespan.shutdown.complete"})

    async def body(self, receive: Receive) -> bytes:
        body: bytes = b""
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ConnectionError
            body += message["body"]
            if not message["more_body"]:
                return body

    async def echo(self, receive: Receive, send: Send) -> None:
        body = await self.body(receive)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": body})

    async def stream(self, receive: Receive, send: Send) -> None:
        await self.body(receive)
        await send({"type": "http.response.start", "status": 200})
        number = 0
        async with anyio.create_task_group() as tasks:

            async def watch() -> None:
                assert (await receive())["type"] == "http.disconnect"
                self.log.append("disconnect")
                tasks.cancel_scope.cancel()

            tasks.start_soon(watch)
            while True:
                await send({"type": "http.response.body", "body": b"%d " % number, "more_body": True})
                number += 1

    async def download(self, receive: Receive, send: Send) -> None:
        headers = [(b"content-disposition", b"attachment; filename=a.bin")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for _ in range(10):
            await send({"type": "http.response.body", "body": bytes(100_000), "more_body": True})
        await send({"type": "http.response.body"})

    async def wait(self, receive: Receive, send: Send) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self.log.append("disconnect")

    async def half(self, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b"[1", "more_body": True})
        raise ZeroDivisionError

    async def deaf(self, receive: Receive, send: Send) -> None:
        raise ZeroDivisionError

    async def text(self, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.body"})


async def test_calls_streams_and_files(tmp_path: Path) -> None:
    app = App()
    async with client("http://service", app=app, download_dir=tmp_path) as called:
        assert app.log == []
        assert await called.echo(x="ü") == {"x": "ü"}
        assert app.log == ["startup"]
        async with called.stream(x=1) as stream:
            assert "".join([await anext(stream) for _ in range(3)]) == "0 1 2 "
        async for item in called.stream(x=1):
            assert item == "0 "
            break
        gc.collect()
        await anyio.wait_all_tasks_blocked()
        assert app.log == ["startup", "disconnect", "disconnect"]
        saved: Path = await called.download(x=1)
        assert (saved, saved.stat().st_size) == (tmp_path / "a.bin", 1_000_000)
        content = os.urandom(3_000_000)
        (tmp_path / "large").write_bytes(content)
        assert content in await called.upload(x=tmp_path / "large")
        assert content in await called.upload(x=content)
        answer = await called.request("POST", "/%C3%BCber%20alles?a=b%20c", content=b"hello")
        assert answer.content == b"hello"
    assert app.log[-1] == "shutdown"
    scope = app.scopes[-1]
    assert (scope["path"], scope["raw_path"], scope["query_string"]) == (
        "/über alles",
        b"/%C3%BCber%20alles",
        b"a=b%20c",
    )
    assert scope["state"] == {"model": "loaded"}
    headers = dict(scope["headers"])
    assert (headers[b"host"], headers[b"content-length"], scope["server"]) == (b"service", b"5", ("service", 80))


async def test_hooks_and_progress(tmp_path: Path) -> None:
    told: list[Progress] = []
    ends: list[EndEvent] = []
    (tmp_path / "large").write_bytes(bytes(3_000_000))
    hooks = Hooks(request=lambda event: {"x-mine": "1"}, end=ends.append)
    async with client("http://service", app=(app := App()), hooks=hooks, on_progress=told.append) as called:
        await called.upload(x=tmp_path / "large")
        for kind in ("upload", "download"):
            done = [progress.done for progress in told if progress.kind == kind]
            assert done[0] == 0
            assert done[-1] > 3_000_000
            assert done == sorted(done)
        async with called.stream(x=1) as stream:
            await anext(stream)
            assert len(ends) == 1
        await called.stream(x=1)  # nobody takes it
        gc.collect()
        await anyio.wait_all_tasks_blocked()
        assert [event.abandoned for event in ends] == [False, True, True]
        for wrong in ("upload", "download"):

            def refuse(progress: Progress, kind: str = wrong) -> None:
                if progress.kind == kind and progress.done:
                    raise KeyError

            with pytest.raises(KeyError):
                await called.with_options(on_progress=refuse).upload(x=tmp_path / "large")
        assert await called.echo(x=1) == {"x": 1}
    assert (b"x-mine", b"1") in app.scopes[-1]["headers"]


async def test_what_an_application_does_wrong() -> None:
    async with client("http://service", app=App()) as called:
        with pytest.raises(InternalServerError) as refused:
            await called.deaf(x=1)
        assert isinstance(refused.value.__cause__, ZeroDivisionError)
        with pytest.raises(ConnectionLost) as cut:
            await called.half(x=1)
        assert isinstance(cut.value.__cause__, ZeroDivisionError)
        with pytest.raises(RemoteProtocolError, match=r"'http.response.body' out of turn"):
            await called.text(x=1)
        assert await called.echo(x=1) == {"x": 1}


async def test_times_and_cancelling() -> None:
    app = App()
    async with client("http://service", app=app, timeout=Timeout(receive=0.05)) as called:
        with pytest.raises(CallTimeout):
            await called.wait(x=1)
        with anyio.move_on_after(0.01) as scope:
            await called.wait(x=1)
        assert scope.cancelled_caught
        await anyio.wait_all_tasks_blocked()
        assert app.log == ["startup", "disconnect", "disconnect"]
        with pytest.raises(CallTimeout):
            await called.with_options(timeout=Timeout(total=0.05)).wait(x=1)


async def test_a_file_that_can_not_be_read_to_its_end() -> None:
    class Failing:
        def read(self, size: int = -1) -> bytes:
            if size:
                raise OSError("the disk is gone")
            return b""

    async with client("http://service", app=App()) as called:
        with pytest.raises(OSError, match="the disk is gone"):
            await called.upload(x=Failing())
        assert await called.echo(x=1) == {"x": 1}


async def test_the_end_comes_also_in_the_midst_of_a_stream_and_of_a_cancellation() -> None:
    app = App()
    with anyio.CancelScope() as scope:
        async with client("http://service", app=app) as called:
            stream = await called.stream(x=1)
            await anext(stream)
            scope.cancel()
    assert (app.log[0], sorted(app.log[1:])) == ("startup", ["disconnect", "shutdown"])
    with pytest.raises(ConnectionLost):
        while True:
            await anext(stream)


async def test_errors_of_the_caller_pass_as_they_are() -> None:
    app = App()
    with pytest.raises(KeyError):
        async with client("http://service", app=app) as called:
            await called.echo(x=1)
            raise KeyError
    assert app.log == ["startup", "shutdown"]


async def test_closing_before_the_end() -> None:
    app = App()
    async with client("http://service", app=app) as called:
        await called.echo(x=1)
        await called.close()
        assert app.log == ["startup", "shutdown"]
        with pytest.raises(LocalProtocolError, match="closed"):
            await called.echo(x=1)
        with pytest.raises(LocalProtocolError, match="closed"):
            await called.request("GET", "/")


async def test_only_within_async_with() -> None:
    called = client("http://service", app=App())
    with pytest.raises(LocalProtocolError, match="within `async with AsyncHTTPClient"):
        await called.echo(x=1)
    await called.close()


async def test_entered_and_left_by_different_tasks() -> None:
    """As pytest's plugins do with a fixture; a stream is under way at the end."""
    app = App()
    called = client("http://service", app=app)
    streams: list[AsyncStream[Any]] = []

    async def enter() -> None:
        await called.__aenter__()

    async def leave() -> None:
        await called.__aexit__(None, None, None)

    async def use() -> None:
        streams.append(await called.stream(x=1))
        assert await anext(streams[0]) == "0 "
        assert await called.echo(x=1) == {"x": 1}

    for step in (enter, use, leave):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(step)
    assert app.log[0] == "startup"
    assert app.log.count("shutdown") == 1


async def test_an_application_that_does_not_end_is_cancelled() -> None:
    cancelled: list[str] = []

    async def endless(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            raise NotImplementedError
        await send({"type": "http.response.start", "status": 200})
        try:
            await anyio.sleep_forever()
        finally:
            cancelled.append(scope["path"])

    with anyio.fail_after(30):
        async with client("http://service", app=endless) as called:
            await called.stream(x=1)
    assert cancelled == ["/stream"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
async def test_an_application_that_wants_to_end_the_process(error: type[BaseException]) -> None:
    async def ending(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            raise error

    async with client("http://service", app=ending) as called:
        with pytest.raises(error):
            await called.echo(x=1)


async def test_one_that_does_not_start() -> None:
    async def failing(scope: Message, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no model"})

    async with AsyncHTTPClient(app=failing) as called:
        with pytest.raises(ServiceUnavailable, match="the application did not start: no model"):
            await called.echo(x=1)


async def test_one_without_a_lifespan() -> None:
    app = App()

    async def bare(scope: Message, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        await app(scope, receive, send)

    async with client("http://service", app=bare) as called:
        assert await called.echo(x=1) == {"x": 1}


async def test_many_at_a_time() -> None:
    async def one(number: int) -> None:
        assert await called.echo(x=number) == {"x": number}

    async with client("http://service", app=App()) as called, anyio.create_task_group() as tasks:
        for number in range(100):
            tasks.start_soon(one, number)
