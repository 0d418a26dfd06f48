"""A server that does what a script says, on raw sockets, and records what it was sent.

A script is a row of steps for one connection, each a function of the `Peer`; scripts are used up in the order in
which they were given, one a connection. A connection beyond them, and one whose script comes to `Peer.serve`, is
served well::

    with Server() as server:
        server.script(Peer.request, send(b"HTTP/1.1 200 OK\\r\\nContent-Length: 9\\r\\n\\nhalf"), Peer.reset)
"""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import struct
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeAlias

from tests.loopback import LoopbackServer
from tests.waiting import until

_PATIENCE = 30.0  # a script that waits longer than that is itself broken


class Recorded(NamedTuple):
    """A request as it arrived.

    Attributes:
        connection: the number of the connection, from 0.
        method: its method.
        target: its target.
        headers: its fields, the names in lower case.
        body: its body, as far as it was read.
    """

    connection: int
    method: str
    target: str
    headers: dict[str, str]
    body: bytes


class Peer:
    """One connection, seen from the server."""

    def __init__(self, server: Server, sock: socket.socket, number: int) -> None:
        self.server = server
        self.sock = sock
        self.number = number
        self._buffer = b""

    # --- steps

    def request(self) -> None:
        """Read a request to its end, and record it."""
        method, target, headers = self._head()
        if headers.get("transfer-encoding") == "chunked":
            body = b"".join(self._chunks())
        else:
            body = self._exactly(int(headers.get("content-length", "0")))
        self.server.requests.append(Recorded(self.number, method, target, headers, body))

    def head(self) -> None:
        """Read only the head of a request, and record it."""
        self.server.requests.append(Recorded(self.number, *self._head(), self._buffer))

    def serve(self) -> None:
        """Answer requests as one should, until the client closes."""
        while True:
            self.request()
            self.sock.sendall(answer(said(self.server.requests[-1]).encode()))

    def stall(self) -> None:
        """Do nothing until the client closes."""
        with contextlib.suppress(ConnectionResetError):
            while self.sock.recv(1 << 16):
                pass

    def reset(self) -> None:
        """Break the connection off with a TCP reset."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def half_close(self) -> None:
        """Say that nothing more will come, and go on reading."""
        self.sock.shutdown(socket.SHUT_WR)

    # --- reading

    def _head(self) -> tuple[str, str, dict[str, str]]:
        while b"\r\n\r\n" not in self._buffer:
            self._more()
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        method, target, _ = first.split(" ")
        fields = (line.partition(":") for line in lines)
        return method, target, {name.lower(): value.strip() for name, _, value in fields}

    def _chunks(self) -> Iterator[bytes]:
        while True:
            while b"\r\n" not in self._buffer:
                self._more()
            size, _, self._buffer = self._buffer.partition(b"\r\n")
            chunk = self._exactly(int(size, 16) + 2)[:-2]
            if not chunk:
                return
            yield chunk

    def _exactly(self, size: int) -> bytes:
        while len(self._buffer) < size:
            self._more()
        data, self._buffer = self._buffer[:size], self._buffer[size:]
        return data

    def _more(self) -> None:
        data = self.sock.recv(1 << 18)
        if not data:
            raise ConnectionAbortedError
        self._buffer += data


Step: TypeAlias = Callable[[Peer], None]


def send(data: bytes, *, pause: float | None = None) -> Step:
    """Send bytes: all together, or one at a time with so many seconds between."""

    def step(peer: Peer) -> None:
        if pause is None:
            peer.sock.sendall(data)
            return
        for position in range(len(data)):
            peer.sock.sendall(data[position : position + 1])
            time.sleep(pause)

    return step


def flood(data: bytes) -> Step:
    """Send the same over and over, until the client has had enough."""

    def step(peer: Peer) -> None:
        while True:
            peer.sock.sendall(data)

    return step


def pause(seconds: float) -> Step:
    """Do nothing for a while."""
    return lambda peer: time.sleep(seconds)


def answer(body: bytes = b"", *headers: str, status: str = "200 OK") -> bytes:
    """A whole answer."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "".join(f"{line}\r\n" for line in lines).encode("latin-1") + b"\r\n" + body


def said(request: Recorded) -> str:
    """The argument ``text`` of a call; of anything else its target."""
    try:
        return str(json.loads(request.body)["text"])
    except (ValueError, KeyError):
        return request.target


class Server(LoopbackServer):
    """A server that follows scripts.

    Args:
        tls: what to speak TLS with; by default it speaks none.

    Attributes:
        requests: all requests that arrived, in order.
        url: where it is.
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        super().__init__("hostile server")
        self._tls = tls
        self._scripts: deque[tuple[Step, ...]] = deque()
        self.requests: list[Recorded] = []
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"

    def script(self, *steps: Step) -> None:
        """What the next connection that has no script yet gets."""
        self._scripts.append(steps)

    def settle(self, connections: int = 0) -> None:
        """Wait until the client has closed all but so many connections."""
        until(lambda: self.open <= connections, "the client keeps connections open")

    def serve(self, sock: socket.socket, number: int) -> None:
        steps = self._scripts.popleft() if self._scripts else (Peer.serve,)
        peer = Peer(self, sock, number)
        try:
            peer.sock.settimeout(_PATIENCE)
            if self._tls is not None:
                peer.sock = self._tls.wrap_socket(peer.sock, server_side=True)
                self.watch(peer.sock)
            for step in steps:
                step(peer)
        finally:
            peer.sock.close()


@contextlib.contextmanager
def full_backlog() -> Iterator[int]:
    """A port where connections are neither taken nor refused."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(8):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        port: int = listener.getsockname()[1]
        yield port
