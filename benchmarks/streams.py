"""Streams. Each contender returns a function that requests a stream of so many items and yields what it receives."""

from __future__ import annotations

# mypy: disable-error-code="import-not-found,import-untyped"
import http.client
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

Begin = Callable[[str, int], Iterator[object]]
AsyncBegin = Callable[[str, int], AsyncIterator[object]]


def http_client(url: str) -> Begin:
    """Bytes as they arrive, not split into items."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc)

    def begin(name: str, count: int) -> Iterator[object]:
        body = json.dumps({"count": count})
        connection.request("POST", f"/{name}", body, {"content-type": "application/json"})
        answer = connection.getresponse()
        while data := answer.read1(1 << 16):
            yield data

    return begin


def urllib3(url: str) -> Begin:
    """Bytes as they arrive, not split into items."""
    import urllib3

    pool = urllib3.PoolManager()

    def begin(name: str, count: int) -> Iterator[object]:
        answer = pool.request("POST", f"{url}/{name}", json={"count": count}, preload_content=False)
        yield from answer.read_chunked()
        answer.release_conn()

    return begin


def httpx(url: str) -> Begin:
    """Bytes as they arrive, not split into items."""
    import httpx

    client = httpx.Client()

    def begin(name: str, count: int) -> Iterator[object]:
        with client.stream("POST", f"{url}/{name}", json={"count": count}) as answer:
            yield from answer.iter_bytes()

    return begin


def bentoml(url: str) -> Begin:
    import bentoml

    client: Any = bentoml.SyncHTTPClient(url)
    return lambda name, count: iter(client.call(name, count=count))


def bento_sync(url: str) -> Begin:
    from bento_sync import SyncHTTPClient

    client = SyncHTTPClient(url)
    return lambda name, count: iter(client.call(name, count=count))


async def aiohttp(url: str) -> AsyncBegin:
    """Bytes as they arrive, not split into items."""
    import aiohttp

    session = aiohttp.ClientSession()

    async def begin(name: str, count: int) -> AsyncIterator[object]:
        async with session.post(f"{url}/{name}", json={"count": count}) as answer:
            async for data, _ in answer.content.iter_chunks():
                yield data

    return begin


async def bentoml_async(url: str) -> AsyncBegin:
    import bentoml

    client: Any = bentoml.AsyncHTTPClient(url)
    await client.__aenter__()
    return lambda name, count: client.call(name, count=count).__aiter__()


async def bento_async(url: str) -> AsyncBegin:
    from bento_async import AsyncHTTPClient

    client = AsyncHTTPClient(url)
    await client.connect()
    return lambda name, count: client.call(name, count=count).__aiter__()


CONTENDERS: dict[str, Callable[[str], Begin]] = {
    "bento_sync": bento_sync,
    "http.client": http_client,
    "urllib3": urllib3,
    "httpx": httpx,
    "bentoml": bentoml,
}
ASYNC_CONTENDERS: dict[str, Callable[[str], Awaitable[AsyncBegin]]] = {
    "bento_async": bento_async,
    "aiohttp": aiohttp,
    "bentoml async": bentoml_async,
}
