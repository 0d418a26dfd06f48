"""An async client on Twisted's reactor, over http.

python examples/twisted_protocol.py http://localhost:3000 summarize text="A bento is a meal for one"
"""

from __future__ import annotations

import sys
from typing import Any

from twisted.internet import reactor, task
from twisted.internet.defer import Deferred
from twisted.internet.defer import TimeoutError as TookTooLong
from twisted.internet.endpoints import HostnameEndpoint, connectProtocol
from twisted.internet.error import ConnectError, ConnectionDone
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure

from bento_client import AsyncStream, Timeout
from bento_client.embedding import AbstractAsyncClient
from bento_proto.http import Origin
from bento_proto.session import map_exceptions

REACTOR: Any = reactor  # Twisted's interfaces are too much for a type checker


class Connection(Protocol):
    """One connection, whose bytes wait until they are read."""

    transport: Any

    def __init__(self) -> None:
        self.arrived, self.lost = b"", False
        self.reading: Deferred[None] | None = None

    def dataReceived(self, data: bytes) -> None:
        self.arrived += data
        self.wake()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.lost = True
        self.wake(None if reason.check(ConnectionDone) else OSError(reason.getErrorMessage()))

    def wake(self, error: OSError | None = None) -> None:
        reading, self.reading = self.reading, None
        if reading is not None:
            reading.callback(None) if error is None else reading.errback(error)

    async def read(self, max_bytes: int, timeout: float | None, /) -> bytes:
        if not self.arrived and not self.lost:
            self.reading = Deferred()
            with map_exceptions({TookTooLong: TimeoutError}):
                await (self.reading if timeout is None else self.reading.addTimeout(timeout, REACTOR))
        data, self.arrived = self.arrived[:max_bytes], self.arrived[max_bytes:]
        return data

    async def write(self, data: bytes | memoryview, timeout: float | None, /) -> None:
        self.transport.write(bytes(data))

    def close(self) -> None:
        self.transport.abortConnection()


class TwistedClient(AbstractAsyncClient):
    async def open(self, origin: Origin, timeout: Timeout, /) -> Connection:
        assert origin.scheme == "http", "this example knows no TLS"
        endpoint = HostnameEndpoint(REACTOR, origin.host, origin.port, timeout.connect or 30)
        with map_exceptions({ConnectError: OSError}):
            connection: Connection = await connectProtocol(endpoint, Connection())
        return connection

    async def sleep(self, seconds: float, /) -> None:
        await task.deferLater(REACTOR, seconds)


async def main(url: str, name: str, *arguments: str) -> None:
    result = await TwistedClient(url).call(name, **dict(argument.split("=", 1) for argument in arguments))
    if not isinstance(result, AsyncStream):
        print(result)
        return
    async for item in result:
        print(item, end="", flush=True)


task.react(lambda _: Deferred.fromCoroutine(main(*sys.argv[1:])))
