"""A client of your own on Tornado's IOLoop, over its streams of bytes, http or https.

python examples/tornado_stream.py http://localhost:3000 summarize text="A bento is a meal for one"
"""

from __future__ import annotations

import asyncio
import os
import random
import secrets
import ssl
import sys
import time
from contextlib import closing
from datetime import timedelta
from typing import TypeVar

from tornado import gen
from tornado.iostream import IOStream, StreamClosedError
from tornado.tcpclient import TCPClient
from tornado.util import TimeoutError as TookTooLong

import bento_proto as bp
from bento_proto.http import Origin
from bento_proto.http11 import HTTP11Exchange
from bento_proto.request import bind

T = TypeVar("T")


async def drive(flow: bp.Flow[T]) -> T:
    """Run a flow step by step, and tell it the time. What the last step left open are the items of a stream."""
    run = bp.FlowRunner(flow)
    step = run.step
    while step is not None:
        await gen.sleep(step.delay)
        began, timeout, wire = time.monotonic(), step.timeout, HTTP11Exchange(step.exchange)
        try:
            stream = await connect(step.exchange.request.origin, timeout.connect)
        except (OSError, TookTooLong) as exc:
            step.exchange.receive(bp.ConnectionFailed(bp.FailureKind.CONNECT, f"can't connect: {exc}", cause=exc))
            step = run.resume(time.monotonic())
            continue
        with closing(stream):
            _ = stream.write(wire.data_to_send())  # if that fails, reading tells
            while wire.wants_data:
                await receive(stream, wire, timeout.after(time.monotonic() - began).receive)
            step = run.resume(time.monotonic())
            while step is None and not wire.is_over:
                await receive(stream, wire, timeout.after(time.monotonic() - began).receive)
    return run.result


async def connect(origin: Origin, seconds: float | None) -> IOStream:
    tls = ssl.create_default_context() if origin.scheme == "https" else None
    patience = None if seconds is None else timedelta(seconds=seconds)
    return await TCPClient().connect(origin.host, origin.port, ssl_options=tls, timeout=patience)


async def receive(stream: IOStream, wire: HTTP11Exchange[object], seconds: float | None) -> None:
    """Hand over what arrives next, and show the items that it completes."""
    reading = stream.read_bytes(wire.max_read, partial=True)
    try:
        data = await (reading if seconds is None else gen.with_timeout(timedelta(seconds=seconds), reading))
    except TookTooLong as exc:
        wire.timed_out("no answer in time", exc)
    except StreamClosedError as exc:
        wire.connection_lost(str(exc.real_error), exc) if exc.real_error else wire.receive(b"")
    else:
        for item in wire.receive(data):
            print(item, end="", flush=True)


async def main() -> None:
    session = bp.Session(sys.argv[1], environ=os.environ, random=random.random)
    await drive(session.connect(session.options, time.monotonic()))
    call = bind(session.endpoint(sys.argv[2]), (), dict(argument.split("=", 1) for argument in sys.argv[3:]))
    done = await drive(session.call(call, (), secrets.token_hex(16), session.options, time.monotonic()))
    if done.error is not None:  # the stream broke off, after what came
        raise done.error
    print(done.result if done.result_kind is bp.ResultKind.VALUE else "")


if __name__ == "__main__":
    try:
        asyncio.run(main())  # which Tornado's IOLoop is these days
    except bp.BentoMLException as error:
        sys.exit(f"{type(error).__name__}: {error}")
