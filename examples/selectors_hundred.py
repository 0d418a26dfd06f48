"""A hundred calls at a time in one thread, on an event loop of thirty lines. Over http and IPv4 only.

python examples/selectors_hundred.py http://localhost:3000 summarize text="A bento is a meal for one"
"""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Coroutine, Generator, Iterable
from selectors import EVENT_READ, EVENT_WRITE, DefaultSelector
from types import coroutine
from typing import Any

from bento_client import AsyncStream, Timeout
from bento_client.embedding import AbstractAsyncClient
from bento_proto.http import Origin


@coroutine
def ready(sock: socket.socket | None, events: int, seconds: float | None) -> Generator[Any, bool, bool]:
    """Wait until a socket is ready, for so many seconds at most; tell whether it is."""
    return (yield sock, events, seconds)


def together(coroutines: Iterable[Coroutine[Any, bool | None, object]]) -> None:
    """Run them until all are through, each when its socket is ready or its time is up: an event loop."""
    poll, turns = DefaultSelector(), dict[Any, "bool | None"].fromkeys(coroutines)
    waiting: dict[Any, tuple[socket.socket | None, float]] = {}
    while turns or waiting:
        for each, is_ready in turns.items():
            try:
                sock, events, seconds = each.send(is_ready)
            except StopIteration:
                continue
            waiting[each] = sock, time.monotonic() + (1e6 if seconds is None else seconds)
            if sock is not None:
                poll.register(sock, events, each)
        pause = min((end for _, end in waiting.values()), default=0.0) - time.monotonic()
        found = {key.data for key, _ in poll.select(max(0.0, pause))}
        turns = {each: each in found for each, (_, end) in waiting.items() if each in found or end <= time.monotonic()}
        for sock in filter(None, [waiting.pop(each)[0] for each in turns]):
            poll.unregister(sock)


class Connection:
    def __init__(self, sock: socket.socket) -> None:
        self.sock, self.close = sock, sock.close

    async def read(self, max_bytes: int, timeout: float | None, /) -> bytes:
        await self.until(EVENT_READ, timeout)
        return self.sock.recv(max_bytes)

    async def write(self, data: bytes | memoryview, timeout: float | None, /) -> None:
        while data:
            await self.until(EVENT_WRITE, timeout)
            data = data[self.sock.send(data) :]

    async def until(self, events: int, timeout: float | None) -> None:
        if not await ready(self.sock, events, timeout):
            raise TimeoutError("timed out")


class SelectorsClient(AbstractAsyncClient):
    async def open(self, origin: Origin, timeout: Timeout, /) -> Connection:
        assert origin.scheme == "http", "this example has no TLS"
        connection = Connection(sock := socket.socket())
        try:
            sock.setblocking(False)
            sock.connect_ex((origin.host, origin.port))
            await connection.until(EVENT_WRITE, timeout.connect)
            if code := sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                raise OSError(code, os.strerror(code))
        except BaseException:
            sock.close()
            raise
        return connection

    async def sleep(self, seconds: float, /) -> None:
        await ready(None, 0, seconds)


async def show(client: SelectorsClient, name: str, arguments: dict[str, str]) -> None:
    result = await client.call(name, **arguments)
    print("".join([str(item) async for item in result]) if isinstance(result, AsyncStream) else result)


if __name__ == "__main__":
    client = SelectorsClient(sys.argv[1])
    arguments = dict(argument.split("=", 1) for argument in sys.argv[3:])
    together([client.connect()])  # once for all calls
    together(show(client, sys.argv[2], arguments) for _ in range(100))
