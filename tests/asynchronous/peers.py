"""A server on loopback that stops at whatever point a test wants, and counts its connections."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO

from tests.waiting import HANGS, until

if TYPE_CHECKING:
    from typing_extensions import Self

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def reply(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


class Peer:
    """Answers by path; what is not in ``answers`` gets an echo of its body.

    An answer is bytes; a connection stays open after it, unless it is in ``closing``. For the paths in ``deaf`` the
    request's body is not read, until the test waits for the end of all connections.

    Attributes:
        url: where it is.
        accepted: how many connections it has taken.
        paths: of the requests so far.
    """

    def __init__(
        self, listener: socket.socket | None = None, address: str | None = None, context: ssl.SSLContext | None = None
    ) -> None:
        self.answers: dict[str, bytes] = {}
        self.closing: set[str] = set()
        self.deaf: set[str] = set()
        self.accepted = 0
        self.paths: list[str] = []
        self.mute = False  # says nothing at all, not even hello
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._closed = False
        self._listens_again = False
        self._context = context
        self._listener = listener or socket.socket()
        self._listener.bind(address or ("127.0.0.1", 0))
        self._listener.listen(512)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)  # who is not read from notices soon
        self.port = 0 if address else int(self._listener.getsockname()[1])
        self.url = f"http{'s' if context else ''}://127.0.0.1:{self.port}"
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    @property
    def open(self) -> int:
        """How many connections have not been closed by the client."""
        return len(self._open)

    def wait_until_closed(self) -> None:
        """Wait until the client has closed all connections: it has to do so without being asked to."""
        self._listens_again = True  # a system tells of a client's end only behind what that has sent
        until(lambda: not self._open, "connections are still open")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        if self._closed:
            return
        self._closed = self._listens_again = True
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for connection in self._open:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(HANGS)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self.accepted += 1
                self._open.add(connection)
                self._threads = [thread for thread in self._threads if thread.is_alive()]
                self._threads.append(threading.Thread(target=self._serve, args=(connection,)))
                self._threads[-1].start()

    def _serve(self, accepted: socket.socket) -> None:
        try:
            with suppress(OSError, ValueError):  # also what was cut in the middle
                if self._context is None:
                    self._converse(accepted)
                else:
                    with self._context.wrap_socket(accepted, server_side=True) as connection:
                        self._converse(connection)
        finally:
            accepted.close()
            with self._lock:
                self._open.discard(accepted)

    def _converse(self, connection: socket.socket) -> None:
        if self.mute:
            while connection.recv(1 << 16):
                pass
        with connection.makefile("rb") as stream:
            while self._serve_one(connection, stream):
                pass

    def _serve_one(self, connection: socket.socket, stream: BinaryIO) -> bool:
        read = stream.readline
        first = read()
        if not first.endswith(b"\n"):
            return False
        path = first.split()[1].decode()
        self.paths.append(path)
        headers = dict(line.lower().rstrip().split(b": ", 1) for line in iter(read, b"\r\n") if b": " in line)
        if path in self.deaf:
            connection.sendall(self.answers[path])
            while not self._listens_again:
                time.sleep(0.002)
            while connection.recv(1 << 16):
                pass
            return False
        body = self._body(stream, headers)
        connection.sendall(self.answers.get(path) or reply(body, "Content-Type: application/json"))
        return path not in self.closing

    def _body(self, stream: BinaryIO, headers: dict[bytes, bytes]) -> bytes:
        if b"content-length" in headers:
            return stream.read(int(headers[b"content-length"]))
        if b"transfer-encoding" not in headers:
            return b""
        whole = b""
        while size := int(stream.readline(), 16):
            whole += stream.read(size)
            stream.readline()
        stream.readline()
        return whole
