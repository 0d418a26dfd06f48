"""What would keep an event loop waiting is done in worker threads, or in steps: importing, converting, encoding."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from bento_proto import Exchange, RemoteProtocolError
from bento_proto.exchange import LargeItem

from .peers import Peer, chunk, reply
from .schemas import client, endpoint

SCRIPT = """
import sys, threading
import anyio

modules, threads = {"numpy", "orjson", "pandas", "PIL.Image"}, {}

class Watch:  # is asked for each module that is not loaded yet, and again for one that is not installed
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name in modules:
            threads.setdefault(name, threading.current_thread() is threading.main_thread())

sys.meta_path.insert(0, Watch)

from tests.asynchronous.schemas import client, endpoint

routes = [
    endpoint("echo", {}),
    endpoint("tensor", {"type": "tensor", "dtype": "float32"}),
    endpoint("frames", {"type": "dataframe", "is_stream": True}),
    endpoint("picture", {"type": "file", "format": "image", "pil": True}),
]

async def main():
    async with client(sys.argv[1], schema={"name": "Peer", "routes": routes}) as called:
        await called.echo(x=1)
        print(threads)
        results = []

        async def tensor():
            results.append((await called.tensor()).sum())

        async with anyio.create_task_group() as tasks:  # the second one must not take a module for loaded that is not
            for _ in range(3):
                tasks.start_soon(tensor)
        print(*map(int, results), [len(frame) async for frame in called.frames()], (await called.picture()).size)

anyio.run(main, backend=sys.argv[2])
print(sorted(threads.items()))
"""


@pytest.mark.parametrize("loop", ["asyncio", "trio"])
def test_what_results_need_is_imported_in_a_worker_thread(peer: Peer, loop: str) -> None:
    """And nothing for an endpoint that needs nothing."""
    pixel = bytes.fromhex("424d3a0000000000000036000000280000000100000001000000010018000000000004000000") + bytes(20)
    peer.answers["/tensor"] = reply(b"[%b]" % b", ".join([b"1.0"] * 300))
    peer.answers["/frames"] = reply(b'[{"a": 1}, {"a": 2}]')
    peer.answers["/picture"] = reply(pixel, "Content-Type: image/bmp")
    paths = os.pathsep.join([str(Path(__file__).parents[2]), *filter(None, sys.path)])
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT, peer.url, loop],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "PYTHONPATH": paths},
    )
    on_the_loop = [(module, False) for module in ("PIL.Image", "numpy", "orjson", "pandas")]
    assert (run.stderr, run.stdout.splitlines()) == ("", ["{}", "300 300 300 [2] (1, 1)", str(on_the_loop)])


class Ticker:
    """Counts how often another task of the event loop has its turn.

    Args:
        counts: asked each time, whether it counts.
    """

    def __init__(self, counts: Callable[[], bool] = lambda: True) -> None:
        self.ticks = 0
        self._counts = counts

    async def beside(self, call: Awaitable[Any]) -> Any:
        """The result of a call, beside which the other task runs."""
        results: list[object] = []
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._run)
            results.append(await call)
            tasks.cancel_scope.cancel()
        return results[0]

    async def _run(self) -> None:
        while True:
            await anyio.sleep(0)
            if self._counts():
                self.ticks += 1


RECORDS = [{"a": number, "b": 0.5, "c": "some text", "d": None, "e": True} for number in range(50_000)]
ROWS: dict[str, Any] = {"type": "dataframe"}
NESTED: dict[str, Any] = {"type": "object", "properties": {"x": {"type": "tensor"}}}
RESULTS: dict[str, tuple[dict[str, Any], object, int]] = {  # the schema, the result, and turns while it is converted
    "rows of a frame": (ROWS, RECORDS, 3),
    "columns of a frame": (ROWS, {key: [record[key] for record in RECORDS] for key in RECORDS[0]}, 0),
    "a tensor in an object": (NESTED, {"x": [[0.5] * 10] * 30_000}, 0),
    "a tensor": ({"type": "tensor"}, [[0.5] * 100] * 3000, 0),
    "a list": ({"type": "array"}, [0.5] * 200_000, 0),
    "objects": ({"type": "array"}, RECORDS, 0),
    "anything": ({}, {"x": RECORDS}, 0),
}


@pytest.mark.anyio
@pytest.mark.parametrize(("case", "chunked"), [*((case, False) for case in RESULTS), ("objects", True)])
async def test_a_large_result_is_converted_in_a_worker_thread(
    peer: Peer, case: str, chunked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Meanwhile other tasks have their turn."""
    schema, result, turns = RESULTS[case]
    body, ticker, seen = json.dumps(result).encode(), Ticker(), list[tuple[object, int]]()
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    peer.answers["/f"] = head + chunk(body) + chunk(b"") if chunked else reply(body)
    convert = Exchange[object].convert

    def noted(exchange: Exchange[object]) -> None:
        before = ticker.ticks
        convert(exchange)
        seen.append((threading.current_thread(), ticker.ticks - before))

    monkeypatch.setattr(Exchange, "convert", noted)
    async with client(
        peer.url, schema={"name": "Peer", "routes": [endpoint("f", schema), endpoint("echo", {})]}, timeout=60
    ) as called:
        value = await ticker.beside(called.f())
        await called.echo(x=1)
    expected: Any = json.loads(body)
    if "frame" in case:
        pd.testing.assert_frame_equal(value, pd.DataFrame(expected))
    else:
        assert np.array_equal(
            value["x"] if schema is NESTED else value, expected["x"] if schema is NESTED else expected
        )
    assert peer.accepted == 1
    ((thread, ticks),) = seen
    assert thread is not threading.main_thread()
    assert ticks >= turns


@pytest.mark.anyio
async def test_a_large_item_of_a_stream_is_converted_in_a_worker_thread(
    peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    body, ticker, seen = json.dumps(RECORDS).encode(), Ticker(), list[tuple[object, int]]()
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    peer.answers["/f"] = head + chunk(b'[{"a":1}]' + body + b'[{"a":2}]') + chunk(b"")
    make = LargeItem.__init__

    def noted(item: LargeItem[object], convert: Callable[[], object]) -> None:
        def converted() -> object:
            before = ticker.ticks
            value = convert()
            seen.append((threading.current_thread(), ticker.ticks - before))
            return value

        make(item, converted)

    monkeypatch.setattr(LargeItem, "__init__", noted)

    async def frames() -> list[pd.DataFrame]:
        return [frame async for frame in called.f()]

    async with client(
        peer.url, schema={"name": "Peer", "routes": [endpoint("f", {**ROWS, "is_stream": True})]}, timeout=60
    ) as called:
        first, large, last = await ticker.beside(frames())
    assert (first["a"][0], last["a"][0]) == (1, 2)
    pd.testing.assert_frame_equal(large, pd.DataFrame(json.loads(body)))
    ((thread, ticks),) = seen
    assert thread is not threading.main_thread()
    assert ticks >= 3


@pytest.mark.anyio
async def test_a_large_schema_is_read_in_a_worker_thread(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be a hostile server's: one of 3.6 MB takes some seconds, in which other tasks have their turn."""
    routes = [endpoint(f"endpoint{number}", {"type": "integer"}) for number in range(4000)]
    body, ticker, seen = json.dumps({"name": "Peer", "routes": routes}).encode(), Ticker(), list[tuple[object, int]]()
    assert len(body) > 1 << 18
    peer.answers["/schema.json"] = reply(body, "Content-Type: application/json")
    convert = Exchange[object].convert

    def noted(exchange: Exchange[object]) -> None:
        before = ticker.ticks
        convert(exchange)
        seen.append((threading.current_thread(), ticker.ticks - before))

    monkeypatch.setattr(Exchange, "convert", noted)
    async with client(peer.url, schema=None, timeout=60) as called:
        service = await ticker.beside(called.connect())
    assert len(service.endpoints) == 4000
    ((thread, ticks),) = seen
    assert thread is not threading.main_thread()
    assert ticks > 3


@pytest.mark.anyio
async def test_a_large_result_that_does_not_fit_its_schema(peer: Peer) -> None:
    peer.answers["/f"] = reply(b'[{"a":1},' + b"1," * 200_000 + b"1]")
    async with client(peer.url, schema={"name": "Peer", "routes": [endpoint("f", ROWS)]}) as called:
        with pytest.raises(RemoteProtocolError, match="does not fit its schema") as caught:
            await called.f()
    assert caught.value.request_id is None


FRAME = pd.DataFrame({"a": range(20_000), "b": 0.5, "c": "some text" * 10, "d": None})
NOISE = np.random.default_rng(1).integers(0, 255, 3_000_000, dtype=np.uint8).tobytes()
ARGUMENTS: dict[str, tuple[dict[str, Any], object]] = {
    "a frame": (ROWS, FRAME),
    "a frame inside": ({}, {"frame": [FRAME]}),
    "a series": ({}, FRAME["c"]),
    "an array": ({"type": "tensor"}, np.random.default_rng(1).random(200_000)),
    "objects": ({}, RECORDS),
    "a text": ({}, "x" * 5_000_000),
    "an image": ({"type": "file", "format": "image"}, Image.frombytes("RGB", (1000, 1000), NOISE)),
}


@pytest.mark.anyio
@pytest.mark.parametrize("case", ARGUMENTS)
async def test_large_arguments_are_encoded_while_other_tasks_have_their_turn(peer: Peer, case: str) -> None:
    schema, value = ARGUMENTS[case]
    route = {"name": "f", "route": "/f", "input": {"properties": {"x": schema}}, "output": {}}
    peer.answers["/f"] = reply(b"1")
    ticker = Ticker(lambda: not peer.paths)  # until the server has seen the request
    async with client(peer.url, schema={"name": "Peer", "routes": [route]}, timeout=60) as called:
        assert await ticker.beside(called.f(x=value)) == 1
    assert ticker.ticks > 20
