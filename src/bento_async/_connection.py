"""A connection: bytes out, bytes in, closing at once wherever that is called; with TLS over it or not.

The sockets are plain non-blocking ones. An event loop's own streams keep data that was not sent, and close only when it
is gone; these have nothing left to do, so that closing needs no loop and can't be cancelled.
"""

from __future__ import annotations

import socket
from abc import ABC, abstractmethod
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

import anyio
from anyio import CancelScope
from anyio.abc import ByteStream
from anyio.lowlevel import cancel_shielded_checkpoint, checkpoint_if_cancelled
from anyio.streams.tls import TLSStream

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from bento_proto.http import Proxy

T = TypeVar("T")

_READ: Final = 1 << 16


class Socket(socket.socket):
    """A socket that closes with its last reference, without a word: a client need not be closed."""

    def __del__(self) -> None:
        self.close()


class Connection(ABC):
    """A connection to an origin, or to a proxy.

    Attributes:
        forwarder: the proxy that it leads to, if requests are handed to it to be passed on.
    """

    __slots__ = ("__weakref__", "forwarder")

    def __init__(self) -> None:
        self.forwarder: Proxy | None = None

    @abstractmethod
    async def send(self, data: bytes | memoryview) -> None:
        """Send all of it.

        Raises:
            OSError: the connection broke.
        """

    @abstractmethod
    def send_at_once(self, data: bytes | memoryview) -> int:
        """Send what goes without waiting, which may be nothing; return how much it was.

        Raises:
            OSError: the connection broke.
        """

    def send_soon(self, data: bytes) -> int:
        """`send_at_once`, at the latest when no other task has anything to do; what goes wrong then, reading tells.

        Raises:
            OSError: the connection broke, and it was sent at once.
        """
        return self.send_at_once(data)

    @abstractmethod
    async def receive(self, size: int, deadline: float) -> bytes | None:
        """What has arrived; ``b""`` once the peer has closed, None once the deadline has passed.

        What arrives while nobody waits, or the wait is cancelled, is there the next time.

        Args:
            size: how many bytes at most.
            deadline: until when to wait, on the event loop's clock.

        Raises:
            OSError: the connection broke.
        """

    async def receive_into(self, room: memoryview, deadline: float) -> bytes | memoryview | None:
        """The same, for as much as there is room: a view of it where the bytes lie, unless they lie elsewhere."""
        return await self.receive(min(len(room), _READ), deadline)

    @property
    def source(self) -> socket.socket | None:
        """Its socket, if what comes from there next is what the peer sent next: not if it is encrypted, say."""
        return None

    @property
    @abstractmethod
    def is_dropped(self) -> bool:
        """Whether the peer has closed it while it was idle, sent what nobody asked for, or did not take all."""

    @abstractmethod
    def close(self) -> None:
        """Close it: on its event loop, or when that has ended. Harmless when it is closed."""

    @abstractmethod
    def abandon(self) -> None:
        """`close`, for the garbage collector, which may come in the midst of anything, in any thread."""


class Polled(Connection):
    """A socket on any event loop, which is asked for each wait to tell when there is something to read.

    Args:
        sock: the socket, connected.
    """

    __slots__ = ("_sock", "_was_sent")

    def __init__(self, sock: socket.socket) -> None:
        super().__init__()
        self._sock = sock
        self._was_sent = False  # since the last that was received: it is not worth to look before waiting

    async def send(self, data: bytes | memoryview) -> None:
        await send_all(self._sock, data)
        self._was_sent = True

    def send_at_once(self, data: bytes | memoryview) -> int:
        self._was_sent = True
        return send_some(self._sock, data)

    async def receive(self, size: int, deadline: float) -> bytes | None:
        return await self._receive(partial(self._sock.recv, size), deadline)

    async def receive_into(self, room: memoryview, deadline: float) -> bytes | memoryview | None:
        size = await self._receive(partial(self._sock.recv_into, room), deadline)
        return None if size is None else room[:size]

    async def _receive(self, take: Callable[[], T], deadline: float) -> T | None:
        with CancelScope(deadline=deadline):
            if not self._was_sent:
                await checkpoint_if_cancelled()
                try:
                    data = take()
                except (BlockingIOError, InterruptedError):
                    pass
                else:
                    # A peer that is always faster must not keep all others waiting; nor may being cancelled lose data.
                    await cancel_shielded_checkpoint()
                    return data
            while True:
                await anyio.wait_readable(self._sock)
                try:
                    data = take()
                except (BlockingIOError, InterruptedError):
                    continue
                self._was_sent = False
                return data
        return None

    @property
    def source(self) -> socket.socket:
        return self._sock

    @property
    def is_dropped(self) -> bool:
        return has_news(self._sock)

    def close(self) -> None:
        self._sock.close()

    abandon = close


class Secure(Connection):
    """TLS over another connection.

    Args:
        under: the other connection.
        tls: what goes over it.

    Attributes:
        tls: the same.
    """

    __slots__ = ("_under", "tls")

    def __init__(self, under: Connection, tls: TLSStream) -> None:
        super().__init__()
        self._under = under
        self.tls: TLSStream = tls

    async def send(self, data: bytes | memoryview) -> None:
        try:
            await self.tls.send(data)  # type: ignore[arg-type]  # ssl takes any buffer
        except anyio.BrokenResourceError as exc:
            raise ConnectionResetError("the connection was reset") from exc

    def send_at_once(self, data: bytes | memoryview) -> int:  # noqa: ARG002 - as encrypting it may wait
        return 0

    async def receive(self, size: int, deadline: float) -> bytes | None:
        try:
            with CancelScope(deadline=deadline):
                return await self.tls.receive(size)
        except anyio.EndOfStream:
            return b""
        except anyio.BrokenResourceError as exc:
            raise ConnectionResetError("the connection was reset") from exc
        return None

    @property
    def is_dropped(self) -> bool:
        return self._under.is_dropped

    def close(self) -> None:
        self._under.close()

    def abandon(self) -> None:
        self._under.abandon()


def send_some(sock: socket.socket, data: bytes | memoryview) -> int:
    """Send what the system takes without waiting; return how much it was."""
    try:
        return sock.send(data)
    except (BlockingIOError, InterruptedError):
        return 0


async def send_all(sock: socket.socket, data: bytes | memoryview) -> None:
    """Send all of it."""
    sent = send_some(sock, data)
    while sent < len(data):
        await anyio.wait_writable(sock)
        sent += send_some(sock, memoryview(data)[sent:])


def has_news(sock: socket.socket) -> bool:
    """Whether there is something to read, or the connection is closed or broken."""
    try:
        sock.recv(1, socket.MSG_PEEK)
    except (BlockingIOError, InterruptedError):
        return False
    except OSError:
        pass
    return True


async def secured(connection: Connection, host: str, context: ssl.SSLContext) -> Connection:
    """The connection with TLS over what there is, after a handshake as a client of that host.

    Raises:
        ssl.SSLError: the certificate does not hold, or the peer speaks no TLS.
        OSError: the connection broke.
    """
    bare = connection.tls if isinstance(connection, Secure) else _Bare(connection)
    try:
        tls = await TLSStream.wrap(
            bare,
            server_side=False,
            hostname=host,
            ssl_context=context,
            standard_compatible=False,  # HTTP itself says where an answer ends
        )
    except (anyio.EndOfStream, anyio.BrokenResourceError) as exc:
        raise ConnectionResetError("the server closed the connection during the TLS handshake") from exc
    return Secure(connection, tls)


class _Bare(ByteStream):
    """What TLS goes over."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._sending = anyio.Lock()  # who only reads may have to send as well: the answer to a key update

    async def send(self, item: bytes) -> None:
        async with self._sending:
            await self._connection.send(item)

    async def receive(self, max_bytes: int = _READ) -> bytes:
        data = await self._connection.receive(max_bytes, float("inf"))
        if not data:
            raise anyio.EndOfStream
        return data

    async def send_eof(self) -> None:
        raise NotImplementedError("TLS ends otherwise")

    async def aclose(self) -> None:
        self._connection.close()
