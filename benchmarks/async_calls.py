"""The small JSON call on an event loop. Each contender returns a function for one call, for any number of tasks."""

from __future__ import annotations

# mypy: disable-error-code="import-not-found,import-untyped"
import asyncio
import json
import ssl
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

from benchmarks.sync_calls import HEAD, answer_in
from benchmarks.work import ARGUMENTS

Call = Callable[[], Awaitable[object]]


class _Raw(asyncio.Protocol):
    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def begin(self, request: bytes) -> asyncio.Future[object]:
        self.data = b""
        self.answer: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return self.answer

    def data_received(self, data: bytes) -> None:
        self.data += data
        answer = answer_in(self.data)
        if answer is not None:
            self.answer.set_result(answer)


async def raw_asyncio(url: str) -> Call:
    """The lower limit on asyncio: a protocol, one write, and the JSON."""
    at = urlsplit(url)
    tls = ssl.create_default_context() if at.scheme == "https" else None
    loop = asyncio.get_running_loop()
    idle: list[_Raw] = []

    async def call() -> object:
        if idle:
            raw = idle.pop()
        else:
            _, raw = await loop.create_connection(_Raw, at.hostname or "", at.port or 80, ssl=tls)
        body = json.dumps(ARGUMENTS).encode()
        answer = await raw.begin(HEAD % (at.netloc.encode(), len(body)) + body)
        idle.append(raw)
        return answer

    return call


async def raw_trio(url: str) -> Call:
    """The lower limit on trio: sockets, one send, and the JSON."""
    import trio

    at = urlsplit(url)
    idle: list[Any] = []

    async def call() -> object:
        if idle:
            sock = idle.pop()
        else:
            sock = trio.socket.socket()
            await sock.connect((at.hostname, at.port))
        body = json.dumps(ARGUMENTS).encode()
        await sock.send(HEAD % (at.netloc.encode(), len(body)) + body)
        data = b""
        while (answer := answer_in(data)) is None:
            data += await sock.recv(1 << 16)
        idle.append(sock)
        return answer

    return call


async def aiohttp(url: str) -> Call:
    import aiohttp

    session = aiohttp.ClientSession()

    async def call() -> object:
        async with session.post(f"{url}/classify", json=ARGUMENTS) as answer:
            return await answer.json()

    return call


async def niquests(url: str) -> Call:
    import niquests

    session = niquests.AsyncSession()

    async def call() -> object:
        return (await session.post(f"{url}/classify", json=ARGUMENTS)).json()

    return call


async def httpx(url: str) -> Call:
    import httpx

    client = httpx.AsyncClient(limits=httpx.Limits(max_connections=100, max_keepalive_connections=100))

    async def call() -> object:
        return (await client.post(f"{url}/classify", json=ARGUMENTS)).json()

    return call


async def httpx2(url: str) -> Call:
    import httpx2

    client = httpx2.AsyncClient(limits=httpx2.Limits(max_connections=100, max_keepalive_connections=100))

    async def call() -> object:
        return (await client.post(f"{url}/classify", json=ARGUMENTS)).json()

    return call


async def httpr(url: str) -> Call:
    """A sync client in worker threads, as it does by itself."""
    import httpr

    client = httpr.AsyncClient()

    async def call() -> object:
        return (await client.post(f"{url}/classify", json=ARGUMENTS)).json()

    return call


async def pyreqwest(url: str) -> Call:
    from pyreqwest.client import ClientBuilder

    client = ClientBuilder().build()

    async def call() -> object:
        answer = await client.post(f"{url}/classify").body_json(ARGUMENTS).build().send()
        return await answer.json()

    return call


async def wreq(url: str) -> Call:
    import wreq

    client = wreq.Client()

    async def call() -> object:
        return await (await client.post(f"{url}/classify", json=ARGUMENTS)).json()

    return call


async def bentoml(url: str) -> Call:
    import bentoml

    client: Any = bentoml.AsyncHTTPClient(url)
    await client.__aenter__()
    return lambda: client.classify(**ARGUMENTS)


async def bentoml_aiohttp(url: str) -> Call:
    """The client with which BentoML's Services call each other."""
    from _bentoml_impl.client.proxy2 import AsyncClient

    client: Any = AsyncClient(url, max_requests=10**9)  # it would close its session while calls use it
    await client.__aenter__()
    return lambda: client.classify(**ARGUMENTS)


async def bento_async(url: str) -> Call:
    from bento_async import AsyncHTTPClient

    client = AsyncHTTPClient(url)
    return lambda: client.classify(**ARGUMENTS)


CONTENDERS: dict[str, Callable[[str], Awaitable[Call]]] = {
    "raw asyncio": raw_asyncio,
    "raw trio": raw_trio,
    "bento_async": bento_async,
    "aiohttp": aiohttp,
    "niquests": niquests,
    "httpx": httpx,
    "httpx2": httpx2,
    "httpr": httpr,
    "pyreqwest": pyreqwest,
    "wreq": wreq,
    "bentoml": bentoml,
    "bentoml (aiohttp)": bentoml_aiohttp,
}
