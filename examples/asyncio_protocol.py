"""A client of your own as an `asyncio.Protocol`, over http or https.

python examples/asyncio_protocol.py http://localhost:3000 summarize text="A bento is a meal for one"
"""

from __future__ import annotations

import asyncio
import os
import random
import secrets
import sys
import time
from contextlib import closing
from typing import TypeVar

import bento_proto as bp
from bento_proto.http11 import HTTP11Exchange
from bento_proto.request import bind

T = TypeVar("T")


class Connection(asyncio.Protocol):
    """One exchange on one connection: what the loop calls, and what it has to say."""

    def __init__(self, step: bp.Step) -> None:
        self.step, self.wire = step, HTTP11Exchange(step.exchange)
        self.began, self.heard = time.monotonic(), asyncio.Event()
        self.transport: asyncio.BaseTransport | None = None

    async def connect(self) -> None:
        origin, loop = self.step.exchange.request.origin, asyncio.get_running_loop()
        opening = loop.create_connection(lambda: self, origin.host, origin.port, ssl=origin.scheme == "https" or None)
        try:
            await asyncio.wait_for(opening, self.step.timeout.connect)
        except (OSError, asyncio.TimeoutError) as exc:
            self.step.exchange.receive(bp.ConnectionFailed(bp.FailureKind.CONNECT, f"can't connect: {exc}", cause=exc))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        assert isinstance(transport, asyncio.Transport)
        transport.write(self.wire.data_to_send())

    def data_received(self, data: bytes) -> None:
        for item in self.wire.receive(data):
            print(item, end="", flush=True)
        self.heard.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self.wire.connection_lost(str(exc), exc) if exc else self.wire.receive(b"")
        self.heard.set()

    async def hear(self) -> None:
        """Wait for what arrives next."""
        self.heard.clear()
        try:
            await asyncio.wait_for(self.heard.wait(), self.step.timeout.after(time.monotonic() - self.began).receive)
        except asyncio.TimeoutError as exc:
            self.wire.timed_out("no answer in time", exc)

    def close(self) -> None:
        if self.transport is not None:
            self.transport.close()


async def drive(flow: bp.Flow[T]) -> T:
    """Run a flow step by step, and tell it the time. What the last step left open are the items of a stream."""
    run = bp.FlowRunner(flow)
    step = run.step
    while step is not None:
        await asyncio.sleep(step.delay)
        with closing(Connection(step)) as connection:
            await connection.connect()
            while connection.wire.wants_data:
                await connection.hear()
            step = run.resume(time.monotonic())
            while step is None and not connection.wire.is_over:
                await connection.hear()
    return run.result


async def call(url: str, name: str, arguments: dict[str, str]) -> bp.Exchange[object]:
    session = bp.Session(url, environ=os.environ, random=random.random)
    await drive(session.connect(session.options, time.monotonic()))
    bound = bind(session.endpoint(name), (), arguments)
    return await drive(session.call(bound, (), secrets.token_hex(16), session.options, time.monotonic()))


if __name__ == "__main__":
    try:
        done = asyncio.run(call(sys.argv[1], sys.argv[2], dict(argument.split("=", 1) for argument in sys.argv[3:])))
        if done.error is not None:  # the stream broke off, after what came
            raise done.error
        print(done.result if done.result_kind is bp.ResultKind.VALUE else "")
    except bp.BentoMLException as error:
        sys.exit(f"{type(error).__name__}: {error}")
