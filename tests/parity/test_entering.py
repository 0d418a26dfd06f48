"""A client of an application in this process may be entered, used and left by different tasks, as fixtures do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import anyio
import pytest

from bento_async import AsyncHTTPClient

from .faces import LOOPS
from .portal import Backend
from .test_asgi import Application


async def fixture(app: Application) -> AsyncIterator[AsyncHTTPClient]:
    """What a user's fixture is."""
    async with AsyncHTTPClient(app=app) as client:
        yield client


async def use(client: AsyncHTTPClient) -> None:
    assert await client.echo("x") == "x"
    assert [item async for item in client.count()] == [{"n": 0}, {"n": 1}]
    async with client.count() as stream:
        assert await anext(stream) == {"n": 0}


def test_a_fixture_whose_every_step_is_a_task_of_its_own() -> None:
    """pytest-asyncio runs setup, test and teardown so: one loop, a task and a context for each."""
    loop = asyncio.new_event_loop()
    try:
        for _ in range(2):  # in succession, too
            app = Application()
            clients = fixture(app)
            client = loop.run_until_complete(anext(clients))
            loop.run_until_complete(asyncio.wait_for(use(client), 60))
            loop.run_until_complete(asyncio.wait_for(use(client), 60))
            with pytest.raises(StopAsyncIteration):
                loop.run_until_complete(anext(clients))
            assert app.lifespan == ["startup", "shutdown"]
        assert not asyncio.all_tasks(loop)
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


async def in_a_task(function: Callable[[], Awaitable[object]]) -> None:
    async def run() -> None:
        await function()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run)


@pytest.mark.parametrize("loop", LOOPS)
def test_entered_used_and_left_by_tasks(loop: Backend) -> None:
    app = Application()

    async def main() -> None:
        client = AsyncHTTPClient(app=app)
        with anyio.fail_after(60):
            await in_a_task(client.__aenter__)
            await in_a_task(lambda: use(client))
            async with anyio.create_task_group() as tasks:
                for _ in range(10):
                    tasks.start_soon(use, client)
            await in_a_task(client.close)
            await in_a_task(lambda: client.__aexit__(None, None, None))

    anyio.run(main, backend=loop)
    assert app.lifespan == ["startup", "shutdown"]


@pytest.mark.parametrize("loop", LOOPS)
def test_two_clients_left_in_the_order_in_which_they_were_entered(loop: Backend) -> None:
    first, second = Application(), Application()

    async def main() -> None:
        clients = [AsyncHTTPClient(app=app) for app in (first, second)]
        with anyio.fail_after(60):
            for client in clients:
                await client.__aenter__()
                await use(client)
            for client in clients:
                await client.__aexit__(None, None, None)

    anyio.run(main, backend=loop)
    assert first.lifespan == second.lifespan == ["startup", "shutdown"]


@pytest.mark.parametrize("loop", LOOPS)
def test_a_task_that_is_cancelled_takes_none_of_the_others_with_it(loop: Backend) -> None:
    app = Application()

    async def main() -> None:
        client = AsyncHTTPClient(app=app)
        with anyio.fail_after(60):
            with anyio.CancelScope() as scope:
                await client.__aenter__()
                await use(client)
                scope.cancel()
                await anyio.sleep_forever()
            await use(client)
            await client.__aexit__(None, None, None)

    anyio.run(main, backend=loop)
    assert app.lifespan == ["startup", "shutdown"]
