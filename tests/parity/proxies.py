"""Small servers on loopback that say what no BentoML server can be made to say, or stand between it and the client.

``Stub`` answers each request by a function; ``forward`` is such a function, a proxy to a real server::

    with Stub(lambda asked: reply(b"[]")) as stub: ...              # stub.url, stub.asked
    with Stub(partial(forward, port, prefix="/gw")) as gateway: ... # publishes a Service under a path
    with Stub(partial(forward, port, piece=7)) as proxy: ...        # cuts and merges what it streams
    with Stub(passing({"service.example": port})) as proxy: ...     # what HTTPS_PROXY names: CONNECT and all
"""

from __future__ import annotations

import base64
import http.client
import io
import json
import select
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, suppress
from enum import Enum
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple, TypeAlias
from urllib.parse import urlsplit

from tests.waiting import HANGS

if TYPE_CHECKING:
    from typing_extensions import Self


class End(Enum):
    """What a connection can come to, instead of further bytes."""

    CLOSE = "close"
    RESET = "reset"
    SILENCE = "silence"


class Asked(NamedTuple):
    """A request as it arrived: header names in lower case, the body without chunked coding."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


class Takeover:
    """A function that takes the connection over, to its end."""

    def __init__(self, function: Callable[[socket.socket], None]) -> None:
        self.function = function


Piece: TypeAlias = "bytes | End | Takeover"
Answer: TypeAlias = "Callable[[Asked], Piece | Iterable[Piece]]"


def reply(body: object = b"", status: int = 200, headers: Mapping[str, str] | None = None) -> bytes:
    """A whole answer; a body that is not bytes goes as JSON."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return head(status, {"content-length": str(len(data)), **(headers or {})}) + data


def head(status: int, headers: Mapping[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} {http.client.responses.get(status, '')}", *(f"{k}: {v}" for k, v in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def chunk(data: bytes) -> bytes:
    """A chunk; the last one, if there is no data."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def routes(answers: Mapping[str, Piece | Iterable[Piece] | Answer]) -> Answer:
    """Answers by path; ``/readyz`` is well by itself, any other path is a 404."""

    def answer(asked: Asked) -> Piece | Iterable[Piece]:
        found = answers.get(asked.target.partition("?")[0])
        if found is None:
            return reply(b"\n") if asked.target == "/readyz" else reply(b"Not Found", 404)
        return found(asked) if callable(found) else found

    return answer


def endpoint(name: str, route: str | None = None, **fields: object) -> dict[str, object]:
    """A route of a schema: by default without arguments, and untyped."""
    return {"name": name, "route": route or f"/{name}", "input": {"properties": {}}, "output": {}, **fields}


def schema(*endpoints: dict[str, object]) -> dict[str, object]:
    return {"name": "Stub", "type": "service", "routes": [*endpoints]}


class Stub:
    """Answers each request by ``answer``, any number of connections at a time, from ``with`` to its end.

    Attributes:
        asked: the requests so far.
        connections: how many connections there were.
        protocols: what each of them agreed on by ALPN, with TLS.
        open: how many there are.
    """

    def __init__(self, answer: Answer, context: ssl.SSLContext | None = None, port: int = 0) -> None:
        self.asked: list[Asked] = []
        self.connections = 0
        self.protocols: list[str | None] = []
        self._answer = answer
        self._context = context
        self._over = threading.Event()
        self._open: dict[threading.Thread, socket.socket] = {}
        self._listener = socket.create_server(("127.0.0.1", port), backlog=128)
        self._thread = threading.Thread(target=self._accept, daemon=True)

    @property
    def port(self) -> int:
        port: int = self._listener.getsockname()[1]
        return port

    @property
    def url(self) -> str:
        return f"http{'s' if self._context else ''}://127.0.0.1:{self.port}"

    @property
    def open(self) -> int:
        return len(self._open)

    def targets(self) -> list[str]:
        return [asked.target for asked in self.asked]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._over.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # what wakes the accept on Linux,
        self._listener.close()  # and elsewhere
        self._thread.join(HANGS)
        for thread, connection in list(self._open.items()):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            thread.join(HANGS)

    def _accept(self) -> None:
        while not self._over.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._open[thread] = connection
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            try:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                secured = self._context.wrap_socket(connection, server_side=True) if self._context else connection
                self._open[threading.current_thread()] = secured
                if isinstance(secured, ssl.SSLSocket):
                    self.protocols.append(secured.selected_alpn_protocol())
                with secured, secured.makefile("rb") as reader:
                    while (asked := read_request(reader)) is not None:
                        self.asked.append(asked)
                        if not self._send(secured, self._answer(asked)):
                            break
            except OSError:  # the client has left
                pass
            finally:
                del self._open[threading.current_thread()]

    def _send(self, connection: socket.socket, answer: Piece | Iterable[Piece]) -> bool:
        """Send an answer; whether the connection can serve another."""
        for piece in [answer] if isinstance(answer, (bytes, End, Takeover)) else answer:
            if isinstance(piece, bytes):
                connection.sendall(piece)
                continue
            if isinstance(piece, Takeover):
                piece.function(connection)
            if piece is End.SILENCE:
                self._over.wait(60)
            if piece is End.CLOSE and isinstance(connection, ssl.SSLSocket):
                connection.unwrap()  # sends close_notify; an answer cut without it is incomplete (RFC 9112, 9.8)
            if piece is End.RESET:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return False
        return True


def read_request(reader: io.BufferedReader) -> Asked | None:
    """The next request of a connection, or None at its end."""
    line = reader.readline().decode("latin-1").split()
    if not line:
        return None
    headers: dict[str, str] = {}
    while field := reader.readline().decode("latin-1").strip():
        name, _, value = field.partition(":")
        headers[name.lower()] = value.strip()
    if "transfer-encoding" in headers:
        body = b"".join(iter(lambda: _read_chunk(reader), b""))
    else:
        body = reader.read(int(headers.get("content-length", "0")))
    return Asked(line[0], line[1], headers, body)


def _read_chunk(reader: io.BufferedReader) -> bytes:
    data = reader.read(int(reader.readline().split(b";")[0], 16))
    reader.readline()
    return data


_HOP_BY_HOP = ("transfer-encoding", "connection", "content-length")


def forward(
    port: int, asked: Asked, *, prefix: str = "", piece: int | None = None, cut: int | None = None
) -> Iterator[Piece]:
    """Ask the server on ``port`` of this machine, and pass its answer on as it comes.

    Args:
        port: of the server.
        asked: what the client asks.
        prefix: a path that only this gateway knows: it is taken off, and whatever is not under it is a 404.
        piece: how many bytes each chunk of a chunked answer has on the way out, whatever it had before.
        cut: how many bytes of the body pass before the connection is closed.
    """
    if not asked.target.startswith(prefix):
        yield reply(b"no such route", 404)
        return
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as server:
        headers = {name: value for name, value in asked.headers.items() if name not in _HOP_BY_HOP}
        server.request(asked.method, asked.target.removeprefix(prefix), asked.body or None, headers)
        answer = server.getresponse()
        fields = {name: value for name, value in answer.getheaders() if name.lower() not in _HOP_BY_HOP}
        length = answer.getheader("content-length")
        framing = {"transfer-encoding": "chunked"} if length is None else {"content-length": length}
        yield head(answer.status, {**fields, **framing})
        passed = 0
        for data in _pieces(answer, piece):
            if cut is not None and passed + len(data) > cut:
                rest = data[: cut - passed]
                yield chunk(rest) if length is None and rest else rest
                yield End.CLOSE
            passed += len(data)
            yield chunk(data) if length is None else data
        if length is None:
            yield chunk(b"")


def passing(hosts: Mapping[str, int] | None = None, credentials: str | None = None) -> Answer:
    """What a proxy does, of the kind that clients are told of: CONNECT, and requests that name a whole URL.

    Args:
        hosts: names, and the ports of this machine that they lead to; beside those there are only addresses.
        credentials: the ``user:password`` that it asks for.
    """
    wanted = credentials and "Basic " + base64.b64encode(credentials.encode()).decode()

    def answer(asked: Asked) -> Piece | Iterable[Piece]:
        if wanted and asked.headers.get("proxy-authorization") != wanted:
            return reply(b"who?", 407, {"proxy-authenticate": 'Basic realm="proxy"'})
        url = urlsplit(f"//{asked.target}" if asked.method == "CONNECT" else asked.target)
        port = (hosts or {}).get(url.hostname or "", url.port if url.hostname in ("127.0.0.1", "localhost") else None)
        if port is None:
            return reply(b"no such host", 502)
        if asked.method == "CONNECT":
            return [head(200, {}), Takeover(lambda connection: _relay(connection, port))]
        headers = {name: value for name, value in asked.headers.items() if not name.startswith("proxy-")}
        target = url.path + (f"?{url.query}" if url.query else "")
        return forward(port, asked._replace(target=target, headers=headers))

    return answer


def _relay(connection: socket.socket, port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as server:
        server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while True:
            for source in select.select([connection, server], [], [])[0]:
                data = source.recv(1 << 18)  # more than TLS has in one record: nothing stays behind in it
                if not data:
                    return
                (server if source is connection else connection).sendall(data)


def _pieces(answer: http.client.HTTPResponse, size: int | None) -> Iterator[bytes]:
    held = b""
    while data := answer.read1(1 << 16):
        if size is None:
            yield data
            continue
        held += data
        while len(held) >= size:
            yield held[:size]
            held = held[size:]
    if held:
        yield held
