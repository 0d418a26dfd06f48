"""What keeps an event loop waiting is done in worker threads: importing what a result needs, above all."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from .peers import Peer, reply

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
