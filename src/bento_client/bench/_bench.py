"""The benchmark of an endpoint: one load after the other, and a report."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Final, TypeAlias

import anyio

from bento_async import AsyncHTTPClient
from bento_client._methods import method_of
from bento_proto import BentoMLException, __version__
from bento_proto.policy import Poll

from ._load import ClosedLoop, Load, Plan
from ._measure import Call, Recorder, Timeline, Window
from ._metrics import counters, growth
from ._report import LoadReport, Report, report_of
from ._run import LoadRun
from ._slo import Objective, parse_objective
from ._target import COUNT_BYTES, EndpointTarget, Input, kind_of

_TICK: Final = 0.25  # seconds between two reports of progress


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a benchmark has come.

    Attributes:
        load: the load that is being measured, and `number`, its number, from 0.
        elapsed: the seconds since it started.
        plan: how long it takes.
        windows: the windows so far; the last one may be going on.
        timeline: the calls over time.
        done: the reports of the loads before.
    """

    load: Load
    number: int
    elapsed: float
    plan: Plan
    windows: Sequence[Window]
    timeline: Timeline
    done: Sequence[LoadReport]


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured under one load.

    Attributes:
        window: what was counted.
        timeline: the calls over time.
        stable: whether the windows agreed; None if a duration was measured.
        cpu: the cores that the tool was busy on.
    """

    window: Window
    timeline: Timeline
    stable: bool | None
    cpu: float


OnTick: TypeAlias = Callable[[float, Sequence[Window], Timeline], object]
"""Called while a load goes on, with the seconds since it started and what was counted so far."""

OnProgress: TypeAlias = Callable[[Progress], object]
"""Called some times a second with the progress of a benchmark. It must be quick."""


async def bench_async(
    client: AsyncHTTPClient,
    endpoint: str,
    inputs: Sequence[Input],
    loads: Sequence[Load] = (ClosedLoop(1),),
    *,
    plan: Plan | None = None,
    objectives: Sequence[str] = (),
    poll: Poll | float | None = None,
    on_progress: OnProgress | None = None,
) -> Report:
    """Measure an endpoint under one load after the other.

    One call is made first, so that what can't work at all is raised and not counted.

    Args:
        client: the client of the Service. Give it ``retries=0``, so that what fails is counted, and `Limits` with as
            many connections as there are calls at a time.
        endpoint: the endpoint's name. A task is submitted, and its result waited for.
        inputs: the arguments of the calls, which are taken in turn: pairs of those by position and those by name.
        loads: the loads.
        plan: how long each load is measured; by default `Plan()`.
        objectives: what a good call keeps, such as ``p99=200ms``: see `parse_objective`.
        poll: how often to ask for the status of a task.
        on_progress: called some times a second.

    Raises:
        ValueError: an argument is invalid.
        NotFound: the Service has no such endpoint.
        TypeError, OSError, BentoMLException: the first call failed.
    """
    plan = plan or Plan()
    wanted = [parse_objective(text) for text in objectives]
    started = datetime.now(timezone.utc).isoformat(timespec="seconds")
    service = await client.connect()
    view = client.with_options(hooks=COUNT_BYTES)
    target = EndpointTarget(method_of(view, service, endpoint), inputs, poll=poll)
    await target(Call(0.0, anyio.current_time, Window().gaps))
    reports: list[LoadReport] = []
    for number, load in enumerate(loads):
        before = await _counters(client)

        def progress(elapsed: float, windows: Sequence[Window], timeline: Timeline, *, now: int = number) -> None:
            if on_progress is not None:
                on_progress(Progress(loads[now], now, elapsed, plan, windows, timeline, reports))

        found = await _put(target, load, plan, wanted, progress)
        reports.append(
            report_of(
                load,
                found.window,
                timeline=found.timeline,
                stable=found.stable,
                cpu=found.cpu,
                objectives=wanted,
                server=growth(before, await _counters(client)),
            )
        )
    return Report(client.url, endpoint, started, __version__, [each.text for each in wanted], reports)


async def _counters(client: AsyncHTTPClient) -> Mapping[str, float]:
    """The Service's counters; none if it has none."""
    try:
        content = await client.request("GET", "/metrics")
        return counters(content.raise_for_status().text)
    except BentoMLException:
        return {}


async def _put(
    target: EndpointTarget, load: Load, plan: Plan, objectives: Sequence[Objective], on_tick: OnTick
) -> Measured:
    """Put a load on a target from this process."""

    async def go_on(recorder: Recorder) -> bool:
        return plan.duration is not None or not recorder.is_stable()

    async def tick() -> None:
        while True:
            await anyio.sleep(_TICK)
            on_tick(anyio.current_time() - start, recorder.windows, recorder.timeline)

    start = anyio.current_time()
    recorder = Recorder(plan, objectives, start)
    run = LoadRun(target, load, recorder, plan, kind_of=kind_of)
    async with anyio.create_task_group() as group:
        group.start_soon(tick)
        await run.run(start, go_on)
        group.cancel_scope.cancel()
    stable = recorder.is_stable() if plan.duration is None else None
    return Measured(recorder.result(), recorder.timeline, stable, run.cpu)


def bench(
    client: AsyncHTTPClient,
    endpoint: str,
    inputs: Sequence[Input],
    loads: Sequence[Load] = (ClosedLoop(1),),
    *,
    plan: Plan | None = None,
    objectives: Sequence[str] = (),
    poll: Poll | float | None = None,
    on_progress: OnProgress | None = None,
) -> Report:
    """Measure an endpoint from code that is not asynchronous: see `bench_async`. The client is closed at the end."""

    async def main() -> Report:
        async with client:
            return await bench_async(
                client, endpoint, inputs, loads, plan=plan, objectives=objectives, poll=poll, on_progress=on_progress
            )

    return anyio.run(main)
