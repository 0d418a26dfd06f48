"""The times of a call: each ends what it is for, with the right error, and leaves nothing open."""

from __future__ import annotations

import contextlib
import socket
from math import inf
from pathlib import Path

import anyio
import pytest

from bento_async import AsyncHTTPClient, CallTimeout, Limits, Timeout
from bento_async._backends.auto import current_backend
from bento_async._backends.base import DeadlineExceeded
from tests.waiting import HANGS

from .peers import CHUNKED, Peer, chunk
from .schemas import client

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("no_tasks")]

SHORT = 0.4  # yet long enough for an answer on a busy machine


def patient(**times: float) -> Timeout:
    """Timeouts of which only those that are given can end a call before it counts as hung."""
    long = 2 * HANGS
    return Timeout(**{"connect": long, "send": long, "receive": long, "pool": long, **times})


async def test_connecting(peer: Peer) -> None:
    peer.mute = True
    async with client(peer.url.replace("http:", "https:"), timeout=patient(connect=SHORT)) as called:
        with pytest.raises(CallTimeout, match=r"connecting to https://127\.0\.0\.1:\d+ took too long") as caught:
            await called.echo(x=1)
        assert not caught.value.sent
        assert isinstance(caught.value, TimeoutError)


async def test_queueing(peer: Peer) -> None:
    peer.answers["/stream"] = CHUNKED + chunk(b"one")
    async with client(peer.url, timeout=patient(pool=SHORT), limits=Limits(connections=1)) as called:
        async with called.stream(x=1):
            with pytest.raises(CallTimeout, match=r"no connection became free within 0\.4 seconds") as caught:
                await called.echo(x=1)
            assert not caught.value.sent
        assert await called.echo(x=1) == {"x": 1}


@pytest.mark.parametrize("content", [b"x" * 10_000_000, Path(__file__)], ids=["bytes", "file"])
async def test_sending(peer: Peer, content: bytes | Path, tmp_path: Path) -> None:
    if isinstance(content, Path):
        content = tmp_path / "large"
        content.write_bytes(b"x" * 10_000_000)
    peer.answers["/deaf_upload"] = b""
    peer.deaf.add("/deaf_upload")
    async with client(peer.url, timeout=patient(send=SHORT)) as called:
        with pytest.raises(CallTimeout, match="did not take the request in time") as caught:
            await called.deaf_upload(x=content)
        assert caught.value.sent


async def test_waiting_again_and_again_on_one_connection(peer: Peer) -> None:
    """Each wait has a time of its own, whatever the one before it has left of its."""
    peer.answers["/wait"] = b"HTTP/1.1 2"
    async with client(peer.url, timeout=patient(receive=2 * SHORT)) as called:
        for number in range(6):
            assert await called.echo(x=number) == {"x": number}
            await anyio.sleep(SHORT)
        assert await called.with_options(timeout=patient()).echo(x=1) == {"x": 1}
        began = anyio.current_time()
        with anyio.fail_after(HANGS), pytest.raises(CallTimeout, match="did not answer in time"):
            await called.wait(x=1)
        assert anyio.current_time() - began >= 2 * SHORT
        assert peer.accepted == 1


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.1 2", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n[1"], ids=["head", "body"]
)
async def test_waiting_for_the_answer(peer: Peer, answer: bytes) -> None:
    peer.answers["/wait"] = answer
    async with client(peer.url, timeout=patient(receive=SHORT)) as called:
        with pytest.raises(CallTimeout, match="did not answer in time"):
            await called.wait(x=1)
        await anyio.to_thread.run_sync(peer.wait_until_closed)
        assert await called.echo(x=1) == {"x": 1}


async def test_the_next_item(peer: Peer) -> None:
    peer.answers["/stream"] = CHUNKED + chunk(b"one") + chunk(b"two")
    async with client(peer.url, timeout=patient(receive=SHORT)) as called, called.stream(x=1) as stream:
        assert "".join([await stream.__anext__(), await stream.__anext__()]) == "onetwo"
        with pytest.raises(CallTimeout):
            await stream.__anext__()
        await anyio.to_thread.run_sync(peer.wait_until_closed)


async def total_of(called: AsyncHTTPClient, endpoint: str) -> float:
    began = anyio.current_time()
    with anyio.fail_after(HANGS), pytest.raises(CallTimeout):
        await called.call(endpoint, x=1)
    return anyio.current_time() - began


@pytest.mark.parametrize("endpoint", ["wait", "half", "download"])
async def test_the_total_ends_any_of_them(peer: Peer, endpoint: str) -> None:
    peer.answers |= {
        "/wait": b"HTTP/1.1 2",
        "/half": b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n[1",
        "/download": b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n[1",
    }
    async with client(peer.url, timeout=patient(total=SHORT)) as called:
        assert await total_of(called, endpoint) >= SHORT
        await anyio.to_thread.run_sync(peer.wait_until_closed)


async def test_the_total_counts_from_the_call_to_the_end_of_a_stream(peer: Peer) -> None:
    peer.answers["/stream"] = CHUNKED + chunk(b"one")
    async with client(peer.url, timeout=patient(total=SHORT)) as called, called.stream(x=1) as stream:
        assert await stream.__anext__() == "one"
        with pytest.raises(CallTimeout):
            await stream.__anext__()


async def test_no_time_at_all(peer: Peer) -> None:
    async with client(peer.url, timeout=0) as called:
        with pytest.raises(CallTimeout):
            await called.echo(x=1)


async def test_the_total_while_another_task_finds_the_service(peer: Peer) -> None:
    peer.answers["/readyz"] = b"HTTP/1.1 2"
    async with AsyncHTTPClient(peer.url, timeout=5) as called, anyio.create_task_group() as tasks:
        tasks.start_soon(called.is_ready)
        tasks.start_soon(called.connect)
        await anyio.wait_all_tasks_blocked()
        with pytest.raises(CallTimeout, match=r"was not found within 0\.4 seconds"):
            await called.with_options(timeout=patient(total=SHORT)).echo(x=1)
        tasks.cancel_scope.cancel()


@pytest.mark.parametrize("first", [SHORT, HANGS, inf])
@pytest.mark.parametrize("then", [HANGS, inf])
async def test_a_wait_has_its_own_deadline_whatever_those_before_it_had(first: float, then: float) -> None:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    backend = current_backend()
    stream = backend.stream(ours)
    received: list[bytes] = []

    async def receive() -> None:
        received.append(await stream.receive(1, backend.time() + then))

    with anyio.fail_after(HANGS), theirs, contextlib.closing(stream):
        theirs.sendall(b"a")
        assert await stream.receive(1, backend.time() + first) == b"a"
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(receive)
            await anyio.sleep(2 * SHORT)
            theirs.sendall(b"b")
        assert received == [b"b"]
        with pytest.raises(DeadlineExceeded):
            await stream.receive(1, backend.time() + SHORT)
