"""A client of your own on an HTTP library, here the standard library's `http.client`: messages instead of bytes.

python examples/http_client.py http://localhost:3000 summarize text="A bento is a meal for one"
python examples/http_client.py http://localhost:3000 generate img=cat.png > turned.png
"""

from __future__ import annotations

import http.client
import os
import random
import secrets
import sys
import time
from collections.abc import Iterator
from typing import TypeVar

import bento_proto as bp
from bento_proto.http import FilePart
from bento_proto.request import Upload, bind

T = TypeVar("T")
CONNECTIONS = {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}


def drive(flow: bp.Flow[T]) -> tuple[T, Iterator[object]]:
    """Run a flow step by step, and tell it the time. What the last step left open is the rest of its answer."""
    run = bp.FlowRunner(flow)
    step, rest = run.step, iter(list[object]())
    while step is not None:
        time.sleep(step.delay)
        rest = carry_out(step)
        if not step.exchange.is_streaming:
            list(rest)
        step = run.resume(time.monotonic())
    return run.result, rest


def carry_out(step: bp.Step) -> Iterator[object]:
    """Send a request, and hand over the head of its answer; what is returned reads the rest."""
    exchange, request = step.exchange, step.exchange.request
    origin = request.origin
    length = {} if request.content_length is None else {"content-length": str(request.content_length)}
    headers = {**dict(request.headers), **length, "connection": "close"}  # it is closed with the answer
    connection = CONNECTIONS[origin.scheme](origin.host, origin.port, timeout=step.timeout.connect)
    try:
        connection.connect()
    except OSError as exc:
        exchange.receive(bp.ConnectionFailed(bp.FailureKind.CONNECT, f"can't connect: {exc}", cause=exc))
        return iter(())
    connection.sock.settimeout(step.timeout.receive)
    try:
        connection.request(request.method, request.target, blocks(request), headers)
        response: http.client.HTTPResponse = connection.getresponse()
    except (OSError, http.client.HTTPException) as exc:
        connection.close()
        exchange.receive(lost(exc))
        return iter(())
    exchange.receive(bp.Head(response.status, tuple(response.getheaders())))
    return read(exchange, response)


def blocks(request: bp.Request) -> Iterator[bytes]:
    for segment in request.body:
        if isinstance(segment, FilePart):
            with open(str(segment.source), "rb") as file:
                yield from iter(lambda: file.read(65536), b"")
        else:
            yield segment


def read(exchange: bp.Exchange[object], response: http.client.HTTPResponse) -> Iterator[object]:
    """Hand over the answer's body block by block, and give its items."""
    with response:
        while not exchange.is_over:
            try:
                data = response.read1(65536)
            except (OSError, http.client.HTTPException) as exc:
                yield from exchange.receive(lost(exc))
            else:
                cut = bp.ConnectionFailed(bp.FailureKind.DISCONNECTED, "the response is cut")
                end = cut if response.length else bp.End()
                yield from exchange.receive(bp.Data(data) if data else end)


def lost(exc: Exception) -> bp.ConnectionFailed:
    cut = isinstance(exc, (OSError, http.client.IncompleteRead))
    kind = "timeout" if isinstance(exc, TimeoutError) else "disconnected" if cut else "protocol"
    return bp.ConnectionFailed(bp.FailureKind(kind), str(exc), cause=exc)


if __name__ == "__main__":
    session = bp.Session(sys.argv[1], environ=os.environ, random=random.random, file_strings="both")
    drive(session.connect(session.options, time.monotonic()))
    call = bind(session.endpoint(sys.argv[2]), (), dict(argument.split("=", 1) for argument in sys.argv[3:]))
    paths = [str(source.content) for source in call.sources]
    files = [Upload(FilePart(path, os.path.getsize(path)), os.path.basename(path)) for path in paths]
    done, items = drive(session.call(call, files, secrets.token_hex(16), session.options, time.monotonic()))
    for item in [done.result] if done.result_kind is bp.ResultKind.VALUE else items:
        sys.stdout.buffer.write(item if isinstance(item, bytes) else str(item).encode())
        sys.stdout.buffer.flush()
    if done.error is not None:  # it broke off, after what came
        raise done.error
