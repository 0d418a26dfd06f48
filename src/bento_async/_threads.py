"""What would keep an event loop waiting, in worker threads: files, and the import of what results need."""

from __future__ import annotations

from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, TypeVar

from anyio import CancelScope, to_thread

import bento_files

from ._stream import AsyncStream

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterable, Sequence

    from bento_files import Sink
    from bento_proto import Exchange
    from bento_proto.request import FileSource, Upload

    from ._underway import Underway

T = TypeVar("T")


async def load(modules: Iterable[str]) -> None:
    """Import modules, as far as they are installed."""
    await to_thread.run_sync(_import, modules, abandon_on_cancel=True)


async def measured(sources: Sequence[FileSource]) -> list[Upload]:
    """Measure files that are to be sent."""
    # Opening a pipe waits for who writes to it: a thread that does so can only be left alone.
    return await to_thread.run_sync(_measure, sources, abandon_on_cancel=True)


async def written(exchange: Exchange[bytes], opened: Underway[object], open_sink: Callable[[], Sink[T]]) -> T:
    """Write what an exchange delivers, to its end; return what the sink makes of it."""
    assert exchange.head is not None
    async with AsyncStream(exchange, opened) as blocks:
        sink = await to_thread.run_sync(open_sink)
        try:
            gathering = bento_files.Gathering(exchange.head)  # loaded with the sink
            opened.room = gathering.room
            async for block in blocks:
                due = gathering.add(block)
                if due:
                    passed = await to_thread.run_sync(_write, sink, due, opened.source, gathering.room)
                    if passed:
                        opened.passed(passed)
                opened.room = gathering.room
            return await to_thread.run_sync(_finish, sink, gathering.gathered)
        except BaseException:
            with CancelScope(shield=True):
                await to_thread.run_sync(sink.discard)
            raise


def _import(modules: Iterable[str]) -> None:
    for module in modules:
        with suppress(ImportError):
            import_module(module)


def _measure(sources: Sequence[FileSource]) -> list[Upload]:
    return [bento_files.measure(source) for source in sources]


def _write(
    sink: Sink[object],
    blocks: Sequence[bytes | memoryview],
    source: tuple[socket.socket, int] | None,
    room: memoryview,
) -> int:
    """Write blocks, and go on with what has come by then, by way of the same memory; return how many bytes that was."""
    for block in blocks:
        sink.write(block)
    sock, most = source or (None, 0)
    passed = 0
    while sock is not None and passed < most:
        try:
            size = sock.recv_into(room, min(len(room), most - passed))
        except OSError:  # nothing has come, or whoever receives next learns of it
            break
        if not size:
            break
        sink.write(room[:size])
        passed += size
    return passed


def _finish(sink: Sink[T], last: memoryview) -> T:
    sink.write(last)
    return sink.finish()
