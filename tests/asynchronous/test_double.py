"""A double under the async client: many tasks at a time, cancelling, streams that are dropped, files."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from bento_async import AsyncHTTPClient, Hooks, RequestEvent, ResponseEvent
from bento_proto.testing import Life, Pause, Recorder, Replay, ServiceDouble, Stall, UploadedFile

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("no_tasks")]


@pytest.fixture
def closed() -> list[str]:
    return []


@pytest.fixture
def double(closed: list[str]) -> ServiceDouble:
    double = ServiceDouble()

    @double.endpoint
    def shout(text: str) -> str:
        return text.upper()

    @double.endpoint
    def numbers(pause: float = 0.0) -> Iterator[int | Pause]:
        try:
            for number in range(1000):
                yield number
                yield Pause(pause)
        finally:
            closed.append("numbers")

    @double.endpoint
    def size(file: UploadedFile) -> int:
        return len(file.content)

    @double.task
    def train() -> int:
        return 1

    return double


async def test_many_tasks_at_a_time(double: ServiceDouble) -> None:
    double.script("shout", Stall(0.5))
    answers: list[str] = []
    under_way = [0]

    async def call(number: int) -> None:
        answers.append(await shout(f"a{number}"))

    def asked(_: RequestEvent) -> None:
        under_way.append(under_way[-1] + 1)

    def answered(_: ResponseEvent) -> None:
        under_way.append(under_way[-1] - 1)

    async with AsyncHTTPClient(app=double) as client:
        await client.connect()
        shout = client.with_options(hooks=Hooks(asked, answered)).shout
        async with anyio.create_task_group() as tasks:
            for number in range(50):
                tasks.start_soon(call, number)
    assert max(under_way) > 1, "each waited for the one before"
    assert sorted(answers) == sorted(f"A{number}" for number in range(50))


async def test_what_is_cancelled_lets_go(double: ServiceDouble, closed: list[str]) -> None:
    double.script("shout", Stall(), ...)
    async with AsyncHTTPClient(app=double, timeout=None) as client:
        await client.connect()
        with anyio.move_on_after(0.5) as scope:
            await client.shout("a")
        assert scope.cancelled_caught
        assert await client.shout("b") == "B"
        with anyio.move_on_after(0.5) as scope:
            async for number in client.numbers(pause=0.02):
                assert number < 100
        assert scope.cancelled_caught
    assert closed == ["numbers"]


async def test_a_stream_that_is_dropped_is_closed(double: ServiceDouble, closed: list[str]) -> None:
    async with AsyncHTTPClient(app=double) as client:
        stream = await client.numbers()
        assert await stream.__anext__() == 0
        del stream
        gc.collect()
        assert closed == ["numbers"]
        async with client.numbers() as stream:
            assert await stream.__anext__() == 0
        assert closed == ["numbers", "numbers"]


async def test_files_are_read_in_a_thread(double: ServiceDouble, tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"x" * 3_000_000)
    recorder = Recorder()
    async with AsyncHTTPClient(app=double, recorder=recorder) as client:
        assert await client.size(path) == 3_000_000
        with pytest.raises(FileNotFoundError):
            await client.size(tmp_path / "nowhere")
    async with AsyncHTTPClient(app=Replay(recorder.text())) as client:
        assert await client.size(path) == 3_000_000


async def test_waiting_for_a_task_takes_its_time_or_none(double: ServiceDouble) -> None:
    double.script("train", Life(in_progress=2), Life(in_progress=200))
    async with AsyncHTTPClient(app=double) as client:
        started = anyio.current_time()
        assert await (await client.train.submit()).result(poll=0.1) == 1
        assert anyio.current_time() - started >= 0.1
        double.speed = 1e9
        started = anyio.current_time()
        assert await (await client.train.submit()).result(poll=60) == 1
        assert anyio.current_time() - started < 60
