"""Requests that are held to be sent together: all of them arrive, whole, in their order, or are told of as lost."""

from __future__ import annotations

import asyncio
import gc
import socket
import time
from collections.abc import AsyncIterator, Iterator
from math import inf
from typing import Any

import anyio
import pytest

from bento_async import Limits
from bento_async._asyncio import Watched
from bento_async._connection import Connection
from bento_async._loop import Loop
from bento_async._outbox import Outbox
from bento_async._trio import Native

from .peers import Peer
from .schemas import client

LARGE = bytes(range(256)) * 64  # the most that is held


class Recorded:
    """Who has nothing to send but a note that it has been asked to."""

    def __init__(self, name: str, sent: list[str]) -> None:
        self._name, self._sent = name, sent

    def send_held(self) -> None:
        self._sent.append(self._name)


def test_an_outbox_sends_in_order_what_it_holds_and_once() -> None:
    outbox, sent = Outbox(time.monotonic), list[str]()
    for name in "ab":
        outbox.hold(Recorded(name, sent))
    assert (sent, outbox.is_empty) == ([], False)
    outbox.send()
    outbox.send()
    assert (sent, outbox.is_empty) == (["a", "b"], True)


def test_an_outbox_that_holds_much_sends_it() -> None:
    outbox, sent = Outbox(time.monotonic), list[str]()
    for number in range(40):
        outbox.hold(Recorded(str(number), sent))
    assert sent == [str(number) for number in range(32)]
    outbox.send()
    assert len(sent) == 40


def test_an_outbox_takes_what_is_small_while_tasks_are_quick() -> None:
    now = 5.0
    outbox = Outbox(lambda: now)
    assert not outbox.takes(b"")  # nobody was woken yet
    assert outbox.takes(b"")
    assert outbox.takes(LARGE)
    assert not outbox.takes(LARGE + b"x")
    now += 0.1  # somebody computed
    assert not outbox.takes(b"")
    assert outbox.takes(b"")
    now += 0.1
    outbox.begin()
    assert outbox.takes(b"")
    now += 0.1
    outbox.wake()
    assert outbox.takes(b"")


# --- connections


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two that are connected, the first of which takes little at once."""
    ours, theirs = socket.socketpair()
    for sock in (ours, theirs):
        sock.setblocking(False)
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)  # the system makes it what it needs at the least
    with ours, theirs:
        yield ours, theirs


@pytest.fixture
async def connection(pair: tuple[socket.socket, socket.socket], anyio_backend_name: str) -> AsyncIterator[Connection]:
    """Over the first of the pair, as the event loop has it."""
    connection = Watched(pair[0], Loop()) if anyio_backend_name == "asyncio" else Native(pair[0], Loop())
    yield connection
    connection.close()


def hold(connection: Any, data: bytes) -> None:
    """Have a connection hold something, as one does while other tasks that were woken are still to go on."""
    outbox: Outbox = connection._outbox
    outbox.wake()
    assert connection.send_soon(data) == len(data)
    outbox.woken -= 1
    assert not outbox.is_empty


async def received(sock: socket.socket, size: int) -> bytes:
    """So many bytes, piece by piece."""
    data = b""
    while len(data) < size:
        await anyio.wait_readable(sock)
        data += sock.recv(1000)
    return data


@pytest.mark.anyio
async def test_what_is_held_goes_when_all_tasks_wait(
    connection: Connection, pair: tuple[socket.socket, socket.socket]
) -> None:
    hold(connection, b"abc")
    assert connection.is_dropped  # nobody must send something else after it
    with pytest.raises(BlockingIOError):
        pair[1].recv(100)
    with anyio.fail_after(5):
        assert await received(pair[1], 3) == b"abc"
    assert not connection.is_dropped


@pytest.mark.anyio
@pytest.mark.parametrize("waits", [True, False], ids=["while it is waited", "before it is waited"])
async def test_what_the_system_does_not_take_at_once_goes_on(
    connection: Connection, pair: tuple[socket.socket, socket.socket], waits: bool
) -> None:
    """And then the answer is received, by the task that waits for it all the time."""
    answers: list[bytes | None] = []

    async def call() -> None:
        hold(connection, LARGE)
        if not waits:
            connection._outbox.send()  # type: ignore[attr-defined]
            assert connection.is_dropped
        answers.append(await connection.receive(100, inf))

    with anyio.fail_after(5):
        async with anyio.create_task_group() as calls:
            calls.start_soon(call)
            assert await received(pair[1], len(LARGE)) == LARGE
            assert not connection.is_dropped
            pair[1].send(b"answer")
    assert answers == [b"answer"]
    if isinstance(connection, Watched):
        loop = asyncio.get_running_loop()
        assert not loop.remove_writer(pair[0])  # it would be told time and again that there is room


@pytest.mark.anyio
async def test_a_peer_that_does_not_take_all_in_time(connection: Connection) -> None:
    hold(connection, LARGE)
    with anyio.fail_after(5):
        assert await connection.receive(100, anyio.current_time() + 0.05) is None
    assert connection.is_dropped


@pytest.mark.anyio
async def test_a_peer_that_is_gone_when_it_is_sent(
    connection: Connection, pair: tuple[socket.socket, socket.socket]
) -> None:
    pair[1].close()
    hold(connection, b"abc")
    with anyio.fail_after(5):
        assert await connection.receive(100, inf) == b""


@pytest.mark.anyio
async def test_what_is_held_is_not_sent_once_the_connection_is_closed(
    connection: Connection, pair: tuple[socket.socket, socket.socket]
) -> None:
    hold(connection, b"abc")
    connection.close()
    with anyio.fail_after(5):
        await anyio.wait_readable(pair[1])
    assert pair[1].recv(100) == b""


# --- calls


@pytest.mark.anyio
@pytest.mark.parametrize("connections", [100, 7])
async def test_many_calls_at_once_leave_nothing_behind(peer: Peer, connections: int) -> None:
    answers: dict[int, Any] = {}

    async with client(peer.url, limits=Limits()._replace(connections=connections)) as called:

        async def work(first: int) -> None:
            for number in range(first, first + 5):
                answers[number] = await called.echo(x=number)
                with anyio.move_on_after(0.0001 * (number % 3)):
                    await called.echo(x=number)  # some are cancelled, at whatever point they have reached

        with anyio.fail_after(60):
            async with anyio.create_task_group() as tasks:
                for number in range(40):
                    tasks.start_soon(work, number * 5)
        assert answers == {number: {"x": number} for number in range(200)}
        outboxes = [found for found in gc.get_objects() if isinstance(found, Outbox)]
        assert {(outbox.woken, outbox.is_empty) for outbox in outboxes} == {(0, True)}
