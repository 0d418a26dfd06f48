"""Waits for a place: each ends when its turn comes or at its deadline, however many there are."""

from __future__ import annotations

import gc
from collections.abc import Callable
from functools import partial
from math import inf

import anyio
import pytest

from bento_async._loop import Loop
from bento_async._turn import Turn, turns

pytestmark = pytest.mark.anyio


@pytest.fixture
async def make(anyio_backend: object) -> Callable[[], Turn]:
    return turns(Loop())


async def waited(turn: Turn, seconds: float) -> float:
    """For how long a turn was waited for."""
    started = anyio.current_time()
    await turn.wait(started + seconds)
    return anyio.current_time() - started


async def test_each_ends_at_its_own_deadline(make: Callable[[], Turn]) -> None:
    """In whatever order they were set, also where an earlier one comes last."""
    limits = [0.9, 0.7, inf, 0.7001, 0.8, 0.7002, 0.05, 0.0, -1.0]  # the first three far from the others
    took: dict[float, float] = {}

    async def wait(turn: Turn, limit: float) -> None:
        took[limit] = await waited(turn, limit)

    with anyio.fail_after(10):
        async with anyio.create_task_group() as tasks:
            made = {limit: make() for limit in limits}
            for limit, turn in made.items():
                tasks.start_soon(wait, turn, limit)
            await anyio.sleep(0.95)
            made[inf].come()
    assert sorted(took) == sorted(limits)
    assert all(seconds >= min(limit, 0.95) - 0.001 for limit, seconds in took.items())
    assert list(took)[:3] == [-1.0, 0.0, 0.05] or list(took)[:3] == [0.0, -1.0, 0.05]


async def test_one_that_comes_ends_before_its_deadline(make: Callable[[], Turn]) -> None:
    turn = make()
    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(waited, turn, 60.0)
            await anyio.wait_all_tasks_blocked()
            turn.come()
            turn.come()


async def test_deadlines_are_kept_after_others_were_not_needed(make: Callable[[], Turn]) -> None:
    """The one timer that asyncio has for them was set for a wait that has ended long ago."""
    for pause in (0.0, 0.05):
        for seconds in (0.01, 0.05):
            with anyio.move_on_after(0.001):
                await waited(make(), seconds)
        await anyio.sleep(pause)  # it rings, or does not
        with anyio.fail_after(5):
            assert await waited(make(), 0.1) >= 0.099


async def test_what_was_waited_for_is_forgotten(make: Callable[[], Turn]) -> None:
    async with anyio.create_task_group() as tasks:
        made = [make() for _ in range(100)]
        for turn in made:
            tasks.start_soon(waited, turn, 60.0)
        await anyio.wait_all_tasks_blocked()
        for turn in made[:50]:
            turn.come()
        await anyio.wait_all_tasks_blocked()
        tasks.cancel_scope.cancel()
    del made, turn
    gc.collect()
    await anyio.sleep(0)
    kind = type(make())
    assert not [found for found in gc.get_objects() if isinstance(found, kind)]


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_thousands_that_end_soon_after_each_other(make: Callable[[], Turn]) -> None:
    took: list[float] = []

    async def wait(limit: float) -> None:
        took.append(await waited(make(), limit) - limit)

    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:
            for number in range(3000):
                tasks.start_soon(partial(wait, 0.1 + number / 30_000))
    assert len(took) == 3000
    assert min(took) > -0.001
