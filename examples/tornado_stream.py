"""An async client over Tornado's streams of bytes, http or https.

python examples/tornado_stream.py http://localhost:3000 summarize text="A bento is a meal for one"
"""

from __future__ import annotations

import asyncio
import ssl
import sys
from collections.abc import Awaitable
from datetime import timedelta
from typing import TypeVar

from tornado import gen
from tornado.iostream import IOStream, StreamClosedError
from tornado.tcpclient import TCPClient
from tornado.util import TimeoutError as TookTooLong

from bento_client import AsyncStream, Timeout
from bento_client.embedding import AbstractAsyncClient
from bento_proto.http import Origin
from bento_proto.session import map_exceptions

T = TypeVar("T")


async def within(seconds: float | None, waiting: Awaitable[T]) -> T:
    with map_exceptions({TookTooLong: TimeoutError}):
        return await (waiting if seconds is None else gen.with_timeout(timedelta(seconds=seconds), waiting))


class Connection:
    def __init__(self, stream: IOStream) -> None:
        self.stream, self.close = stream, stream.close

    async def read(self, max_bytes: int, timeout: float | None, /) -> bytes:
        try:
            return await within(timeout, self.stream.read_bytes(max_bytes, partial=True))
        except StreamClosedError as error:
            if error.real_error:
                raise error.real_error from error
            return b""

    async def write(self, data: bytes | memoryview, timeout: float | None, /) -> None:
        await within(timeout, self.stream.write(data))


class TornadoClient(AbstractAsyncClient):
    async def open(self, origin: Origin, timeout: Timeout, /) -> Connection:
        tls = ssl.create_default_context() if origin.scheme == "https" else None
        connecting = TCPClient().connect(origin.host, origin.port, ssl_options=tls)
        return Connection(await within(timeout.connect, connecting))

    async def sleep(self, seconds: float, /) -> None:
        await gen.sleep(seconds)


async def main(url: str, name: str, *arguments: str) -> None:
    result = await TornadoClient(url).call(name, **dict(argument.split("=", 1) for argument in arguments))
    if not isinstance(result, AsyncStream):
        print(result)
        return
    async for item in result:
        print(item, end="", flush=True)


asyncio.run(main(*sys.argv[1:]))  # which Tornado's IOLoop is these days
