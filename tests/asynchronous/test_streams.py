"""Streams that are left, dropped, many at a time; and files as results, which never stay half behind."""

from __future__ import annotations

import os
from contextlib import aclosing
from pathlib import Path

import anyio
import pytest

from bento_async import BentoMLException, Limits, LocalProtocolError, RemoteProtocolError

from .peers import CHUNKED, Peer, chunk, reply
from .schemas import client

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("no_tasks")]

ENDLESS = CHUNKED + chunk(b"one ") + chunk(b"two ")


async def test_leaving_closes_at_once(peer: Peer) -> None:
    peer.answers["/stream"] = ENDLESS
    async with client(peer.url, limits=Limits(connections=1)) as called:
        async with called.stream(x=1) as stream:
            await anext(stream)
        await anyio.to_thread.run_sync(peer.wait_until_closed)
        with pytest.raises(StopAsyncIteration):
            await anext(stream)
        await stream.close()

        async with aclosing(await called.stream(x=1)) as stream:
            await anext(stream)
        await anyio.to_thread.run_sync(peer.wait_until_closed)

        with pytest.raises(KeyError):
            async with called.stream(x=1) as stream:
                raise KeyError
        await anyio.to_thread.run_sync(peer.wait_until_closed)
        assert await called.echo(x=1) == {"x": 1}


async def test_one_that_is_dropped_closes_at_once_too(peer: Peer) -> None:
    """Without the garbage collector's help, on CPython: nothing else may refer to a stream."""
    peer.answers["/stream"] = ENDLESS
    async with client(peer.url, limits=Limits(connections=1), timeout=2) as called:
        async for _ in called.stream(x=1):
            break
        await anyio.to_thread.run_sync(peer.wait_until_closed)
        stream = await called.stream(x=1)
        await anext(stream)
        del stream
        await anyio.to_thread.run_sync(peer.wait_until_closed)
        await called.stream(x=1)  # nobody takes it
        await anyio.to_thread.run_sync(peer.wait_until_closed)
        assert await called.echo(x=1) == {"x": 1}


async def test_one_that_is_dropped_makes_room_for_who_waits(peer: Peer) -> None:
    peer.answers["/stream"] = ENDLESS
    async with client(peer.url, limits=Limits(connections=1), timeout=5) as called, anyio.create_task_group() as tasks:
        streams = [await called.stream(x=1)]
        tasks.start_soon(called.echo.raw, 1)
        await anyio.wait_all_tasks_blocked()
        await anyio.to_thread.run_sync(streams.clear)  # the last reference goes in another thread


async def test_a_stream_that_is_read_to_its_end_leaves_the_connection_in_use(peer: Peer) -> None:
    peer.answers["/stream"] = ENDLESS + chunk(b"")
    async with client(peer.url, limits=Limits(connections=1)) as called:
        for _ in range(3):
            assert "".join([item async for item in called.stream(x=1)]) == "one two "
    assert peer.accepted == 1


async def test_a_stream_that_ends_with_its_head_holds_nothing(peer: Peer) -> None:
    peer.answers["/stream"] = reply(b"no gzip", "Content-Encoding: gzip")
    async with client(peer.url, limits=Limits(connections=1), timeout=2) as called:
        stream = await called.stream(x=1)
        assert await called.echo(x=1) == {"x": 1}
        with pytest.raises(RemoteProtocolError):
            await anext(stream)


async def test_many_at_a_time(peer: Peer) -> None:
    peer.answers["/stream"] = CHUNKED + chunk(b"one") * 500 + chunk(b"")

    async def call(number: int) -> None:
        assert await called.echo(x=number) == {"x": number}

    async def stream() -> None:
        assert "".join([item async for item in called.stream(x=1)]) == "one" * 500

    async with client(peer.url, limits=Limits(connections=20), timeout=20) as called:
        async with anyio.create_task_group() as tasks:
            for number in range(100):
                tasks.start_soon(call, number)
                if number % 10 == 0:
                    tasks.start_soon(stream)
        assert peer.accepted <= 20


async def test_two_streams_side_by_side(peer: Peer) -> None:
    peer.answers["/stream"] = ENDLESS
    async with client(peer.url) as called, called.stream(x=1) as first, called.stream(x=2) as second:
        assert [await anext(first), await anext(second)] == ["one ", "one "]
        assert [await anext(second), await anext(first)] == ["two ", "two "]
        assert await called.echo(x=1) == {"x": 1}


async def test_who_waits_for_a_connection_gets_one_in_turn(peer: Peer) -> None:
    """However many there are: nobody is overtaken, even by those that release a connection and ask for the next."""
    order: list[int] = []

    async def call(number: int) -> None:
        for _ in range(2):
            await called.echo(x=number)
            order.append(number)

    async with client(peer.url, limits=Limits(connections=1), timeout=60) as called, anyio.create_task_group() as tasks:
        for number in range(50):
            tasks.start_soon(call, number)
            await anyio.wait_all_tasks_blocked()
    assert order[:1] == [0]
    first = [number for place, number in enumerate(order) if number not in order[:place]]
    assert first == list(range(50))
    assert peer.accepted == 1


async def test_a_closed_client(peer: Peer) -> None:
    called = client(peer.url, limits=Limits(connections=1))
    peer.answers["/stream"] = ENDLESS
    async with called, called.stream(x=1) as stream, anyio.create_task_group() as tasks:

        async def wait() -> None:
            with pytest.raises(LocalProtocolError, match="the client is closed"):
                await called.echo(x=1)

        tasks.start_soon(wait)
        await anyio.wait_all_tasks_blocked()
        await called.close()
        assert await anext(stream) == "one "  # what is under way goes on
    with pytest.raises(LocalProtocolError, match="the client is closed"):
        await called.echo(x=1)
    with pytest.raises(LocalProtocolError, match="the client is closed"):
        await called.is_ready()
    await called.close()
    await anyio.to_thread.run_sync(peer.wait_until_closed)


# --- files


async def test_a_file_is_saved_whole_or_not_at_all(peer: Peer, tmp_path: Path) -> None:
    content = os.urandom(3_000_000)
    peer.answers["/download"] = reply(content, "Content-Disposition: attachment; filename=a.bin")
    async with client(peer.url, download_dir=tmp_path) as called:
        saved: Path = await called.download(x=1)
        assert (saved, saved.read_bytes() == content) == (tmp_path / "a.bin", True)
        peer.answers["/download"] = b"HTTP/1.1 200 OK\r\nContent-Length: 4000000\r\n\r\n" + content
        peer.closing.add("/download")
        with pytest.raises(BentoMLException):
            await called.download(x=1)
    assert os.listdir(tmp_path) == ["a.bin"]


async def test_a_file_that_can_not_be_read_or_written(peer: Peer, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    async with client(peer.url, download_dir=tmp_path / "file" / "below") as called:
        with pytest.raises(FileNotFoundError):
            await called.upload(x=tmp_path / "none")
        assert peer.paths == []
        with pytest.raises(NotADirectoryError):
            await called.download(x=1)
        assert await called.echo(x=1) == {"x": 1}


async def test_a_file_that_becomes_shorter_while_it_is_sent(peer: Peer, tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(bytes(100_000))
    with path.open("rb") as file:

        class Shrinking:
            def seek(self, *where: int) -> int:
                return file.seek(*where)

            def read(self, size: int = -1) -> bytes:
                return file.read(size)[:-1] if size else b""

        async with client(peer.url) as called:
            with pytest.raises(LocalProtocolError, match="became shorter"):
                await called.upload(x=Shrinking())
            await anyio.to_thread.run_sync(peer.wait_until_closed)
            assert await called.echo(x=1) == {"x": 1}
