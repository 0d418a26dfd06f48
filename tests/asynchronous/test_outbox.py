"""Requests that are held to be sent together: all of them arrive, whole, in their order, or are told of as lost."""

from __future__ import annotations

import asyncio
import gc
import itertools
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from math import inf
from typing import Any

import anyio
import pytest

from bento_async import Limits
from bento_async._asyncio import Watched
from bento_async._connection import Connection, has_news
from bento_async._loop import Loop
from bento_async._outbox import Outbox
from bento_async._trio import Native

from .peers import Peer
from .schemas import client

LARGE = bytes(range(256)) * 16  # the most that is held


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


class Failing:
    """Who is hit by what a signal's handler raises."""

    def send_held(self) -> None:
        raise MemoryError


def test_an_outbox_sends_what_is_behind_one_that_fails() -> None:
    outbox, sent = Outbox(time.monotonic), list[str]()
    for sender in (Recorded("a", sent), Failing(), Recorded("b", sent), Recorded("c", sent)):
        outbox.hold(sender)
    with pytest.raises(MemoryError):
        outbox.send()
    assert (sent, outbox.is_empty) == (["a", "b", "c"], True)


def test_an_outbox_takes_what_is_small_while_tasks_are_to_go_on_and_quick() -> None:
    now = 5.0
    outbox = Outbox(lambda: now)
    assert not outbox.takes(b"")
    outbox.wake()
    assert outbox.takes(b"")
    assert outbox.takes(LARGE)
    assert not outbox.takes(LARGE + b"x")
    now += 0.1  # somebody computed
    assert not outbox.takes(b"")
    assert outbox.takes(b"")
    outbox.woken = 0
    assert not outbox.takes(b"")


def test_an_outbox_holds_nothing_for_a_while_once_something_was_late() -> None:
    now, sent = 5.0, list[str]()
    outbox = Outbox(lambda: now)
    for pause, is_late in ((0.03, False), (0.06, True)):
        outbox.wake()
        assert outbox.takes(b"")
        outbox.hold(Recorded("a", sent))
        now += pause  # somebody computed
        outbox.send()
        outbox.wake()
        assert outbox.takes(b"") is not is_late
    now += 1.1
    outbox.wake()
    assert outbox.takes(b"")


# --- connections


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two that are connected."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        for sock in (ours, theirs):
            sock.setblocking(False)
        yield ours, theirs


def fill(sock: socket.socket) -> int:
    """Send as much as the system takes, but for less than what is held at the most; return how much it was."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)  # the system makes it what it needs at the least
    size = 0
    with suppress(BlockingIOError):
        while True:
            size += sock.send(b"x" * 1000)
    return size


@pytest.fixture
async def connection(pair: tuple[socket.socket, socket.socket], anyio_backend_name: str) -> AsyncIterator[Connection]:
    """Over the first of the pair, as the event loop has it."""
    connection = connected(pair[0], anyio_backend_name)
    yield connection
    connection.close()


def connected(sock: socket.socket, backend: str, loop: Loop | None = None) -> Connection:
    """A connection whose event loop is quick, however busy the machine is."""
    connection = (Watched if backend == "asyncio" else Native)(sock, loop or Loop())
    connection._outbox._clock = lambda: 0.0
    return connection


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
@pytest.mark.parametrize("early", [True, False], ids=["after something else", "after it"])
async def test_what_the_system_does_not_take_at_once_goes_on(
    connection: Connection, pair: tuple[socket.socket, socket.socket], waits: bool, early: bool
) -> None:
    """And then the answer is received, by the task that waits for it all the time."""
    answers: list[bytes | None] = []
    filled = fill(pair[0])

    async def call() -> None:
        hold(connection, LARGE)
        if not waits:
            connection._outbox.send()  # type: ignore[attr-defined]
            assert connection.is_dropped
        if early:
            pair[1].send(b"early")
            answers.append(await connection.receive(5, inf))
        answers.append(await connection.receive(100, inf))

    with anyio.fail_after(5):
        async with anyio.create_task_group() as calls:
            calls.start_soon(call)
            assert (await received(pair[1], filled + len(LARGE)))[filled:] == LARGE
            assert not connection.is_dropped
            pair[1].send(b"answer")
    assert answers == ([b"early"] if early else []) + [b"answer"]
    if isinstance(connection, Watched):
        loop = asyncio.get_running_loop()
        assert not loop.remove_writer(pair[0])  # it would be told time and again that there is room


@pytest.mark.anyio
async def test_a_peer_that_does_not_take_all_in_time(
    connection: Connection, pair: tuple[socket.socket, socket.socket]
) -> None:
    fill(pair[0])
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


@pytest.mark.anyio
async def test_a_task_that_is_alone_sends_at_once(
    connection: Connection, pair: tuple[socket.socket, socket.socket]
) -> None:
    for _ in range(3):
        pair[1].send(b"answer")
        assert await connection.receive(100, inf) == b"answer"
        assert connection.send_soon(b"abc") == 3
        assert pair[1].recv(100) == b"abc"


@pytest.mark.anyio
async def test_tasks_that_go_on_together_send_together(anyio_backend_name: str) -> None:
    loop = Loop()
    pairs = [socket.socketpair() for _ in range(3)]
    for sock in itertools.chain(*pairs):
        sock.setblocking(False)
    connections = [connected(ours, anyio_backend_name, loop) for ours, _ in pairs]
    for round_ in range(3):  # trio's first tells that there are several
        had: list[int] = []

        async def work(connection: Connection, had: list[int] = had) -> None:
            await connection.receive(100, inf)
            connection.send_soon(b"abc")
            had.append(sum(has_news(theirs) for _, theirs in pairs))

        with anyio.fail_after(5):
            async with anyio.create_task_group() as tasks:
                for connection in connections:
                    tasks.start_soon(work, connection)
                await anyio.wait_all_tasks_blocked()
                for _, theirs in pairs:
                    theirs.send(b"answer")
            for _, theirs in pairs:
                assert await received(theirs, 3) == b"abc"
        assert round_ == 0 or had[:2] == [0, 0]
    for connection, (_, theirs) in zip(connections, pairs, strict=True):
        connection.close()
        theirs.close()


# --- calls


@pytest.mark.anyio
@pytest.mark.parametrize("connections", [100, 7])
async def test_many_calls_at_once_leave_nothing_behind(peer: Peer, connections: int, anyio_backend_name: str) -> None:
    answers: dict[int, Any] = {}

    async with client(peer.url, limits=Limits(connections=connections)) as called:

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
        assert all(outbox.is_empty for outbox in outboxes)
        if anyio_backend_name == "asyncio":  # trio counts anew in each round
            assert any(outbox.asked for outbox in outboxes)
            assert all(outbox.woken == 0 for outbox in outboxes)


@pytest.mark.parametrize("anyio_backend", ["trio"])
@pytest.mark.anyio
async def test_calls_go_on_when_trio_has_parted_with_what_sends_for_them(
    peer: Peer, connection: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """As it does with an instrument that raises: then nothing is held any more."""
    async with client(peer.url) as called:

        async def call(number: int) -> None:
            assert await called.echo(x=number) == {"x": number}

        for is_parted in (False, True):
            for _ in range(3):
                async with anyio.create_task_group() as tasks:
                    for number in range(10):
                        tasks.start_soon(call, number)
            if not is_parted:
                connection._outbox.hold(Failing())
                await anyio.sleep(0)
                assert "MemoryError" in caplog.text
