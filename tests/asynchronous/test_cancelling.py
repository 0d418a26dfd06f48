"""Cancelling a call, a thousand times at each place where it can stand: nothing stays, and the next call is right."""

from __future__ import annotations

import contextlib
import math
import os
import random
import socket
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import FrameType

import anyio
import pytest
from anyio.lowlevel import checkpoint

from bento_async import AsyncHTTPClient, ConnectionLost, Limits
from bento_async._backends.auto import current_backend
from bento_proto.http11 import HTTP11Exchange
from tests.waiting import HANGS

from .peers import CHUNKED, Peer, chunk
from .schemas import client

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("no_tasks")]

ROUNDS = 1000
LONGEST = 0.003  # seconds until a call is cancelled


async def waiting(called: AsyncHTTPClient) -> None:
    await called.wait(x=1)


async def half(called: AsyncHTTPClient) -> None:
    await called.half(x=1)


async def sending(called: AsyncHTTPClient) -> None:
    await called.deaf_upload(x=bytes(3_000_000))


async def uploading(called: AsyncHTTPClient) -> None:
    await called.deaf_upload(x=Path(__file__))


async def streaming(called: AsyncHTTPClient) -> None:
    async for _ in called.stream(x=1):
        pass


async def closing(called: AsyncHTTPClient) -> None:
    async with called.stream(x=1) as stream:
        await stream.__anext__()
        with anyio.CancelScope() as scope:
            scope.cancel()
            await stream.close()


async def saving(called: AsyncHTTPClient) -> None:
    await called.download(x=1)


STAGES = [waiting, half, sending, uploading, streaming, closing, saving]


def stalling(peer: Peer) -> None:
    peer.answers |= {
        "/wait": b"HTTP/1.1 200",
        "/half": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[1, 2",
        "/deaf": b"HTTP/1.1 1",
        "/deaf_upload": b"HTTP/1.1 1",
        "/stream": CHUNKED + chunk(b"one ") + chunk(b"two "),
        "/download": b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 500_000,
    }
    peer.deaf |= {"/deaf", "/deaf_upload"}


async def cancelled(
    call: Callable[[AsyncHTTPClient], Awaitable[None]], called: AsyncHTTPClient, rounds: int = ROUNDS
) -> None:
    chance = random.Random(7)
    for _ in range(rounds):
        with anyio.move_on_after(chance.random() * LONGEST) as scope:
            await call(called)
        assert scope.cancelled_caught or call is closing


@pytest.mark.parametrize("call", STAGES, ids=lambda call: call.__name__)
async def test_again_and_again(peer: Peer, call: Callable[[AsyncHTTPClient], Awaitable[None]], tmp_path: Path) -> None:
    stalling(peer)
    async with client(peer.url, limits=Limits(connections=2), download_dir=tmp_path) as called:
        await cancelled(call, called)
        assert await called.echo(x=[1]) == {"x": [1]}
        assert await called.echo(x=[2]) == {"x": [2]}
    await anyio.to_thread.run_sync(peer.wait_until_closed)
    assert os.listdir(tmp_path) == []


async def test_while_saving(peer: Peer, tmp_path: Path) -> None:
    stalling(peer)
    kept = tmp_path / "kept"
    kept.write_text("old")

    async def saving(called: AsyncHTTPClient) -> None:
        await called.download.save(kept, x=1)

    async with client(peer.url, limits=Limits(connections=2)) as called:
        await cancelled(saving, called)
    await anyio.to_thread.run_sync(peer.wait_until_closed)
    assert (os.listdir(tmp_path), kept.read_text()) == (["kept"], "old")


async def test_while_connecting(peer: Peer) -> None:
    peer.mute = True  # so that the TLS handshake never ends
    async with client(peer.url.replace("http:", "https:"), limits=Limits(connections=2)) as called:
        await cancelled(waiting, called)
    await anyio.to_thread.run_sync(peer.wait_until_closed)


async def test_while_a_proxy_connects(peer: Peer) -> None:
    """Before it answers at all, and in the TLS handshake after it."""
    peer.answers |= {"one.example:443": b"HTTP/1.1 200", "other.example:443": b"HTTP/1.1 200 OK\r\n\r\n"}
    peer.deaf |= set(peer.answers)
    for host in ("one.example", "other.example"):
        async with client(f"https://{host}", proxy=peer.url, limits=Limits(connections=2)) as called:
            await cancelled(waiting, called, 200)  # each keeps a thread of the peer busy until the end
            with anyio.fail_after(30):
                async with anyio.create_task_group() as calls:  # on a busy machine none of them came as far as this
                    calls.start_soon(waiting, called)
                    while f"{host}:443" not in peer.paths:
                        await anyio.sleep(0.005)
                    calls.cancel_scope.cancel()
    await anyio.to_thread.run_sync(peer.wait_until_closed)
    assert set(peer.paths) == set(peer.answers)


async def test_while_queueing(peer: Peer) -> None:
    stalling(peer)
    async with client(peer.url, limits=Limits(connections=1)) as called:
        async with called.stream(x=1) as stream:
            await cancelled(waiting, called)
            assert [await stream.__anext__(), peer.paths] == ["one ", ["/stream"]]
        assert await called.echo(x=1) == {"x": 1}
        assert peer.accepted == 2


async def test_in_a_crowd(peer: Peer) -> None:
    """Many at a time, some cancelled and some not, on few connections: whoever was not gets what is his."""
    stalling(peer)
    right = 0

    async def one(called: AsyncHTTPClient, number: int) -> None:
        nonlocal right
        if number % 2:
            with anyio.move_on_after(number % 17 / 1000):
                await STAGES[number // 2 % len(STAGES)](called)
        else:
            assert await called.echo(x=number) == {"x": number}
            right += 1

    async with client(peer.url, limits=Limits(connections=7), timeout=20) as called, anyio.create_task_group() as tasks:
        for number in range(400):
            tasks.start_soon(one, called, number)
    assert right == 200
    await anyio.to_thread.run_sync(peer.wait_until_closed)


async def test_a_stream_whose_wait_was_cancelled_does_not_look_complete(peer: Peer) -> None:
    stalling(peer)
    async with client(peer.url) as called, called.stream(x=1) as stream:
        assert [await stream.__anext__(), await stream.__anext__()] == ["one ", "two "]
        with anyio.move_on_after(0.01):
            await stream.__anext__()
        with pytest.raises(ConnectionLost):
            await stream.__anext__()
        await anyio.to_thread.run_sync(peer.wait_until_closed)


async def test_while_a_pipe_has_nothing_to_read(peer: Peer, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    if not hasattr(os, "mkfifo"):
        pytest.skip("there are no named pipes here")
    os.mkfifo(pipe)
    async with client(peer.url) as called:
        with anyio.move_on_after(0.05) as scope:
            await called.upload(x=pipe)  # nobody writes to it, so opening it waits
        assert scope.cancelled_caught
        writing = os.open(pipe, os.O_RDWR)
        try:
            with anyio.move_on_after(0.05) as scope:
                await called.upload(x=pipe)  # somebody has it open, and writes nothing
            assert scope.cancelled_caught
            assert await called.echo(x=1) == {"x": 1}
        finally:
            os.close(writing)


@pytest.mark.parametrize("rounds", range(4))  # of the event loop, between the arrival of a byte and the cancellation
async def test_a_wait_for_bytes_loses_none(rounds: int) -> None:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    stream = current_backend().stream(ours)
    received: list[bytes] = []

    async def receive() -> None:
        received.append(await stream.receive(1, math.inf))

    async def receive_into() -> None:
        received.append(bytes(await stream.receive_into(memoryview(bytearray(1)), math.inf)))

    with anyio.fail_after(HANGS), theirs, contextlib.closing(stream):
        for number, receive_again in enumerate((receive, receive_into), 1):
            async with anyio.create_task_group() as group:
                group.start_soon(receive)
                await anyio.wait_all_tasks_blocked()
                theirs.sendall(b"a")
                for _ in range(rounds):
                    await checkpoint()
                group.cancel_scope.cancel()
            if len(received) < number:
                await receive_again()
            assert received == [b"a"] * number


@pytest.mark.parametrize("calls_before", [0, 1])
async def test_a_signal_handler_that_raises_before_the_request_is_encoded_loses_no_place(
    peer: Peer, calls_before: int
) -> None:
    def handle(frame: FrameType, event: str, argument: object) -> None:
        if event == "call" and isinstance(frame.f_locals.get("self"), HTTP11Exchange):
            raise KeyboardInterrupt

    async with client(peer.url, limits=Limits(connections=1)) as called:
        for number in range(calls_before):
            assert await called.echo(x=number) == {"x": number}
        sys.setprofile(handle)  # Python runs a signal handler at any call of a function, as it does this
        try:
            with pytest.raises(KeyboardInterrupt):
                await called.echo(x=1)
        finally:
            sys.setprofile(None)
        assert await called.echo(x=2) == {"x": 2}
