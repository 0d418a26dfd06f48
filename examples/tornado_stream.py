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

from bento_client import AsyncStream, BentoMLException, Timeout
from bento_client.embedding import AbstractAsyncClient
from bento_proto.http import Origin

T = TypeVar("T")


async def within(seconds: float | None, waiting: Awaitable[T]) -> T:
    """Wait no longer than that many seconds, and tell by the exceptions that the client knows."""
    try:
        return await (waiting if seconds is None else gen.with_timeout(timedelta(seconds=seconds), waiting))
    except TookTooLong as error:
        raise TimeoutError("timed out") from error


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


async def main() -> None:
    client = TornadoClient(sys.argv[1])
    result = await client.call(sys.argv[2], **dict(argument.split("=", 1) for argument in sys.argv[3:]))
    if not isinstance(result, AsyncStream):
        print(result)
        return
    async for item in result:
        print(item, end="", flush=True)


if __name__ == "__main__":
    try:
        asyncio.run(main())  # which Tornado's IOLoop is these days
    except BentoMLException as failure:
        sys.exit(f"{type(failure).__name__}: {failure}")
