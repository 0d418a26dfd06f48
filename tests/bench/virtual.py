"""Services of known latencies in virtual time: trio's clock jumps to the next moment at which something happens."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator

import anyio
import trio
import trio.testing

from bento_client.bench._load import Load, Plan
from bento_client.bench._measure import Call, Measured, Recorder
from bento_client.bench._report import LoadReport, report_of
from bento_client.bench._run import LoadRun
from bento_client.bench._slo import parse_objective


class KnownService:
    """Each call takes as long as the next of its latencies says; the log has when each began and ended."""

    def __init__(self, latencies: Iterator[float]) -> None:
        self.log: list[tuple[float, float]] = []
        self._latencies = latencies

    async def __call__(self, call: Call) -> None:
        began = anyio.current_time()
        await anyio.sleep(next(self._latencies))
        self.log.append((began, anyio.current_time()))


def constant(seconds: float) -> Iterator[float]:
    while True:
        yield seconds


def exponential(mean: float, count: int) -> Iterator[float]:
    """The quantiles of the exponential distribution, each of so many once in a round, in a random order."""
    chance = random.Random(7)
    quantiles = [-mean * math.log(1 - (number + 0.5) / count) for number in range(count)]
    while True:
        chance.shuffle(quantiles)
        yield from quantiles


def measure(
    target: Callable[[Call], object],
    load: Load,
    plan: Plan,
    objectives: tuple[str, ...] = (),
    chance: Callable[[], float] | None = None,
) -> LoadReport:
    """Measure a target in virtual time."""
    wanted = [parse_objective(text) for text in objectives]

    async def main() -> LoadReport:
        start = anyio.current_time()
        recorder = Recorder(plan, wanted, start)

        async def go_on(recorder: Recorder) -> bool:
            return plan.duration is not None or not recorder.is_stable()

        run = LoadRun(target, load, recorder, plan, chance=chance or random.Random(1).random)  # type: ignore[arg-type]
        await run.run(start, go_on)
        stable = recorder.is_stable() if plan.duration is None else None
        measured = Measured(recorder.result(), recorder.timeline, stable, [0.0])
        return report_of(load, measured, objectives=wanted)

    return trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
