"""Sockets: connecting, sending and receiving on any event loop, and closing at once, wherever that is called.

They are plain non-blocking ones. An event loop's own streams keep data that was not sent, and close only when it is
gone; these have nothing left to do, so that closing needs no loop and can't be cancelled.
"""

from __future__ import annotations

import errno
import os
import socket
import ssl
import sys
from typing import TYPE_CHECKING, Final

import anyio
from anyio import to_thread
from anyio.abc import ByteStream
from anyio.lowlevel import cancel_shielded_checkpoint, checkpoint_if_cancelled
from anyio.streams.tls import TLSStream

from bento_proto import LocalProtocolError, ProxyError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bento_proto import Limits, Origin, Proxy, Route
    from bento_proto.tunnel import Tunnel

_READ: Final = 1 << 16
_STAGGER: Final = 0.25  # RFC 8305: what an address is ahead of the next one
_RETRY: Final = 0.01
_ON_THE_WAY: Final = frozenset({errno.EINPROGRESS, errno.EWOULDBLOCK})


class _Socket(socket.socket):
    """A socket that closes with its last reference, without a word: a client need not be closed."""

    def __del__(self) -> None:
        self.close()


class Connection:
    """A connected socket, with TLS over it or not.

    Args:
        sock: the socket, non-blocking.
        forwarder: the proxy that it leads to, if requests are handed to it to be passed on.

    Attributes:
        forwarder: the same.
    """

    def __init__(self, sock: socket.socket, forwarder: Proxy | None = None) -> None:
        self.forwarder: Proxy | None = forwarder
        self._sock = sock
        self._tls: TLSStream | None = None

    async def start_tls(self, host: str, context: ssl.SSLContext) -> None:
        """Shake hands as a client of that host, over the TLS that there is, if any.

        Raises:
            ssl.SSLError: the certificate does not hold, or the peer speaks no TLS.
            OSError: the connection broke.
        """
        try:
            self._tls = await TLSStream.wrap(
                self._tls or _Bare(self._sock),
                server_side=False,
                hostname=host,
                ssl_context=context,
                standard_compatible=False,  # HTTP itself says where an answer ends
            )
        except (anyio.EndOfStream, anyio.BrokenResourceError) as exc:
            raise ConnectionResetError("the server closed the connection during the TLS handshake") from exc

    async def send(self, data: bytes | memoryview) -> None:
        """Send all of it.

        Raises:
            OSError: the connection broke.
        """
        if self._tls is None:
            await _send(self._sock, data)
            return
        try:
            await self._tls.send(data)  # type: ignore[arg-type]  # ssl takes any buffer
        except anyio.BrokenResourceError as exc:
            raise ConnectionResetError("the connection was reset") from exc

    def send_at_once(self, data: bytes | memoryview) -> int:
        """Send what the system takes without waiting, which is nothing if it goes over TLS; return how much it was.

        Raises:
            OSError: the connection broke.
        """
        if self._tls is not None:
            return 0
        try:
            return self._sock.send(data)
        except (BlockingIOError, InterruptedError):
            return 0

    async def receive(self, size: int, *, expected: bool = True) -> bytes:
        """What has arrived, up to so many bytes; ``b""`` once the peer has closed.

        Args:
            size: how many at most.
            expected: whether something may have arrived already, so that it is worth to look before waiting.

        Raises:
            OSError: the connection broke.
        """
        if self._tls is None:
            return await (_receive(self._sock, size) if expected else _receive_later(self._sock, size))
        try:
            return await self._tls.receive(size)
        except anyio.EndOfStream:
            return b""
        except anyio.BrokenResourceError as exc:
            raise ConnectionResetError("the connection was reset") from exc

    @property
    def is_dropped(self) -> bool:
        """Whether the peer has closed it while it was idle, or sent what nobody asked for."""
        try:
            self._sock.recv(1, socket.MSG_PEEK)
        except (BlockingIOError, InterruptedError):
            return False
        except OSError:
            pass
        return True

    def close(self) -> None:
        """Close it. Harmless when it is closed."""
        self._sock.close()


class _Bare(ByteStream):
    """What TLS goes over."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._sending = anyio.Lock()  # who only reads may have to send as well: the answer to a key update

    async def send(self, item: bytes) -> None:
        async with self._sending:
            await _send(self._sock, item)

    async def receive(self, max_bytes: int = _READ) -> bytes:
        data = await _receive(self._sock, max_bytes)
        if not data:
            raise anyio.EndOfStream
        return data

    async def send_eof(self) -> None:
        raise NotImplementedError("TLS ends otherwise")

    async def aclose(self) -> None:
        self._sock.close()


async def _send(sock: socket.socket, data: bytes | memoryview) -> None:
    sent = 0
    while sent < len(data):
        try:
            sent += sock.send(data if sent == 0 else memoryview(data)[sent:])
        except (BlockingIOError, InterruptedError):
            await anyio.wait_writable(sock)


async def _receive(sock: socket.socket, size: int) -> bytes:
    await checkpoint_if_cancelled()
    try:
        data = sock.recv(size)
    except (BlockingIOError, InterruptedError):
        pass
    else:
        # A peer that is always faster must not keep all others waiting; nor may being cancelled lose what was read.
        await cancel_shielded_checkpoint()
        return data
    return await _receive_later(sock, size)


async def _receive_later(sock: socket.socket, size: int) -> bytes:
    while True:
        await anyio.wait_readable(sock)
        try:
            return sock.recv(size)
        except (BlockingIOError, InterruptedError):
            pass


async def connect(route: Route, context: ssl.SSLContext | None, limits: Limits) -> Connection:
    """Connect to an origin.

    Args:
        route: the way to it.
        context: the TLS settings, if there is TLS on it.
        limits: how much a proxy on it may send.

    Raises:
        ssl.SSLError: the certificate does not hold, or the peer speaks no TLS.
        ProxyError: the proxy leads nowhere.
        OSError: there is no connection to be had.
        LocalProtocolError: this platform has no such sockets.
    """
    origin, proxy = route.origin, route.proxy
    if origin.socket is not None:
        return Connection(await _connect_unix(origin.socket))
    first = origin if proxy is None else proxy.origin
    connection = Connection(await _connect_tcp(first.host, first.port), route.forwarder)
    try:
        if proxy is not None:
            await _pass(proxy, connection, route, context, limits)
        if context is not None and origin.scheme == "https":
            await connection.start_tls(origin.host, context)
    except BaseException:
        connection.close()
        raise
    return connection


async def _pass(
    proxy: Proxy, connection: Connection, route: Route, context: ssl.SSLContext | None, limits: Limits
) -> None:
    """Make a connection to a proxy one to an origin, or one that takes requests for it."""
    if context is not None and proxy.origin.scheme == "https":
        try:
            await connection.start_tls(proxy.origin.host, context)
        except ssl.SSLError as exc:
            raise ProxyError(f"no TLS with the proxy {proxy}: {exc}") from exc
    if route.forwarder is None:
        tunnel = await to_thread.run_sync(_tunnel, proxy, route.origin, limits)
        await connection.send(tunnel.request)
        while not tunnel.is_open:
            tunnel.receive(await connection.receive(_READ))


def _tunnel(proxy: Proxy, origin: Origin, limits: Limits) -> Tunnel:
    from bento_proto.tunnel import Tunnel  # which loads h11

    return Tunnel(proxy, origin, limits)


async def _connect_unix(path: str) -> socket.socket:
    if sys.platform == "win32":  # whose Python has no AF_UNIX
        raise LocalProtocolError("this platform's Python has no Unix sockets")
    return await _connect(socket.AF_UNIX, path)


async def _connect_tcp(host: str, port: int) -> socket.socket:
    """Connect to whichever address of the host answers first (RFC 8305, "happy eyeballs")."""
    found = await anyio.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = _alternating([(family, address) for family, _, _, _, address in found])
    if len(addresses) == 1:
        return await _connect(*addresses[0])
    connected: list[socket.socket] = []
    errors: list[OSError] = []

    async def attempt(family: int, address: tuple[str, int], over: anyio.Event) -> None:
        try:
            sock = await _connect(family, address)
        except OSError as exc:
            errors.append(exc)
        else:
            connected.append(sock)
            attempts.cancel_scope.cancel()
        finally:
            over.set()

    try:
        async with anyio.create_task_group() as attempts:
            for family, address in addresses:
                over = anyio.Event()
                attempts.start_soon(attempt, family, address, over)
                with anyio.move_on_after(_STAGGER):
                    await over.wait()
    except BaseException:
        for sock in connected:
            sock.close()
        raise
    for late in connected[1:]:
        late.close()
    if not connected:
        raise errors[-1] if errors else OSError(f"{host} has no address")
    return connected[0]


def _alternating(addresses: Sequence[tuple[int, tuple[str, int]]]) -> list[tuple[int, tuple[str, int]]]:
    """The same with the families taking turns, beginning with the resolver's first choice."""
    ranks: dict[int, int] = {}
    ranked: list[tuple[int, int, tuple[int, tuple[str, int]]]] = []
    for place, address in enumerate(dict.fromkeys(addresses)):
        rank = ranks[address[0]] = ranks.get(address[0], -1) + 1
        ranked.append((rank, place, address))
    return [address for _, _, address in sorted(ranked)]


async def _connect(family: int, address: tuple[str, int] | str) -> socket.socket:
    sock = _Socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        if isinstance(address, str):
            # EAGAIN: the server's backlog is full, and nothing tells when it has room again.
            while (code := sock.connect_ex(address)) == errno.EAGAIN:  # noqa: ASYNC110
                await anyio.sleep(_RETRY)
        else:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            code = sock.connect_ex(address)
            if code in _ON_THE_WAY:
                await anyio.wait_writable(sock)
                code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            raise OSError(code, os.strerror(code))
    except BaseException:
        sock.close()
        raise
    return sock
