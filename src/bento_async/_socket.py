"""Connecting: to a host, to a Unix socket, and through a proxy, with TLS where it is wanted."""

from __future__ import annotations

import errno
import math
import os
import socket
import ssl
import sys
from typing import TYPE_CHECKING, Final

import anyio
from anyio import to_thread

from bento_proto import LocalProtocolError
from bento_proto.http import ProxyError

from ._connection import Polled, Socket, secured

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bento_proto import Limits
    from bento_proto.http import Origin, Proxy, Route
    from bento_proto.http11 import Tunnel

    from ._connection import Connection
    from ._loop import Loop

_READ: Final = 1 << 16
_STAGGER: Final = 0.25  # RFC 8305: what an address is ahead of the next one
_RETRY: Final = 0.01
_ON_THE_WAY: Final = frozenset({errno.EINPROGRESS, errno.EWOULDBLOCK})


async def connect(route: Route, context: ssl.SSLContext | None, limits: Limits, loop: Loop) -> Connection:
    """Connect to an origin.

    Args:
        route: the way to it.
        context: the TLS settings, if there is TLS on it.
        limits: how much a proxy on it may send.
        loop: the event loop that runs here.

    Raises:
        ssl.SSLError: the certificate does not hold, or the peer speaks no TLS.
        ProxyError: the proxy leads nowhere.
        OSError: there is no connection to be had.
        LocalProtocolError: this platform has no such sockets.
    """
    origin, proxy = route.origin, route.proxy
    if origin.socket is not None:
        return _plain(await _connect_unix(origin.socket), loop)
    first = origin if proxy is None else proxy.origin
    connection = _plain(await _connect_tcp(first.host, first.port), loop)
    try:
        if proxy is not None:
            connection = await _pass(proxy, connection, route, context, limits)
        if context is not None and origin.scheme == "https":
            connection = await secured(connection, origin.host, context)
    except BaseException:
        connection.close()
        raise
    connection.forwarder = route.forwarder
    return connection


def _plain(sock: socket.socket, loop: Loop) -> Connection:
    if loop.watches:
        from ._asyncio import Watched

        return Watched(sock, loop)
    if loop.asyncio is None:
        from ._trio import Native

        return Native(sock, loop)
    return Polled(sock)


async def _pass(
    proxy: Proxy, connection: Connection, route: Route, context: ssl.SSLContext | None, limits: Limits
) -> Connection:
    """Make a connection to a proxy one to an origin, or one that takes requests for it."""
    if context is not None and proxy.origin.scheme == "https":
        try:
            connection = await secured(connection, proxy.origin.host, context)
        except ssl.SSLError as exc:
            raise ProxyError(f"no TLS with the proxy {proxy}: {exc}") from exc
    if route.forwarder is None:
        tunnel = await to_thread.run_sync(_tunnel, proxy, route.origin, limits)
        await connection.send(tunnel.request)
        while not tunnel.is_open:
            tunnel.receive(await connection.receive(_READ, math.inf) or b"")
    return connection


def _tunnel(proxy: Proxy, origin: Origin, limits: Limits) -> Tunnel:
    from bento_proto.http11 import Tunnel  # which loads h11

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
    sock = Socket(family, socket.SOCK_STREAM)
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
