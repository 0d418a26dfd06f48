"""The event loop that runs here, as something to compare, and to reach from elsewhere."""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress
from contextvars import copy_context
from typing import TYPE_CHECKING, Final, Protocol, cast

from anyio.lowlevel import current_token

from bento_proto import LocalProtocolError

from ._outbox import Outbox

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Task
    from collections.abc import Callable, Coroutine


class _Trio(Protocol):
    def run_sync_soon(self, callback: Callable[[], object], /) -> None: ...


class Loop:
    """An event loop of one process; a fork makes another of it, as it shares its sockets with the first.

    Attributes:
        key: that of `loop_key`.
        asyncio: the loop itself, if it is one of asyncio's.
        clock: what deadlines are measured with.
        outbox: what asyncio's tasks hold back; trio has one for all clients of a run.

    Raises:
        LocalProtocolError: it ran when this process was forked, so that its parent gets what it waits for.
    """

    __slots__ = ("_native", "_process", "asyncio", "clock", "key", "outbox")

    def __init__(self) -> None:
        self.key: tuple[object, object] = loop_key()
        self._native, self._process = self.key
        if self._native in _inherited:
            raise LocalProtocolError("this event loop was forked with the process: in the child, start a new one")
        self.asyncio: AbstractEventLoop | None = None
        self.clock: Callable[[], float]
        if hasattr(self._native, "call_soon_threadsafe"):
            self.asyncio = cast("AbstractEventLoop", self._native)
            from asyncio import BaseEventLoop

            is_usual = type(self.asyncio).time is BaseEventLoop.time  # which is this one, by way of Python
            self.clock = time.monotonic if is_usual else self.asyncio.time
        else:
            import trio  # it runs, so it is loaded

            self.clock = trio.lowlevel.current_clock().current_time
        self.outbox: Outbox = Outbox(self.clock)

    @property
    def watches(self) -> bool:
        """Whether it is one of asyncio's that can watch sockets, as all do but that of Windows."""
        if self.asyncio is None:
            return False
        from asyncio import AbstractEventLoop  # whose own method only says that it is not implemented

        return type(self.asyncio).add_reader is not AbstractEventLoop.add_reader

    @property
    def is_open(self) -> bool:
        """Whether it is one of asyncio's that has not ended, in this process."""
        return self.asyncio is not None and self._process is _process and not self.asyncio.is_closed()

    def call_soon(self, callback: Callable[[], object]) -> bool:
        """Have something called on the loop, from any thread, between whatever else runs there.

        Returns:
            False if the loop has ended, or is that of another process: nothing is called.
        """
        if self._process is not _process:
            return False
        try:
            if self.asyncio is not None:
                self.asyncio.call_soon_threadsafe(callback)
            else:
                cast("_Trio", self._native).run_sync_soon(callback)
        except RuntimeError:
            return False
        return True

    def spawn(self, function: Callable[[], Coroutine[object, object, None]]) -> None:
        """Run a task that no other one waits for; it ends with the loop. It has to catch what it raises.

        This is for an object whose work goes on between two calls of its methods: a task group is for one block.
        """
        if self.asyncio is not None:
            task = self.asyncio.create_task(function())
            _tasks.add(task)  # asyncio itself refers to it only weakly
            task.add_done_callback(_tasks.discard)
        else:
            import trio  # it runs, so it is loaded

            trio.lowlevel.spawn_system_task(function, context=copy_context())


_tasks: Final[set[Task[None]]] = set()


class _Process:
    """One process: a fork makes another of it."""


_process = _Process()
_inherited: Final[list[object]] = []


def loop_key() -> tuple[object, object]:
    """What tells the running event loop, in this process, from all others."""
    return _running(), _process


def _running() -> object:
    """The running event loop: asyncio's own, or trio's token."""
    trio = sys.modules.get("trio.lowlevel")
    in_task: Callable[[], bool] | None = getattr(trio, "in_trio_task", None)  # which 0.26 does not have
    running: object
    if trio is not None and in_task is not None and in_task():
        running = trio.current_trio_token()
        return running
    if "trio" not in sys.modules and (asyncio := sys.modules.get("asyncio")) is not None:
        running = asyncio.get_running_loop()
        return running
    token: object = current_token()
    return getattr(token, "native_token", token)  # before anyio 4.11 it is the token


def _inherit() -> None:
    """Remember the loop that this process was forked in, if it goes on, as trio's does; asyncio ends its own."""
    global _process  # noqa: PLW0603 - it is another one
    _process = _Process()
    with suppress(RuntimeError):
        _inherited.append(_running())


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_inherit)
