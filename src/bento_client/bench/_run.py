"""The load itself: callers on an event loop, and what they meet counted by a `Recorder`."""

from __future__ import annotations

import random
import time
from collections.abc import Awaitable, Callable
from itertools import chain, takewhile
from typing import Final, TypeAlias

import anyio
from anyio.abc import TaskGroup

from bento_proto import ConnectError

from ._load import ClosedLoop, Load, OpenLoop, Plan, due_times
from ._measure import Call, Recorder

Target: TypeAlias = Callable[[Call], Awaitable[None]]
"""Makes one call, and reports its items and bytes to the `Call`. What it raises is how the call failed."""

OnWindow: TypeAlias = Callable[[Recorder], Awaitable[bool]]
"""Called when a window has ended; whether to go on."""

_TICK: Final = 0.02  # seconds between two looks at how late the event loop is
UNFINISHED: Final = "unfinished"
"""The kind of error of a call that had not ended when the tool stopped waiting."""

_PAUSE: Final = 0.05  # seconds that a caller waits who got no connection, as that fails at once


class LoadRun:
    """Puts a load on a target. On trio with its ``MockClock``, time is virtual.

    Attributes:
        cpu: the cores that this process was busy on while it measured.
        is_stopped: whether it was stopped early.

    Args:
        target: makes a call.
        load: the load.
        recorder: counts the calls.
        plan: how long.
        kind_of: the kind of an error.
        chance: gives random numbers from 0 to less than 1.
        phase: by how many seconds the calls of an open loop are due later, where other processes make others.
    """

    def __init__(
        self,
        target: Target,
        load: Load,
        recorder: Recorder,
        plan: Plan,
        *,
        kind_of: Callable[[Exception], str] = lambda exc: type(exc).__name__,
        chance: Callable[[], float] = random.random,
        phase: float = 0.0,
    ) -> None:
        self._target = target
        self._load = load
        self._recorder = recorder
        self._plan = plan
        self._kind_of = kind_of
        self._chance = chance
        self._phase = phase
        self._scope = anyio.CancelScope()
        self.cpu: float = 0.0
        self.is_stopped: bool = False
        self._over = anyio.Event()  # no more calls become due

    async def run(self, start: float, on_window: OnWindow) -> None:
        """Make calls from a time on until the measurement is over and all calls have ended.

        Args:
            start: when it starts, by ``anyio.current_time``.
            on_window: asked after each window whether to go on.
        """
        await anyio.sleep_until(start)
        async with anyio.create_task_group() as others:
            others.start_soon(self._watch_lag)
            with self._scope:
                await self._run(start, on_window, others)
            others.cancel_scope.cancel()

    def stop(self) -> None:
        """End now. Calls that have not ended are not counted."""
        self.is_stopped = True
        self._recorder.stop(anyio.current_time())
        self._scope.cancel()

    async def _run(self, start: float, on_window: OnWindow, others: TaskGroup) -> None:
        async with anyio.create_task_group() as callers:
            if isinstance(self._load, ClosedLoop):
                for _ in range(self._load.concurrency):
                    callers.start_soon(self._call_on)
            else:
                callers.start_soon(self._call_at, self._load, start + self._phase, callers)
            await self._measure(start + self._plan.warm_up, on_window)
            others.start_soon(self._give_up, callers.cancel_scope)

    async def _measure(self, start: float, on_window: OnWindow) -> None:
        await anyio.sleep_until(start)
        cpu, at = time.process_time(), anyio.current_time()
        try:
            for number in range(self._plan.windows):
                await anyio.sleep_until(self._recorder.end_of(number))
                self._recorder.close(number)
                if not await on_window(self._recorder):
                    break
        finally:
            self.cpu = (time.process_time() - cpu) / max(anyio.current_time() - at, _TICK)
        self._recorder.finish()
        self._over.set()

    async def _give_up(self, scope: anyio.CancelScope) -> None:
        await anyio.sleep(self._plan.drain)
        scope.cancel()

    async def _call_on(self) -> None:
        while (now := anyio.current_time()) < self._recorder.end and not self._over.is_set():
            await self._call(now)

    async def _call_at(self, load: OpenLoop, start: float, callers: TaskGroup) -> None:
        free = anyio.Semaphore(load.most)

        async def call(due: float) -> None:
            try:
                await self._call(due)
            finally:
                free.release()

        times = due_times(load, start, self._chance)
        for due in times:
            if not self._over.is_set():
                with anyio.CancelScope(deadline=due):
                    await self._over.wait()
            if due >= self._recorder.end:  # what was due before is made, however late
                return
            try:
                await free.acquire()
            except BaseException:
                for missed in chain((due,), takewhile(lambda due: due < self._recorder.end, times)):
                    self._unfinished(self._recorder.began(missed, anyio.current_time))
                raise
            callers.start_soon(call, due)

    async def _call(self, due: float) -> None:
        clock = anyio.current_time
        call = self._recorder.began(due, clock)
        try:
            await self._target(call)
        except Exception as exc:  # noqa: BLE001 - it is counted
            call.end = clock()
            call.error = self._kind_of(exc)
            self._recorder.ended(call)
            if isinstance(exc, ConnectError):
                await anyio.sleep(_PAUSE)
        except BaseException:  # cancelled: it did not end in time
            self._unfinished(call)
            raise
        else:
            call.end = clock()
            self._recorder.ended(call)

    def _unfinished(self, call: Call) -> None:
        if self.is_stopped:
            return
        call.end = anyio.current_time()
        call.error = UNFINISHED
        self._recorder.ended(call)

    async def _watch_lag(self) -> None:
        while True:
            due = anyio.current_time() + _TICK
            await anyio.sleep_until(due)
            now = anyio.current_time()
            self._recorder.lagged(now, now - due)
