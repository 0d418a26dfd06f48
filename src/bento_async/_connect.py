"""Opening a connection: addresses of a host or a Unix socket, proxies, TLS, all of it before one deadline."""

from __future__ import annotations

import errno
import os
import socket
import ssl
import sys
import threading
from math import inf
from typing import TYPE_CHECKING, Final

import anyio
from anyio import to_thread

from bento_files import tls_context
from bento_proto import ConnectionFailed, FailureKind, LocalProtocolError
from bento_proto.http import ConnectionRace, ProxyError, connect_failure, is_address
from bento_proto.http11 import open_tunnel

from ._backends.base import DeadlineExceeded, Socket
from ._tls import TLSStream

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bento_proto.http import Origin, Route
    from bento_proto.session import SocketOptions

    from ._backends.base import Backend, Stream
    from ._connection_pool import Connections
    from ._tls import AnyStream

    Address = tuple[int, tuple[str, int] | str]  # a family, and what belongs to it

_READ: Final = 1 << 16
_RETRY: Final = 0.01
_OPTIONS: Final = ((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1), (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1))
_IN_PROGRESS: Final = frozenset({errno.EINPROGRESS, errno.EWOULDBLOCK})


async def connect(
    origin: Origin, connections: Connections, backend: Backend, deadline: float
) -> AnyStream | ConnectionFailed:
    """Connect to an origin.

    Args:
        origin: the origin.
        connections: those of the client.
        backend: the event loop.
        deadline: until when.

    Returns:
        The connection; or why there is none.

    Raises:
        LocalProtocolError: this platform has no such sockets.
    """
    where = str(origin)
    try:
        route = connections.config.proxies.route(origin)
        where = str(route)
        return await _connect(route, connections, backend, deadline)
    except DeadlineExceeded:
        return connect_failure(where, TimeoutError("timed out"))
    except OSError as exc:
        return connect_failure(where, exc, FailureKind.TLS if isinstance(exc, ssl.SSLError) else FailureKind.CONNECT)


async def _connect(route: Route, connections: Connections, backend: Backend, deadline: float) -> AnyStream:
    origin, proxy = route.origin, route.proxy
    if deadline <= backend.time():
        raise DeadlineExceeded
    if origin.socket is not None:
        if sys.platform == "win32":  # whose Python has no AF_UNIX
            raise LocalProtocolError("this platform's Python has no Unix sockets")
        return await _attempt((socket.AF_UNIX, origin.socket), (), backend, deadline)
    first = origin if proxy is None else proxy.origin
    stream: AnyStream = await _connect_tcp(first, connections.config.socket_options, backend, deadline)
    try:
        if proxy is not None:
            if proxy.origin.scheme == "https":
                try:
                    stream = await _start_tls(stream, connections, proxy.origin.server_name, deadline)
                except ssl.SSLError as exc:
                    raise ProxyError(f"no TLS with the proxy {proxy}: {exc}") from exc
            if route.forwarder is None:
                tunnel = await to_thread.run_sync(open_tunnel, proxy, origin, connections.config.limits)  # loads h11
                data = tunnel.request
                while not tunnel.is_open:
                    await stream.drain(stream.write(data), deadline)
                    data = tunnel.receive(await stream.receive(_READ, deadline))
        if origin.scheme == "https":
            stream = await _start_tls(stream, connections, origin.server_name, deadline)
    except BaseException:
        stream.close()
        raise
    stream.forwarder = route.forwarder
    return stream


async def _start_tls(stream: AnyStream, connections: Connections, host: str, deadline: float) -> TLSStream:
    if connections.ssl_context is None:
        connections.ssl_context = await to_thread.run_sync(tls_context)  # reads files
    tls = TLSStream(stream, connections.ssl_context, host)
    await tls.handshake(deadline)
    return tls


# --- addresses


async def _connect_tcp(to: Origin, options: SocketOptions, backend: Backend, deadline: float) -> Stream:
    """Connect to whichever address of the host accepts first."""
    options = (*_OPTIONS, *options)
    addresses = await _look_up(to.host, to.port, backend, deadline)
    if len(addresses) == 1:
        return await _attempt(addresses[0], options, backend, deadline)
    race = ConnectionRace([(address[0], address) for address in addresses], backend.time())
    connected: list[Stream] = []
    errors: list[OSError] = []
    changed = backend.waiter(None)

    async def attempt(address: Address) -> None:
        try:
            connected.append(await _attempt(address, options, backend, inf))
        except OSError as exc:
            errors.append(exc)
            race.fail(backend.time())
        changed.set()

    is_late = False
    try:
        async with anyio.create_task_group() as attempts:
            while not connected and not race.is_lost and not is_late:
                changed = backend.waiter(None)
                if (address := race.start(backend.time())) is not None:
                    attempts.start_soon(attempt, address)
                try:
                    await changed.wait(min(race.next_at, deadline))
                except DeadlineExceeded:
                    is_late = backend.time() >= deadline
            attempts.cancel_scope.cancel()
        if is_late and not connected:
            raise DeadlineExceeded
        if not connected:
            raise errors[-1] if errors else OSError(f"{to.host} has no address")
    except BaseException:
        for stream in connected:
            stream.close()
        raise
    for late in connected[1:]:
        late.close()
    return connected[0]


async def _look_up(host: str, port: int, backend: Backend, deadline: float) -> Sequence[Address]:
    """The addresses of a host.

    Those of a name are looked up in a thread of its own, which may be left behind, and then keeps nothing from ending.
    """
    if is_address(host):
        return _addresses(host, port)
    found: list[Sequence[Address] | Exception] = []
    done = backend.waiter(None)

    def look_up() -> None:
        try:
            found.append(_addresses(host, port))
        except Exception as exc:  # noqa: BLE001 - it is raised where it is waited for
            found.append(exc)
        backend.call_soon(done.set)

    threading.Thread(target=look_up, name=f"look up {host}", daemon=True).start()
    await done.wait(deadline)
    if isinstance(found[0], Exception):
        raise found[0]
    return found[0]


def _addresses(host: str, port: int) -> Sequence[Address]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as exc:
        raise OSError(f"{host!r} is no host name: {exc}") from exc
    return list(dict.fromkeys((int(family), address) for family, _, _, _, address in found))  # type: ignore[misc]


async def _attempt(to: Address, options: SocketOptions, backend: Backend, deadline: float) -> Stream:
    family, address = to
    sock = Socket(family, socket.SOCK_STREAM)
    sock.setblocking(False)
    stream = backend.stream(sock)
    try:
        for option in options:
            sock.setsockopt(*option)
        code = sock.connect_ex(address)
        # EAGAIN, of a Unix socket: the server's backlog is full, and nothing tells when it has room again.
        while isinstance(address, str) and code == errno.EAGAIN:
            if backend.time() >= deadline:
                raise DeadlineExceeded
            await anyio.sleep(_RETRY)
            code = sock.connect_ex(address)
        if code in _IN_PROGRESS:
            await stream.wait_writable(deadline)
            code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            raise OSError(code, os.strerror(code))
    except BaseException:
        stream.close()
        raise
    return stream
