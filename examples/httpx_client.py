"""An `httpx.AsyncClient` carries the requests of an `AsyncHTTPClient`, with its own limits, proxies and event hooks.

python examples/httpx_client.py http://localhost:3000 summarize text="A bento is a meal for one"
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterable, AsyncIterator
from typing import cast

import httpx

from bento_client import AsyncHTTPClient, AsyncStream, ConnectError, ConnectionLost
from bento_proto.session import TransportRequest, TransportResponse, map_exceptions

MEANINGS: dict[type[Exception], type[OSError]] = {
    httpx.ConnectError: ConnectError, httpx.ConnectTimeout: ConnectError,  # nothing was sent: it may be tried again
    httpx.TimeoutException: TimeoutError, httpx.TransportError: ConnectionLost,
}  # fmt: skip


class HttpxTransport:
    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client

    async def send(self, request: TransportRequest, /) -> TransportResponse[AsyncIterable[bytes]]:
        content = cast("bytes | AsyncIterable[bytes]", request.content)
        timeout = httpx.Timeout(request.timeout.receive, connect=request.timeout.connect)
        sent = self.client.build_request(
            request.method, request.url, headers=request.headers, content=content, timeout=timeout
        )
        with map_exceptions(MEANINGS):
            response = await self.client.send(sent, stream=True, follow_redirects=False)
        fields = response.headers.multi_items()
        return TransportResponse(response.status_code, fields, blocks(response), response.aclose)


async def blocks(response: httpx.Response) -> AsyncIterator[bytes]:
    with map_exceptions(MEANINGS):
        async for block in response.aiter_raw():
            yield block


async def main(url: str, name: str, *arguments: str) -> None:
    async with httpx.AsyncClient() as library:
        client = AsyncHTTPClient(url, transport=HttpxTransport(library))
        result = await client.call(name, **dict(argument.split("=", 1) for argument in arguments))
        if not isinstance(result, AsyncStream):
            print(result)
            return
        async for item in result:
            print(item, end="", flush=True)


asyncio.run(main(*sys.argv[1:]))
