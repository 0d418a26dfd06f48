"""Event loops whose clock is not the system's: a test may have patched it, or brought its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import Any

import pytest
import trio.testing

from bento_async import AsyncHTTPClient, CallTimeout, Timeout

from .proxies import Asked, End, Piece, Stub, endpoint, reply, schema

GIVEN: Any = schema(endpoint("f", output={"type": "integer"}), endpoint("silent"))
HANGS = 30.0  # seconds


def answer(asked: Asked) -> Piece:
    return End.SILENCE if asked.target == "/silent" else reply(1)


def within(seconds: float, function: Callable[[], object]) -> None:
    """Run it in a thread, so that one that hangs, with a clock that nobody can trust, fails."""
    pool = ThreadPoolExecutor(1)
    try:
        pool.submit(function).result(seconds)
    finally:
        pool.shutdown(wait=False)


@pytest.fixture
def url() -> object:
    with Stub(answer) as stub:
        yield stub.url


def connect(url: str, **times: float) -> AsyncHTTPClient:
    return AsyncHTTPClient(url, schema=GIVEN, server_ready_timeout=0, retries=0, timeout=Timeout(**times))


SHIFTS = {"ahead": 1e6, "behind": -1e6, "a little behind": -100.0}


@pytest.mark.parametrize("shift", SHIFTS.values(), ids=SHIFTS)
@pytest.mark.parametrize("when", ["before the first call", "after the first call"])
def test_a_shifted_clock(url: str, when: str, shift: float) -> None:
    """Answers arrive, and a silent server is given up when the time is up."""

    async def main() -> None:
        async with connect(url, receive=1, total=20) as client:
            if when == "after the first call":
                assert await client.f() == 1
            patch.setattr(asyncio.get_running_loop(), "time", lambda: monotonic() + shift)
            for _ in range(3):
                assert await client.f() == 1
            with pytest.raises(CallTimeout):
                await client.silent()
            assert await client.f() == 1

    with pytest.MonkeyPatch.context() as patch:
        within(HANGS, lambda: asyncio.run(main()))


def test_a_clock_that_stands_still(url: str) -> None:
    async def main() -> None:
        async with connect(url, receive=1, total=20) as client:
            assert await client.f() == 1
            patch.setattr(asyncio.get_running_loop(), "time", lambda: 17.0)
            assert await client.f() == 1

    with pytest.MonkeyPatch.context() as patch:
        within(HANGS, lambda: asyncio.run(main()))


def test_a_clock_of_the_tests_own_on_trio(url: str) -> None:
    """trio takes the clock as an argument: this one stands still."""

    async def main() -> None:
        async with connect(url, receive=1, total=20) as client:
            for _ in range(3):
                assert await client.f() == 1

    within(HANGS, lambda: trio.run(main, clock=trio.testing.MockClock()))
