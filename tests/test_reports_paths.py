"""Nor does a report of an error on any other way through the clients: batches, mappers, transports, tools, pickles."""

from __future__ import annotations

import asyncio
import io
import pickle
from collections.abc import AsyncIterable, Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from rich.traceback import Traceback

from bento_async import AsyncHTTPClient
from bento_client.batch import Mapper
from bento_client.mcp._server import _Tools  # pyright: ignore[reportPrivateUsage]  # its errors are results
from bento_proto.session import TransportRequest, TransportResponse
from bento_sync import SyncHTTPClient
from tests.hostile.server import Server
from tests.test_reports import BASIC, REPORTED, SECRET, SECRETS, assert_not_reported, environment, server, with_secret

__all__ = ["environment", "server"]

Options = dict[str, Any]


class Broken:
    """A transport that fails once it has the request."""

    def send(self, request: TransportRequest) -> TransportResponse[Iterable[bytes]]:
        raise OSError("the transport broke")


class Refusing:
    """One that gets an error status."""

    def send(self, request: TransportRequest) -> TransportResponse[Iterable[bytes]]:
        return TransportResponse(500, [("set-cookie", f"a={SECRET}")], [b"{}"])


class AsyncBroken:
    async def send(self, request: TransportRequest) -> TransportResponse[AsyncIterable[bytes]]:
        raise OSError("the transport broke")


def called(url: str, options: Options, call: Callable[[SyncHTTPClient], object]) -> None:
    with SyncHTTPClient(url, **options) as client:
        call(client)


def called_async(url: str, options: Options, call: Callable[[AsyncHTTPClient], Any]) -> None:
    async def main() -> None:
        async with AsyncHTTPClient(url, **options) as client:
            await call(client)

    asyncio.run(main())


def without_function(options: Options) -> Options:
    """Options that pickle."""
    if "auth" in options:
        options = {**options, "auth": None, "headers": {"X-Api-Key": SECRET}}
    return {**options, "token": SECRET} if callable(options.get("token")) else options


def without_proxy(options: Options, transport: object) -> Options:
    return {**{name: value for name, value in options.items() if name != "proxy"}, "transport": transport}


async def nothing(done: float, message: str) -> None:
    """Report nothing."""


async def drained(items: AsyncIterable[object]) -> None:
    async for _ in items:
        pass


def mapped(url: str, options: Options) -> None:
    mapper = Mapper(SyncHTTPClient(url, **without_function(options)), "echo")
    with mapper.client:
        mapper(["a", "b"])


def unpickled(client: SyncHTTPClient) -> None:
    with pickle.loads(pickle.dumps(client.with_options(timeout=1))) as other:
        other.echo(text="in")


def tool(client: AsyncHTTPClient) -> Any:
    return _Tools(client, None, None).call("echo", {"text": "in"}, nothing)


PATHS: dict[str, Callable[[str, Options], object]] = {
    "map": lambda url, options: called(url, options, lambda client: list(client.map("echo", ["a", "b"]))),
    "async map": lambda url, options: called_async(
        url, options, lambda client: drained(client.map("echo", ["a", "b"]))
    ),
    "mapper": mapped,
    "transport": lambda url, options: called(
        url, without_proxy(options, Broken()), lambda client: client.echo(text="in")
    ),
    "refusing transport": lambda url, options: called(
        url, without_proxy(options, Refusing()), lambda client: client.echo(text="in")
    ),
    "async transport": lambda url, options: called_async(
        url, without_proxy(options, AsyncBroken()), lambda client: client.echo(text="in")
    ),
    "save": lambda url, options: called(url, options, lambda client: client.file.save(Path("never"), text="in")),
    "upload": lambda url, options: called(url, options, lambda client: client.upload(text=b"abc")),
    "stream": lambda url, options: called(url, options, lambda client: list(client.words(text="in"))),
    "async stream": lambda url, options: called_async(url, options, lambda client: drained(client.words(text="in"))),
    "raw": lambda url, options: called(url, options, lambda client: client.echo.raw(text="in")),
    "tool": lambda url, options: called_async(url, options, tool),
    "pickle": lambda url, options: called(url, without_function(options), unpickled),
}


@pytest.mark.parametrize("trouble", ["status 500", "garbage"])
@pytest.mark.parametrize("secret", [*SECRETS, "a proxy"])
@pytest.mark.parametrize("path", PATHS)
def test_no_report_shows_a_secret(server: Server, path: str, secret: str, trouble: str) -> None:
    server.script(*REPORTED[trouble])
    url, options = with_secret(secret, server.url, known=True)
    with pytest.raises(Exception, match=r".") as info:
        PATHS[path](url, options)
    assert "broke" in str(info.value) or "500" in str(info.value) or "garbage" in str(info.value)
    assert_not_reported(info.value)


@pytest.mark.parametrize("secret", [*SECRETS, "a proxy"])
@pytest.mark.parametrize("path", ["map", "async map", "transport", "async stream"])
def test_rich_shows_none(server: Server, path: str, secret: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the frames in the packages; those of a caller are the caller's."""
    server.script(*REPORTED["status 500"])
    url, options = with_secret(secret, server.url, known=True)
    with pytest.raises(Exception, match=r".") as info:
        PATHS[path](url, options)
    at = info.value.__traceback__
    while at is not None and "/bento_" not in at.tb_frame.f_code.co_filename:
        at = at.tb_next
    assert at is not None
    shown = Console(file=io.StringIO(), width=500)
    info.value.__cause__ = info.value.__context__ = None  # the test above goes through these
    shown.print(Traceback.from_exception(type(info.value), info.value, at, show_locals=True, locals_max_string=10_000))
    assert isinstance(shown.file, io.StringIO)
    text = shown.file.getvalue()
    assert "locals" in text
    assert [line for line in text.splitlines() if SECRET in line or BASIC in line] == []
