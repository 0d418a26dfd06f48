"""A server that sends more than it was asked for, in every shape, and keeps the connection open.

What it sends for a request is a row of flights; a flight is one ``send`` of one or several records. Over TLS, records
are TLS records, so that a flight may bring several of them in one segment; without TLS, they are nothing but joined.
"""

from __future__ import annotations

import gzip
import json
import random
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple, TypeAlias

from tests.loopback import LoopbackServer

Transport: TypeAlias = "Literal['plain', 'TLS', 'TLS through a proxy']"
TRANSPORTS: tuple[Transport, ...] = ("plain", "TLS", "TLS through a proxy")
Flight: TypeAlias = "tuple[bytes, ...]"

READ_SIZES = (1_024, 4_096, 16_384, 65_536)
SIZES = tuple(size + near for size in READ_SIZES for near in (-1, 0, 1))
_WAIT = 30.0


class Shape(NamedTuple):
    """An answer, and what comes after it.

    Attributes:
        endpoint: whose answer it is.
        flights: what is sent, one ``send`` each.
        value: what the call returns.
        said: the shape in words.
    """

    endpoint: str
    flights: tuple[Flight, ...]
    value: object
    said: str


class Extra(NamedTuple):
    """What nobody asked for."""

    said: str
    data: bytes


def message(body: bytes, *fields: str, status: str = "200 OK") -> bytes:
    """A whole answer."""
    return head(f"Content-Length: {len(body)}", *fields, status=status) + body


def head(*fields: str, status: str = "200 OK") -> bytes:
    return "".join(f"{line}\r\n" for line in (f"HTTP/1.1 {status}", *fields)).encode("latin-1") + b"\r\n"


EVIL = message(b"evil", "Content-Type: text/plain")
EXTRAS = (
    Extra("an answer", EVIL),
    Extra("half a head", EVIL[:20]),
    Extra("half a body", EVIL[:-2]),
    Extra("two answers", EVIL + EVIL),
    Extra("an interim answer and an answer", b"HTTP/1.1 103 Early Hints\r\n\r\n" + EVIL),
    Extra("a request timeout", message(b"", "Connection: close", status="408 Request Timeout")),
    Extra("an answer without an end", head("Content-Type: text/plain") + b"evil"),
    Extra("a chunked answer", head("Transfer-Encoding: chunked") + b"4\r\nevil\r\n0\r\n\r\n"),
    Extra("one byte", b"H"),
    Extra("an empty line", b"\r\n"),
    Extra("an empty line and an answer", b"\r\n" + EVIL),
    Extra("zeros", bytes(1_024)),
)
CODINGS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    "gzip": lambda body: gzip.compress(body, mtime=0),
    "deflate": zlib.compress,
}


def answer(size: int, *, whole: bool, chunked: bool, coding: str, chance: random.Random) -> tuple[bytes, str]:
    """An answer of that size, and its text.

    Args:
        size: in bytes.
        whole: whether the size is that of the whole message or, where it can be, of its body.
        chunked: whether the body is in chunks.
        coding: its content coding.
        chance: fills it.
    """
    fields = ["Content-Type: text/plain", *([f"Content-Encoding: {coding}"] if coding else [])]

    def made(text: str) -> tuple[bytes, bytes]:
        body = CODINGS[coding](text.encode("ascii"))
        if not chunked:
            return head(*fields, f"Content-Length: {len(body)}"), body
        cuts = sorted(chance.randrange(len(body) + 1) for _ in range(chance.randrange(3)))
        pieces = [body[a:b] for a, b in zip([0, *cuts], [*cuts, len(body)], strict=True) if a < b]
        framed = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
        return head(*fields, "Transfer-Encoding: chunked"), framed

    text = "".join(chance.choices("0123456789abcdef", k=size))  # compresses to a half: it is cut to fit below
    if coding:
        first, body = made(text)
        return first + body, text
    state = chance.getstate()
    first, body = made(text)
    for _ in range(8):  # the length of the framing moves with the numbers in it
        over = len(body) + (len(first) if whole else 0) - size
        if not over:
            break
        text = text[:-over] if over > 0 else text + "0" * -over
        chance.setstate(state)
        first, body = made(text)
    return first + body, text


def shapes(seed: int, count: int) -> list[Shape]:
    """So many shapes by chance, the same for the same seed."""
    return [shape(random.Random(f"{seed} {number}")) for number in range(count)]


def shape(chance: random.Random) -> Shape:
    """A shape by chance."""
    size, whole = chance.choice(SIZES), chance.random() < 0.6
    chunked, coding = chance.random() < 0.4, chance.choice(["", "", "", "gzip", "deflate"])
    endpoint = chance.choice(["echo", "echo", "blob", "file", "words"])
    data, text = answer(size, whole=whole, chunked=chunked, coding=coding, chance=chance)
    extra = chance.choice(EXTRAS)
    place = chance.choice(["same record", "own record", "own flight", "split"])
    flights = _placed(data, extra.data, place, chance)
    said = (
        f"{endpoint}, {size} bytes {'in all' if whole else 'of body'}{', chunked' * chunked}, {coding or 'identity'}, "
        f"then {extra.said}, {place}; {[[len(record) for record in flight] for flight in flights]}"
    )
    return Shape(endpoint, flights, text, said)


def _placed(data: bytes, extra: bytes, place: str, chance: random.Random) -> tuple[Flight, ...]:
    if place == "same record":
        return ((*_cut(data[:-1], chance), data[-1:] + extra),) if chance.random() < 0.5 else ((data + extra,),)
    if place == "own record":
        return ((*_cut(data, chance), extra),)
    if place == "own flight":
        return (_cut(data, chance), (extra,))
    middle = chance.randrange(len(data))
    tail = chance.randrange(1, len(extra) + 1)
    return ((data[:middle],), (data[middle:] + extra[:tail],), *([(extra[tail:],)] if extra[tail:] else []))


def _cut(data: bytes, chance: random.Random) -> Flight:
    """The data as one record, or as several, which end near the sizes in which it is read."""
    if chance.random() < 0.5 or len(data) < 2:
        return (data,)
    at = min(len(data) - 1, max(1, chance.choice(READ_SIZES) + chance.choice((-1, 0, 1))))
    return (data[:at], data[at:])


class DesyncServer(LoopbackServer):
    """Answers as shapes say.

    Each request has the number of its shape as its argument; one that has none, or a text, is answered as it should
    be. Through a proxy, the server is the proxy too: it takes a ``CONNECT`` and then speaks TLS.

    Args:
        transport: what it speaks.
        tls: with what it speaks TLS.
        shapes: the shapes that may be asked for.
        pause: seconds between two flights.
    """

    def __init__(
        self, transport: Transport, tls: ssl.SSLContext, shapes: Sequence[Shape], *, pause: float = 0.002
    ) -> None:
        super().__init__("desync server")
        self._transport = transport
        self._tls = tls
        self._shapes = shapes
        self._pause = pause
        self._sent = threading.Semaphore(0)

    @property
    def client(self) -> dict[str, object]:
        """The arguments of a client."""
        if self._transport == "plain":
            return {"url": f"http://127.0.0.1:{self.port}"}
        if self._transport == "TLS":
            return {"url": f"https://127.0.0.1:{self.port}"}
        return {"url": "https://service.test", "proxy": f"http://127.0.0.1:{self.port}"}

    def wait_until_sent(self) -> None:
        """Wait until everything that a shape says has been sent, be it that the client has closed before."""
        assert self._sent.acquire(timeout=_WAIT)

    def serve(self, sock: socket.socket, number: int) -> None:
        sock.settimeout(_WAIT)
        wire = _Wire(sock)
        if self._transport == "TLS through a proxy":
            wire.request()
            sock.sendall(head(status="200 Connection established"))
        if self._transport != "plain":
            wire.secure(self._tls)
        while True:
            text = json.loads(wire.request() or b"{}").get("text", "")
            if isinstance(text, int):
                self._answer(wire, self._shapes[text])
            else:
                wire.send((message(str(text).encode(), "Content-Type: text/plain"),))

    def _answer(self, wire: _Wire, shape: Shape) -> None:
        try:
            for number, flight in enumerate(shape.flights):
                if number:
                    time.sleep(self._pause)
                wire.send(flight)
        finally:
            self._sent.release()


class _Wire:
    """A connection, with TLS at hand: what is encrypted goes out when it is told to."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._buffer = b""
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls: ssl.SSLObject | None = None

    def secure(self, context: ssl.SSLContext) -> None:
        """Speak TLS from now on."""
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._incoming.write(self._buffer)
        self._buffer = b""
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                self._flush()
                self._incoming.write(self._received())
            else:
                self._flush()
                return

    def send(self, flight: Flight) -> None:
        """Send the records, all in one ``send``."""
        if self._tls is None:
            self._sock.sendall(b"".join(flight))
            return
        for record in flight:
            if record:
                self._tls.write(record)
        self._flush()

    def request(self) -> bytes:
        """Read a request, and return its body."""
        while b"\r\n\r\n" not in self._buffer:
            self._more()
        first, _, rest = self._buffer.partition(b"\r\n\r\n")
        length = 0
        for line in first.split(b"\r\n")[1:]:
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        self._buffer = rest
        while len(self._buffer) < length:
            self._more()
        body, self._buffer = self._buffer[:length], self._buffer[length:]
        return body

    def _more(self) -> None:
        if self._tls is None:
            self._buffer += self._received()
            return
        try:
            data = self._tls.read(1 << 16)
        except ssl.SSLWantReadError:
            self._incoming.write(self._received())
            return
        if not data:
            raise ConnectionAbortedError
        self._buffer += data

    def _received(self) -> bytes:
        data = self._sock.recv(1 << 16)
        if not data:
            raise ConnectionAbortedError
        return data

    def _flush(self) -> None:
        if data := self._outgoing.read():
            self._sock.sendall(data)
