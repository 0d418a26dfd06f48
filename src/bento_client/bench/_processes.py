"""A load that several processes make together, where one of them is not fast enough."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

import anyio
from anyio.abc import Process
from anyio.streams.buffered import BufferedByteReceiveStream

from ._load import Load, Plan, parts
from ._measure import Measured, OnTick, Window, agree, beside, total
from ._worker import LENGTH, TICK, Counted, Done, FromWorker, Job, Order, Ready, Stop, ToWorker, Verdict, packed

_START: Final = "import sys; sys.path[:] = sys.argv[1:]; from bento_client.bench._worker import main; main()"
_PATIENCE: Final = 5.0  # seconds for a process to end
_NEW_GROUP: Final[int] = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)  # on Windows


class _Worker:
    """Another process."""

    def __init__(self, process: Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._process = process
        self._input = process.stdin
        self._output = BufferedByteReceiveStream(process.stdout)

    async def tell(self, message: ToWorker) -> None:
        """Send a message."""
        try:
            await self._input.send(packed(message))
        except (anyio.BrokenResourceError, anyio.ClosedResourceError):
            raise await self._died() from None

    async def hear(self) -> FromWorker:
        """The next message.

        Raises:
            Exception: what the process raised.
            ChildProcessError: it died.
        """
        try:
            length = int.from_bytes(await self._output.receive_exactly(LENGTH), "big")
            content = await self._output.receive_exactly(length)
        except (anyio.EndOfStream, anyio.IncompleteRead, anyio.BrokenResourceError):
            raise await self._died() from None
        message: FromWorker = pickle.loads(content)  # noqa: S301 - of a process that was started here
        if isinstance(message, Exception):
            raise message
        return message

    async def _died(self) -> ChildProcessError:
        return ChildProcessError(f"a process that made a part of the load died, with exit code {await self.end()}")

    async def end(self) -> int:
        """Have it end; return its exit code."""
        with anyio.CancelScope(shield=True):
            await self._input.aclose()
            with anyio.move_on_after(_PATIENCE):
                await self._process.wait()
            if self._process.returncode is None:
                self._process.kill()
            await self._process.aclose()
        return await self._process.wait()


class Processes:
    """Other processes, each of which makes a part of every load.

    Args:
        workers: the processes.
        plan: how long each load is measured.
    """

    def __init__(self, workers: Sequence[_Worker], plan: Plan) -> None:
        self._workers = workers
        self._plan = plan

    async def put(self, load: Load, on_tick: OnTick, stop: Callable[[], bool]) -> Measured:
        """Put a load on the target.

        Raises:
            Exception: what one of the processes raised.
            ChildProcessError: one of them died.
        """
        shared = list(zip(self._workers, parts(load, len(self._workers)), strict=False))
        together = _Together([worker for worker, _ in shared], self._plan)
        return await together.put([Order(part, phase) for _, (part, phase) in shared], on_tick, stop)


class _Together:
    """One load of several processes."""

    def __init__(self, workers: Sequence[_Worker], plan: Plan) -> None:
        self._workers = workers
        self._plan = plan
        self._counted: list[dict[int, Window]] = [{} for _ in workers]
        self._ended: Counter[int] = Counter()  # how many processes have ended a window
        self._done: list[Done] = []
        self._error: Exception | None = None
        self._is_stopped = False

    async def put(self, orders: Sequence[Order], on_tick: OnTick, stop: Callable[[], bool]) -> Measured:
        async with anyio.create_task_group() as group:
            group.start_soon(self._report, on_tick, stop)
            async with anyio.create_task_group() as following:
                for number, order in enumerate(orders):
                    following.start_soon(self._follow, number, order, following.cancel_scope)
            group.cancel_scope.cancel()
        if self._error is not None:
            raise self._error
        timeline = self._done[0].timeline
        for done in self._done[1:]:
            timeline.merge(done.timeline)
        windows = _beside([dict(enumerate(done.windows)) for done in self._done])
        is_decided = self._plan.duration is None and not self._is_stopped
        return Measured(
            total(windows, self._plan),
            timeline,
            agree(windows, self._plan.tolerance) if is_decided else None,
            [done.cpu for done in self._done],
            self._is_stopped,
        )

    async def _report(self, on_tick: OnTick, stop: Callable[[], bool]) -> None:
        start = anyio.current_time()
        while True:
            await anyio.sleep(TICK)
            if stop() and not self._is_stopped:
                self._is_stopped = True
                for worker in self._workers:
                    await worker.tell(Stop())
            on_tick(anyio.current_time() - start, _beside(self._counted))

    async def _follow(self, number: int, order: Order, scope: anyio.CancelScope) -> None:
        worker = self._workers[number]
        try:
            await worker.tell(order)
            while not isinstance(message := await worker.hear(), Done):
                if isinstance(message, Counted):
                    self._counted[number][message.number] = message.window
                    if message.has_ended:
                        await self._end_window(message.number)
            self._done.append(message)
        except Exception as exc:  # noqa: BLE001 - it is raised as it is, not in a group
            self._error = exc
            scope.cancel()

    async def _end_window(self, number: int) -> None:
        """A process has ended a window: once all have, decide whether to go on."""
        self._ended[number] += 1
        if self._ended[number] == len(self._workers):
            verdict = Verdict(not agree(_beside(self._counted)[: number + 1], self._plan.tolerance))
            for worker in self._workers:
                await worker.tell(verdict)


def _beside(counted: Sequence[dict[int, Window]]) -> list[Window]:
    """The windows of all processes as those of one."""
    most = max((number + 1 for windows in counted for number in windows), default=0)
    return [beside([windows[number] for windows in counted if number in windows]) for number in range(most)]


@asynccontextmanager
async def started(jobs: Sequence[Job]) -> AsyncGenerator[Processes, None]:
    """Start a process for each job, until the ``with`` ends.

    Raises:
        TypeError: a job can't be pickled.
        Exception: what one of the processes raised.
    """
    async with AsyncExitStack() as stack:
        workers: list[_Worker] = []
        for _ in jobs:
            process = await anyio.open_process(
                [sys.executable, "-c", _START, *sys.path],
                stderr=None,
                start_new_session=True,  # Ctrl-C is for the first process, which stops the others
                creationflags=_NEW_GROUP,
            )
            workers.append(_Worker(process))
            stack.push_async_callback(workers[-1].end)
        for worker, job in zip(workers, jobs, strict=True):
            await worker.tell(job)
        for worker in workers:
            assert isinstance(await worker.hear(), Ready)
        yield Processes(workers, jobs[0].plan)
