"""An `aiohttp.ClientSession` carries the requests of an `AsyncHTTPClient`: its connector, cookies, tracing.

python examples/aiohttp_session.py http://localhost:3000 summarize text="A bento is a meal for one"
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterable, AsyncIterator

import aiohttp

from bento_client import AsyncHTTPClient, AsyncStream, ConnectError, ConnectionLost
from bento_proto.session import TransportRequest, TransportResponse, map_exceptions

MEANINGS: dict[type[Exception], type[OSError]] = {
    aiohttp.ClientConnectorError: ConnectError,  # nothing was sent: it may be tried again
    aiohttp.ConnectionTimeoutError: ConnectError,
    aiohttp.ServerTimeoutError: TimeoutError,
    aiohttp.ClientConnectionError: ConnectionLost, aiohttp.ClientPayloadError: ConnectionLost,
}  # fmt: skip


class AiohttpTransport:
    def __init__(self, session: aiohttp.ClientSession) -> None:
        self.session = session

    async def send(self, request: TransportRequest, /) -> TransportResponse[AsyncIterable[bytes]]:
        timeout = aiohttp.ClientTimeout(None, sock_connect=request.timeout.connect, sock_read=request.timeout.receive)
        with map_exceptions(MEANINGS):
            response = await self.session.request(
                request.method, request.url, headers=request.headers, data=request.content or None, timeout=timeout,
                allow_redirects=False,
            )  # fmt: skip
        fields = response.headers.items()
        return TransportResponse(response.status, fields, blocks(response), response.close, decoded=True)


async def blocks(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    with map_exceptions(MEANINGS):
        async for block in response.content.iter_any():
            yield block


async def main(url: str, name: str, *arguments: str) -> None:
    async with aiohttp.ClientSession() as session:
        client = AsyncHTTPClient(url, transport=AiohttpTransport(session))
        result = await client.call(name, **dict(argument.split("=", 1) for argument in arguments))
        if not isinstance(result, AsyncStream):
            print(result)
            return
        async for item in result:
            print(item, end="", flush=True)


asyncio.run(main(*sys.argv[1:]))
