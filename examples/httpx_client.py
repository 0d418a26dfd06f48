"""An `httpx.AsyncClient` carries the requests of an `AsyncHTTPClient`, with its own limits, proxies and event hooks.

python examples/httpx_client.py http://localhost:3000 summarize text="A bento is a meal for one"
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterable, AsyncIterator
from typing import cast

import httpx

from bento_client import AsyncHTTPClient, AsyncStream, BentoMLException, ConnectError, ConnectionLost
from bento_proto.session import TransportRequest, TransportResponse


class HttpxTransport:
    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client

    async def send(self, request: TransportRequest, /) -> TransportResponse[AsyncIterable[bytes]]:
        timeout = httpx.Timeout(request.timeout.receive, connect=request.timeout.connect)
        content = cast("bytes | AsyncIterable[bytes]", request.content)
        asked = self.client.build_request(
            request.method, request.url, headers=list(request.headers), content=content, timeout=timeout
        )
        try:
            response = await self.client.send(asked, stream=True, follow_redirects=False)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:  # nothing was sent: it may be tried again
            raise ConnectError(str(error)) from error
        except httpx.TimeoutException as error:
            raise TimeoutError(str(error)) from error
        except httpx.TransportError as error:
            raise ConnectionLost(str(error)) from error
        return TransportResponse(
            response.status_code, response.headers.multi_items(), blocks(response), response.aclose
        )


async def blocks(response: httpx.Response) -> AsyncIterator[bytes]:
    try:
        async for block in response.aiter_raw():
            yield block
    except httpx.TimeoutException as error:
        raise TimeoutError(str(error)) from error
    except httpx.TransportError as error:
        raise ConnectionLost(str(error)) from error


async def main() -> None:
    async with httpx.AsyncClient() as library:
        client = AsyncHTTPClient(sys.argv[1], transport=HttpxTransport(library))
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
