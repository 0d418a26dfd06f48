"""The benchmark of an endpoint: one load after the other, and a report."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from functools import partial
from typing import TypeAlias

import anyio

from bento_async import AsyncHTTPClient
from bento_proto import BentoMLException, __version__
from bento_proto.policy import Poll

from ._load import ClosedLoop, Load, Plan
from ._measure import Call, Measured, OnTick, Recorder, Window
from ._metrics import counters, growth
from ._processes import started
from ._report import LoadReport, Report, report_of
from ._run import LoadRun
from ._slo import Objective, parse_objective
from ._target import EndpointTarget, Input, connected, kind_of
from ._worker import TICK, Job

_Put: TypeAlias = Callable[[Load, OnTick, Callable[[], bool]], Awaitable[Measured]]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a benchmark has come.

    Attributes:
        load: the load that is being measured, and `number`, its number, from 0.
        elapsed: the seconds since it started.
        plan: how long it takes.
        windows: the windows so far; the last one may be going on.
        done: the reports of the loads before.
    """

    load: Load
    number: int
    elapsed: float
    plan: Plan
    windows: Sequence[Window]
    done: Sequence[LoadReport]


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
    processes: int = 1,
    factory: Callable[[], AsyncHTTPClient] | None = None,
    on_progress: OnProgress | None = None,
    stop: Callable[[], bool] = bool,
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
        processes: how many processes make the calls, where one is not fast enough. More than one are started for this,
            and share the calls of each load.
        factory: makes the client of each of these; by default they get a pickle of `client`.
        on_progress: called some times a second.
        stop: asked some times a second whether to end early. What was measured until then is reported.

    Raises:
        ValueError: an argument is invalid.
        NotFound: the Service has no such endpoint.
        TypeError, OSError, BentoMLException: the first call failed; or several processes are asked for, and the client
            or an input can't be pickled.
        ChildProcessError: one of the processes died.
    """
    plan = plan or Plan()
    if processes < 1:
        raise ValueError(f"processes must be 1 or more, not {processes}")
    wanted = [parse_objective(text) for text in objectives]
    began = datetime.now(timezone.utc).isoformat(timespec="seconds")
    target = await connected(client, endpoint, inputs, poll=poll)
    await target(Call(0.0, anyio.current_time, Window().gaps))
    reports: list[LoadReport] = []
    has_stopped = False
    job = Job(factory or partial(_given, client), endpoint, inputs, 0, poll, plan, wanted)
    async with _ready(target, job, processes) as put:
        for number, load in enumerate(loads):
            before = await _counters(client)

            def tick(elapsed: float, windows: Sequence[Window], *, now: int = number) -> None:
                if on_progress is not None:
                    on_progress(Progress(loads[now], now, elapsed, plan, windows, reports))

            measured = await put(load, tick, stop)
            if measured.window.seconds:  # else it was stopped before it measured anything
                server = growth(before, await _counters(client))
                reports.append(report_of(load, measured, objectives=wanted, server=server))
            if has_stopped := measured.is_stopped:
                break
    texts = [each.text for each in wanted]
    return Report(client.url, endpoint, began, __version__, texts, reports, processes, has_stopped)


@asynccontextmanager
async def _ready(target: EndpointTarget, job: Job, processes: int) -> AsyncGenerator[_Put, None]:
    """What puts a load on a target: from this process, or from several others."""
    if processes == 1:
        yield partial(_put, target, job.plan, job.objectives)
        return
    jobs = [replace(job, first=number * len(job.inputs) // processes) for number in range(processes)]
    async with started(jobs) as others:
        yield others.put


def _given(client: AsyncHTTPClient) -> AsyncHTTPClient:
    return client


async def _counters(client: AsyncHTTPClient) -> Mapping[str, float]:
    """The Service's counters; none if it has none."""
    try:
        content = await client.request("GET", "/metrics")
        return counters(content.raise_for_status().text)
    except BentoMLException:
        return {}


async def _put(
    target: EndpointTarget,
    plan: Plan,
    objectives: Sequence[Objective],
    load: Load,
    on_tick: OnTick,
    stop: Callable[[], bool],
) -> Measured:
    """Put a load on a target from this process."""

    async def go_on(recorder: Recorder) -> bool:
        return plan.duration is not None or not recorder.is_stable()

    async def tick() -> None:
        while True:
            await anyio.sleep(TICK)
            if stop() and not run.is_stopped:
                run.stop()
            on_tick(anyio.current_time() - start, recorder.windows)

    start = anyio.current_time()
    recorder = Recorder(plan, objectives, start)
    run = LoadRun(target, load, recorder, plan, kind_of=kind_of)
    async with anyio.create_task_group() as group:
        group.start_soon(tick)
        await run.run(start, go_on)
        group.cancel_scope.cancel()
    stable = recorder.is_stable() if plan.duration is None and not run.is_stopped else None
    return Measured(recorder.result(), recorder.timeline, stable, [run.cpu], run.is_stopped)


def bench(
    client: AsyncHTTPClient,
    endpoint: str,
    inputs: Sequence[Input],
    loads: Sequence[Load] = (ClosedLoop(1),),
    *,
    plan: Plan | None = None,
    objectives: Sequence[str] = (),
    poll: Poll | float | None = None,
    processes: int = 1,
    factory: Callable[[], AsyncHTTPClient] | None = None,
    on_progress: OnProgress | None = None,
    stop: Callable[[], bool] = bool,
) -> Report:
    """Measure an endpoint from code that is not asynchronous: see `bench_async`. The client is closed at the end."""

    async def main() -> Report:
        async with client:
            return await bench_async(
                client,
                endpoint,
                inputs,
                loads,
                plan=plan,
                objectives=objectives,
                poll=poll,
                processes=processes,
                factory=factory,
                on_progress=on_progress,
                stop=stop,
            )

    return anyio.run(main)
