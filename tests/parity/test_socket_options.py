"""Options of a client's sockets: those that are always set, and those of the caller."""

from __future__ import annotations

import gc
import socket
from contextlib import suppress

import pytest

from bento_sync import ConnectError

from .faces import Connect
from .proxies import Stub, endpoint, reply, routes, schema

GIVEN = schema(endpoint("f"))
BUFFER = (socket.SOL_SOCKET, socket.SO_RCVBUF, 20_000)


def sockets_to(port: int) -> list[socket.socket]:
    """The open sockets of this process that are connected to a port."""
    found: list[socket.socket] = []
    for thing in gc.get_objects():
        with suppress(OSError, ReferenceError):
            if isinstance(thing, socket.socket) and thing.getpeername()[1:2] == (port,):
                found.append(thing)
    return found


def test_the_options_that_are_always_set(connect: Connect) -> None:
    with Stub(routes({"/f": reply(1)})) as stub:
        client = connect(stub.url, schema=GIVEN)
        assert client.f() == 1
        [sock] = sockets_to(stub.port)
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_options_of_the_caller(connect: Connect) -> None:
    with Stub(routes({"/f": reply(1)})) as stub:
        client = connect(stub.url, schema=GIVEN, socket_options=[BUFFER, (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 0)])
        assert client.f() == 1
        [sock] = sockets_to(stub.port)
        assert sock.getsockopt(*BUFFER[:2]) in (20_000, 40_000)  # Linux doubles it
        assert not sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)  # they come last


def test_an_option_that_the_system_does_not_know(connect: Connect) -> None:
    with Stub(routes({"/f": reply(1)})) as stub:
        options = [(socket.SOL_SOCKET, 0x7FFF, 1)]
        with pytest.raises(ConnectError, match="can't connect to"):
            connect(stub.url, schema=GIVEN, socket_options=options, server_ready_timeout=0, retries=0).f()


@pytest.mark.parametrize("options", [[(1, 2)], [(1, 2, "3")], [("1", 2, 3)], [1], [[1, 2, 3]]])
def test_options_in_another_form(connect: Connect, options: list[object]) -> None:
    with pytest.raises(TypeError, match=r"must be a tuple \(level, name, value\)"):
        connect("http://h", socket_options=options)
