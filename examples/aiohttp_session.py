"""An `aiohttp.ClientSession` carries the requests of an `AsyncHTTPClient`: its connector, cookies, tracing.

python examples/aiohttp_session.py http://localhost:3000 summarize text="A bento is a meal for one"
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterable, AsyncIterator

import aiohttp

from bento_client import AsyncHTTPClient, AsyncStream, BentoMLException, ConnectError, ConnectionLost
from bento_proto.session import TransportRequest, TransportResponse


class AiohttpTransport:
    def __init__(self, session: aiohttp.ClientSession) -> None:
        self.session = session

    async def send(self, request: TransportRequest, /) -> TransportResponse[AsyncIterable[bytes]]:
        timeout = aiohttp.ClientTimeout(None, sock_connect=request.timeout.connect, sock_read=request.timeout.receive)
        try:
            response = await self.session.request(
                request.method, request.url, headers=request.headers, data=request.content or None, timeout=timeout,
                allow_redirects=False,
            )  # fmt: skip
        except aiohttp.ClientConnectorError as error:  # nothing was sent: it may be tried again
            raise ConnectError(str(error)) from error
        except aiohttp.ClientConnectionError as error:
            raise ConnectionLost(str(error)) from error
        return TransportResponse(
            response.status, response.headers.items(), blocks(response), response.close, decoded=True
        )


async def blocks(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    try:
        async for block in response.content.iter_any():
            yield block
    except aiohttp.ClientPayloadError as error:
        raise ConnectionLost(str(error)) from error


async def main() -> None:
    async with aiohttp.ClientSession() as session:
        client = AsyncHTTPClient(sys.argv[1], transport=AiohttpTransport(session))
        result = await client.call(sys.argv[2], **dict(argument.split("=", 1) for argument in sys.argv[3:]))
        if not isinstance(result, AsyncStream):
            print(result)
            return
        async for item in result:
            print(item, end="", flush=True)


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except BentoMLException as failure:
        sys.exit(f"{type(failure).__name__}: {failure}")
