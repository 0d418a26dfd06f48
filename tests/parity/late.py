"""What a forked child does at once: ``python -m tests.parity.late URL FACE`` prints what of the client that loads.

``python -m tests.parity.late URL FACE MODULE`` forks while another thread is amid loading a module.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from contextlib import suppress
from importlib import import_module

import anyio

HANGS = 30  # seconds
OURS = ("bento_proto", "bento_files", "bento_sync", "bento_async")


class Slow:
    """Who first loads a module waits for a while, with the module's lock held."""

    def __init__(self, name: str) -> None:
        self.has_begun = threading.Event()
        self._name = name

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name == self._name and not self.has_begun.is_set():
            self.has_begun.set()
            time.sleep(0.5)


def use(url: str) -> None:
    """Make calls of each kind."""
    from bento_sync import SyncHTTPClient

    with SyncHTTPClient(url) as client:
        assert client.echo_str(text="hi") == "hi"
        assert client.file_in(b"x")["size"] == 1
        assert len(list(client.stream_dict(2))) == 2
        assert list(client.map("echo_str", ["a", "b"])) == ["a", "b"]
        client.csv_out()
        client.echo_dict({"a": [1]})
        with suppress(TypeError):
            client.echo_str(txt="hi")
        assert not client.request("GET", "/absent").is_success
        repr(client.endpoints)
        str(client.echo_str.__doc__)


async def use_async(url: str) -> None:
    """The same of the other client."""
    from bento_async import AsyncHTTPClient

    async with AsyncHTTPClient(url) as client:
        assert await client.echo_str(text="hi") == "hi"
        assert (await client.file_in(b"x"))["size"] == 1
        async with await client.stream_dict(2) as stream:
            assert len([item async for item in stream]) == 2
        assert [text async for text in client.map("echo_str", ["a", "b"])] == ["a", "b"]
        await client.csv_out()
        await client.echo_dict({"a": [1]})
        with suppress(TypeError):
            await client.echo_str(txt="hi")
        assert not (await client.request("GET", "/absent")).is_success


async def call_async(url: str) -> None:
    """Make one call."""
    from bento_async import AsyncHTTPClient

    async with AsyncHTTPClient(url) as client:
        await client.echo_str(text="before")


def call(url: str) -> None:
    """The same of the other client."""
    from bento_sync import SyncHTTPClient

    with SyncHTTPClient(url) as client:
        client.echo_str(text="before")


def main(url: str, face: str, name: str | None = None) -> int:
    if face == "sync":
        call(url)
    else:
        anyio.run(call_async, url, backend=face)
    if name is None:
        threading.Thread(target=threading.Event().wait, daemon=True).start()  # else a fork need load nothing
    else:
        slow = Slow(name)
        sys.meta_path.insert(0, slow)
        assert name not in sys.modules
        threading.Thread(target=import_module, args=(name,)).start()
        assert slow.has_begun.wait(HANGS)
    if child := os.fork():
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    signal.alarm(HANGS)
    before = set(sys.modules)
    if name is not None:
        import_module(name)
    elif face == "sync":
        use(url)
    else:
        anyio.run(use_async, url, backend=face)
    print(*sorted(module for module in set(sys.modules) - before if module.startswith(OURS)), flush=True)
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
