"""An async client over an `asyncio.Protocol`, http or https.

python examples/asyncio_protocol.py http://localhost:3000 summarize text="A bento is a meal for one"
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable
from typing import TypeVar

from bento_client import AsyncStream, Timeout
from bento_client.embedding import AbstractAsyncClient
from bento_proto.http import Origin
from bento_proto.session import map_exceptions

T = TypeVar("T")


async def within(seconds: float | None, waiting: Awaitable[T]) -> T:
    with map_exceptions({asyncio.TimeoutError: TimeoutError}):  # which are the same from Python 3.11 on
        return await asyncio.wait_for(waiting, seconds)


class Connection(asyncio.Protocol):
    """One connection, whose bytes wait until they are read."""

    transport: asyncio.Transport

    def __init__(self) -> None:
        self.arrived, self.is_lost = b"", False
        self.error: Exception | None = None
        self.readable, self.writable = asyncio.Event(), asyncio.Event()
        self.writable.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.arrived += data
        self.transport.pause_reading()  # so that what nobody reads does not pile up
        self.readable.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_lost, self.error = True, exc
        self.readable.set()
        self.writable.set()

    def pause_writing(self) -> None:
        self.writable.clear()

    def resume_writing(self) -> None:
        self.writable.set()

    async def read(self, max_bytes: int, timeout: float | None, /) -> bytes:
        await within(timeout, self.readable.wait())
        data, self.arrived = self.arrived[:max_bytes], self.arrived[max_bytes:]
        if not data and self.error is not None:
            raise self.error
        if not self.arrived and not self.is_lost:
            self.readable.clear()
            self.transport.resume_reading()
        return data

    async def write(self, data: bytes | memoryview, timeout: float | None, /) -> None:
        self.transport.write(data)
        await within(timeout, self.writable.wait())

    def close(self) -> None:
        self.transport.abort()


class ProtocolClient(AbstractAsyncClient):
    async def open(self, origin: Origin, timeout: Timeout, /) -> Connection:
        tls, loop = origin.scheme == "https" or None, asyncio.get_running_loop()
        connecting = loop.create_connection(Connection, origin.host, origin.port, ssl=tls)
        return (await within(timeout.connect, connecting))[1]

    async def sleep(self, seconds: float, /) -> None:
        await asyncio.sleep(seconds)


async def main(url: str, name: str, *arguments: str) -> None:
    result = await ProtocolClient(url).call(name, **dict(argument.split("=", 1) for argument in arguments))
    if not isinstance(result, AsyncStream):
        print(result)
        return
    async for item in result:
        print(item, end="", flush=True)


asyncio.run(main(*sys.argv[1:]))
