"""A process that makes a part of a load: the messages that it exchanges with the first process, and what it runs.

Messages are pickles with their length before them, on standard input and output. The process ends with its input.
"""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Final, TypeAlias

import anyio
import anyio.to_thread

from bento_async import AsyncHTTPClient
from bento_proto.policy import Poll

from ._load import Load, Plan
from ._measure import Recorder, Timeline, Window
from ._run import LoadRun
from ._slo import Objective
from ._target import Input, connected, kind_of

TICK: Final = 0.25  # seconds between two reports of progress
LENGTH: Final = 8  # bytes of the length of a message
_DELAY: Final = 0.1  # seconds after which a load starts, so that it does in all processes at the same time


@dataclass(frozen=True, slots=True)
class Job:
    """The first message to a process.

    Attributes:
        make: makes the client.
        endpoint: the endpoint's name.
        inputs: the arguments of the calls.
        first: the number of the first input to take.
        poll: how often to ask for the status of a task.
        plan: how long each load is measured.
        objectives: what a good call keeps.
    """

    make: Callable[[], AsyncHTTPClient]
    endpoint: str
    inputs: Sequence[Input]
    first: int
    poll: Poll | float | None
    plan: Plan
    objectives: Sequence[Objective]


@dataclass(frozen=True, slots=True)
class Order:
    """A message to a process: make this part of a load, whose calls are due so many seconds later."""

    load: Load
    phase: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """A message to a process: whether to go on after a window."""

    goes_on: bool


@dataclass(frozen=True, slots=True)
class Stop:
    """A message to a process: end the load now."""


@dataclass(frozen=True, slots=True)
class Ready:
    """A message of a process: it is connected."""


@dataclass(frozen=True, slots=True)
class Counted:
    """A message of a process: what it has counted in a window so far, and whether the window has ended."""

    number: int
    window: Window
    has_ended: bool


@dataclass(frozen=True, slots=True)
class Done:
    """The last message of a process about a load.

    Attributes:
        windows: what it has counted.
        timeline: the calls over time.
        cpu: the cores that it was busy on.
    """

    windows: Sequence[Window]
    timeline: Timeline
    cpu: float


ToWorker: TypeAlias = Job | Order | Verdict | Stop
FromWorker: TypeAlias = Ready | Counted | Done | Exception


def packed(message: ToWorker | FromWorker) -> bytes:
    """A message as bytes."""
    content = pickle.dumps(message)
    return len(content).to_bytes(LENGTH, "big") + content


def _read(source: BinaryIO) -> ToWorker | None:
    """The next message; None at the end."""
    length = source.read(LENGTH)
    if len(length) < LENGTH:
        return None
    message: ToWorker = pickle.loads(source.read(int.from_bytes(length, "big")))  # noqa: S301 - of the first process
    return message


class _Part:
    """A part of a load while it is made.

    Args:
        run: makes it.
        recorder: counts it.
        plan: how long.
        tell: sends a message.
    """

    def __init__(self, run: LoadRun, recorder: Recorder, plan: Plan, tell: Callable[[FromWorker], None]) -> None:
        self.run: LoadRun = run
        self._recorder = recorder
        self._plan = plan
        self._tell = tell
        self._verdict = anyio.Event()
        self._goes_on = True

    def decide(self, verdict: Verdict) -> None:
        """The first process has decided whether to go on."""
        self._goes_on = verdict.goes_on
        self._verdict.set()

    async def make(self, start: float) -> None:
        """Make it, and tell what it was like."""
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(self._report)
                await self.run.run(start, self._go_on)
                group.cancel_scope.cancel()
            self._tell(Done(self._recorder.windows, self._recorder.timeline, self.run.cpu))
        except Exception as exc:  # noqa: BLE001 - the first process raises it
            self._tell(exc)

    async def _go_on(self, recorder: Recorder) -> bool:
        if self._plan.duration is not None:
            return True
        self._verdict = anyio.Event()
        self._report_last(recorder.closed - 1, has_ended=True)
        await self._verdict.wait()
        return self._goes_on

    async def _report(self) -> None:
        while True:
            await anyio.sleep(TICK)
            self._report_last(len(self._recorder.windows) - 1, has_ended=False)

    def _report_last(self, number: int, *, has_ended: bool) -> None:
        if number >= 0:
            self._tell(Counted(number, self._recorder.windows[number], has_ended))


async def _serve(source: BinaryIO, sink: BinaryIO) -> None:
    def tell(message: FromWorker) -> None:
        sink.write(packed(message))
        sink.flush()

    try:
        job = await anyio.to_thread.run_sync(_read, source)
        if not isinstance(job, Job):
            return
        async with job.make() as client:
            target = await connected(client, job.endpoint, job.inputs, poll=job.poll, first=job.first)
            tell(Ready())
            part: _Part | None = None
            async with anyio.create_task_group() as group:
                while (message := await anyio.to_thread.run_sync(_read, source)) is not None:
                    if isinstance(message, Order):
                        start = anyio.current_time() + _DELAY
                        recorder = Recorder(job.plan, job.objectives, start)
                        run = LoadRun(target, message.load, recorder, job.plan, kind_of=kind_of, phase=message.phase)
                        part = _Part(run, recorder, job.plan, tell)
                        group.start_soon(part.make, start)
                    elif isinstance(message, Verdict) and part is not None:
                        part.decide(message)
                    elif isinstance(message, Stop) and part is not None:
                        part.run.stop()
                group.cancel_scope.cancel()
    except Exception as exc:  # noqa: BLE001 - the first process raises it
        tell(exc)


def main() -> None:
    """Make parts of loads, until standard input ends."""
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr  # what else is printed is no message
    anyio.run(_serve, source, sink)
