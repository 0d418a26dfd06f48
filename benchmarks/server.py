"""A server that answers as BentoML does and is no bottleneck: uvloop, httptools, and prepared responses.

``python -m benchmarks.server`` prints its URL, and a second one for https when it has a certificate. It exits when its
standard input is closed.
"""

from __future__ import annotations

# mypy: disable-error-code="import-not-found,import-untyped"
import argparse
import asyncio
import functools
import json
import os
import ssl
import sys
import threading
from typing import Any

import httptools

from benchmarks.work import ANSWER, MIB, SCHEMA, SHAPE, compact, items

_STREAMS = ("/words", "/blobs", "/records")
_KEPT = 1 << 16  # bytes of a request's body, which hold the arguments
_DATE = b"date: Mon, 23 Nov 2026 12:00:00 GMT\r\n"
_ENDPOINT = b"server: BentoML Service/Bench\r\nx-bentoml-request-id: 3831b4f6017334f6\r\n"


def _head(length: int | None, content_type: str, more: bytes = _ENDPOINT) -> bytes:
    body = b"transfer-encoding: chunked" if length is None else b"content-length: %d" % length
    return b"HTTP/1.1 200 OK\r\n%s%s\r\ncontent-type: %s\r\n%s\r\n" % (_DATE, body, content_type.encode(), more)


def _whole(body: bytes, content_type: str = "application/json", more: bytes = _ENDPOINT) -> bytes:
    return _head(len(body), content_type, more) + body


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def _tensor() -> bytes:
    image: Any = round(1 / 3, 8)
    for size in reversed(SHAPE):
        image = [image] * size
    return compact(image)


_FIXED = {
    b"/readyz": _whole(b"\n", "text/plain; charset=utf-8", b""),
    b"/schema.json": _whole(compact(SCHEMA), more=b""),
    b"/classify": _whole(compact(ANSWER)),
    b"/negative": _whole(_tensor()),
}


@functools.cache
def _streamed(path: str, count: int) -> bytes:
    chunks = b"".join(map(_chunk, items(path[1:], count)))
    return _head(None, "text/event-stream") + chunks + b"0\r\n\r\n"


class Connection(asyncio.Protocol):
    """One connection. The parser calls the ``on_`` methods.

    Args:
        latency: seconds between the end of a request and the start of its response.
    """

    def __init__(self, latency: float) -> None:
        self._latency = latency

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._parser = httptools.HttpRequestParser(self)
        self._writable = asyncio.Event()
        self._writable.set()
        self._work: asyncio.Task[None] | None = None

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._transport.close()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._work is not None:
            self._work.cancel()

    def on_message_begin(self) -> None:
        self._body = b""
        self._size = 0

    def on_url(self, url: bytes) -> None:
        self._url = url

    def on_body(self, data: bytes) -> None:
        self._size += len(data)
        if self._size <= _KEPT:
            self._body += data

    def on_message_complete(self) -> None:
        if self._latency:
            asyncio.get_running_loop().call_later(self._latency, self._respond)
        else:
            self._respond()

    def _respond(self) -> None:
        fixed = _FIXED.get(self._url)
        if fixed is not None:
            self._transport.write(fixed)
            return
        path = self._url.decode()
        if path == "/upload":
            self._transport.write(_whole(compact({"size": self._size})))
            return
        arguments = json.loads(self._body)
        if path == "/echo":
            self._transport.write(_whole(compact(arguments["number"])))
        elif path in _STREAMS:
            self._transport.write(_streamed(path, arguments["count"]))
        elif path == "/download":
            self._work = asyncio.get_running_loop().create_task(self._download(arguments["mib"]))
        else:
            self._work = asyncio.get_running_loop().create_task(self._pace(arguments["count"]))

    async def _download(self, mib: int) -> None:
        name = b'content-disposition: attachment; filename="weights.bin"\r\n' + _ENDPOINT
        self._transport.write(_head(mib * MIB, "application/octet-stream", name))
        block = bytes(MIB)
        for _ in range(mib):
            await self._writable.wait()
            self._transport.write(block)

    async def _pace(self, count: int) -> None:
        self._transport.write(_head(None, "text/event-stream"))
        for item in items("words", count):
            self._transport.write(_chunk(item))
            await asyncio.sleep(0.001)
        self._transport.write(b"0\r\n\r\n")


async def serve(latency: float = 0, certificate: str | None = None) -> None:
    """Print the URLs, and serve until the process ends.

    Args:
        latency: seconds by which each response is delayed.
        certificate: the path of a certificate with its private key (PEM). With it, a second port speaks TLS.
    """
    loop = asyncio.get_running_loop()
    make = functools.partial(Connection, latency)
    plain = await loop.create_server(make, "127.0.0.1", 0, backlog=2048)
    urls = [f"http://127.0.0.1:{plain.sockets[0].getsockname()[1]}"]
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        secure = await loop.create_server(make, "127.0.0.1", 0, backlog=2048, ssl=context)
        urls.append(f"https://127.0.0.1:{secure.sockets[0].getsockname()[1]}")
    print(*urls, flush=True)
    await plain.serve_forever()  # both ports: a server accepts connections from its creation


def _end_with_input() -> None:
    sys.stdin.read()
    os._exit(0)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--latency", type=float, default=0, metavar="MS", help="delay each response by so many ms")
    parser.add_argument("--certificate", help="a certificate with its private key (PEM)")
    options = parser.parse_args()
    serving = serve(options.latency / 1000, options.certificate)
    threading.Thread(target=_end_with_input, daemon=True).start()
    try:
        import uvloop
    except ImportError:  # there is none for Windows
        asyncio.run(serving)
    else:
        uvloop.run(serving)


if __name__ == "__main__":
    main()
