"""An async client in a browser or in Node: Pyodide's `fetch` carries its requests.

In Pyodide, after `micropip.install("bento-client")`::

    client = FetchClient("http://localhost:3000")
    print(await client.summarize(text="A bento is a meal for one"))
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator
from typing import Any

from pyodide.ffi import JsException, to_js
from pyodide.http import pyfetch

from bento_client import ConnectionLost
from bento_client.embedding import AbstractAsyncClient
from bento_proto.session import TransportRequest, TransportResponse


class FetchClient(AbstractAsyncClient):
    async def send(self, request: TransportRequest, /) -> TransportResponse[AsyncIterable[bytes]]:
        content = request.content
        if not isinstance(content, bytes):  # `fetch` takes a body as a whole
            assert isinstance(content, AsyncIterable)
            content = b"".join([block async for block in content])
        body = {"body": to_js(content)} if content else {}
        headers = {name: value for name, value in request.headers if name not in ("accept-encoding", "user-agent")}
        try:
            response: Any = await pyfetch(
                request.url, method=request.method, headers=headers, redirect="manual", **body
            )
        except OSError as error:
            raise ConnectionLost(str(error)) from error
        reader = response.js_response.body.getReader()
        return TransportResponse(response.status, response.headers.items(), blocks(reader), reader.cancel, decoded=True)

    async def sleep(self, seconds: float, /) -> None:
        await asyncio.sleep(seconds)


async def blocks(reader: Any) -> AsyncIterator[bytes]:
    while True:
        try:
            block = await reader.read()
        except JsException as error:
            raise ConnectionLost(str(error)) from error
        if block.done:
            return
        yield block.value.to_bytes()
