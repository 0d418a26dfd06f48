"""Inputs of a batch that raise what no call raises: it reaches whoever iterates, and nothing waits for ever."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any, Literal

import anyio
import pytest

from bento_async import AsyncHTTPClient
from bento_sync import SyncHTTPClient

from .faces import LOOPS
from .portal import Backend
from .proxies import Stub, endpoint, reply, schema

GIVEN: Any = schema(endpoint("f", input={"properties": {"x": {"type": "integer"}}}, output={"type": "integer"}))
KINDS = [
    KeyboardInterrupt,
    SystemExit,
    pytest.param(asyncio.CancelledError, id="asyncio.CancelledError"),
    pytest.param(concurrent.futures.CancelledError, id="concurrent.futures.CancelledError"),
]
HANGS = 15.0  # seconds


def inputs(kind: type[BaseException]) -> Iterator[int]:
    yield from range(3)
    raise kind("by the inputs")


async def async_inputs(kind: type[BaseException]) -> AsyncIterator[int]:
    for number in inputs(kind):
        yield number


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("on_error", ["raise", "skip"])
def test_threads(kind: type[BaseException], on_error: Literal["raise", "skip"]) -> None:
    def iterate() -> None:
        batch = client.map("f", inputs(kind), on_error=on_error)
        try:
            results.extend(batch)
        except BaseException as error:  # noqa: BLE001 - what it is, is asserted
            caught.append(error)
        results.extend(batch)  # it is over

    results: list[object] = []
    caught: list[BaseException] = []
    with Stub(lambda asked: reply(7)) as stub, SyncHTTPClient(stub.url, schema=GIVEN, server_ready_timeout=0) as client:
        thread = threading.Thread(target=iterate, daemon=True)
        thread.start()
        thread.join(HANGS)
        assert not thread.is_alive(), "it hangs"
        assert client.f(1) == 7
    assert [(type(error), error.args) for error in caught] == [(kind, ("by the inputs",))]
    assert results == [7] * len(results)
    assert len(results) <= 3


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("on_error", ["raise", "skip"])
@pytest.mark.parametrize("given", [inputs, async_inputs], ids=["iterator", "async iterator"])
@pytest.mark.parametrize("loop", LOOPS)
def test_tasks(loop: Backend, given: object, on_error: Literal["raise", "skip"], kind: type[BaseException]) -> None:
    results: list[object] = []
    caught: list[BaseException] = []

    async def main() -> None:
        async with AsyncHTTPClient(stub.url, schema=GIVEN, server_ready_timeout=0) as client:
            with anyio.fail_after(HANGS):
                batch = client.map("f", given(kind), on_error=on_error)  # type: ignore[operator]
                try:
                    results.extend([result async for result in batch])
                except TimeoutError:
                    raise
                except BaseException as error:  # noqa: BLE001 - what it is, is asserted
                    caught.append(error)
                results.extend([result async for result in batch])  # it is over
                assert await client.f(1) == 7

    with Stub(lambda asked: reply(7)) as stub:
        anyio.run(main, backend=loop)
    assert [(type(error), error.args) for error in caught] == [(kind, ("by the inputs",))]
    assert results == [7] * len(results)
    assert len(results) <= 3
