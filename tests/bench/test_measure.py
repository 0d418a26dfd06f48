"""Against Services of known latencies, in virtual time: every figure is within 2 % of what is known or logged."""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Iterator

import anyio
import pytest

from bento_client.bench import PERCENTILES, ClosedLoop, OpenLoop, Plan
from bento_client.bench._measure import Call, Recorder, Timeline, Window, agree, beside
from bento_client.bench._run import UNFINISHED
from bento_proto import ConnectError, ServiceUnavailable

from .virtual import KnownService, constant, exponential, measure

ROUGHLY = 0.02


@pytest.mark.parametrize(("concurrency", "seconds"), [(1, 0.05), (4, 0.07), (16, 0.9), (64, 0.4)])
def test_constant_latencies_in_a_closed_loop(concurrency: int, seconds: float) -> None:
    found = measure(KnownService(constant(seconds)), ClosedLoop(concurrency), Plan(duration=10))
    assert found.calls_per_second == pytest.approx(concurrency / seconds, rel=ROUGHLY)
    for value in (found.latency.mean, found.latency.min, found.latency.max, *found.latency.percentiles.values()):
        assert value == pytest.approx(seconds, rel=ROUGHLY)
    assert found.latency.stddev < seconds * ROUGHLY
    assert (found.failed, found.warnings) == (0, [])


def test_exponential_latencies_in_a_closed_loop() -> None:
    service = KnownService(exponential(0.1, 5_000))
    found = measure(service, ClosedLoop(16), Plan(warm_up=0, duration=5_000 * 0.1 / 16))
    assert found.calls_per_second == pytest.approx(16 / 0.1, rel=ROUGHLY)
    assert found.latency.mean == pytest.approx(0.1, rel=ROUGHLY)
    assert found.latency.stddev == pytest.approx(0.1, rel=ROUGHLY)
    for percent in PERCENTILES:
        assert found.latency.percentile(percent) == pytest.approx(-0.1 * math.log(1 - percent / 100), rel=ROUGHLY)


@pytest.mark.parametrize("load", [OpenLoop(100), OpenLoop(100, "constant")])
def test_exponential_latencies_in_an_open_loop(load: OpenLoop) -> None:
    service = KnownService(exponential(0.1, 1_000))
    found = measure(service, load, Plan(warm_up=0, duration=20))
    logged = sorted(end - began for began, end in service.log if began < 20)
    assert found.calls == len(logged)
    assert found.calls_per_second == pytest.approx(len(logged) / 20, rel=ROUGHLY)
    for percent in PERCENTILES:
        exact = logged[max(1, math.ceil(len(logged) * percent / 100)) - 1]
        assert found.latency.percentile(percent) == pytest.approx(exact, rel=ROUGHLY)


class StallingService:
    """Answers at once, but not from one moment to another: what comes then waits until the stall is over."""

    async def __call__(self, call: Call) -> None:
        now = anyio.current_time()
        await anyio.sleep(4.0 - now + 0.01 if 2.0 <= now < 4.0 else 0.01)


def test_a_stall_is_met_by_all_whose_calls_are_due_meanwhile() -> None:
    """Calls are due in 2 of 8 seconds while it stalls: a quarter of them wait, by up to 2 s, evenly."""
    found = measure(StallingService(), OpenLoop(100, "constant"), Plan(warm_up=0, duration=8))
    assert found.calls == 800
    assert found.latency.percentile(50.0) == pytest.approx(0.01, rel=ROUGHLY)
    assert found.latency.percentile(75.0) == pytest.approx(0.01, rel=1.01)  # the last that does not wait
    assert found.latency.percentile(90.0) == pytest.approx(2.0 * 0.6, rel=ROUGHLY)
    assert found.latency.percentile(99.0) == pytest.approx(2.0 * 0.96, rel=ROUGHLY)
    closed = measure(StallingService(), ClosedLoop(1), Plan(warm_up=0, duration=8))
    assert closed.latency.percentile(99.0) == pytest.approx(0.01, rel=ROUGHLY)  # one call of six hundred met it
    assert closed.latency.max == pytest.approx(2.0, rel=ROUGHLY)


def test_latency_counts_from_the_due_time_where_no_more_calls_may_be_under_way() -> None:
    """Two at a time of 0.1 s each are 20 a second; 30 are due, so that each second adds 0.5 s."""
    found = measure(KnownService(constant(0.1)), OpenLoop(30, "constant", most=2), Plan(warm_up=0, duration=10))
    assert found.calls_per_second == pytest.approx(20, rel=ROUGHLY)
    assert found.latency.max == pytest.approx(5.0, rel=ROUGHLY)
    assert any("calls a second only" in text for text in found.warnings)


def test_first_items_and_the_gaps_between_items() -> None:
    async def stream(call: Call) -> None:
        await anyio.sleep(0.2)
        for _ in range(10):
            call.item()
            await anyio.sleep(0.03)
        call.sent, call.received = 100, 5_000

    found = measure(stream, ClosedLoop(5), Plan(duration=10))
    assert found.first.percentile(50.0) == pytest.approx(0.2, rel=ROUGHLY)
    assert found.gap.percentile(99.0) == pytest.approx(0.03, rel=ROUGHLY)
    assert found.latency.mean == pytest.approx(0.5, rel=ROUGHLY)
    assert found.items_per_second == pytest.approx(5 / 0.5 * 10, rel=ROUGHLY)
    assert found.sent_per_second == pytest.approx(5 / 0.5 * 100, rel=ROUGHLY)
    assert found.received_per_second == pytest.approx(5 / 0.5 * 5_000, rel=ROUGHLY)


def test_errors_are_counted_by_kind_and_are_no_latencies() -> None:
    numbers = itertools.count()

    async def flaky(call: Call) -> None:
        await anyio.sleep(0.1)
        if next(numbers) % 4 == 0:
            raise ServiceUnavailable("busy", headers={"a": "b"})
        await anyio.sleep(0.1)

    found = measure(flaky, ClosedLoop(1), Plan(warm_up=0, duration=70), ("errors=20%",))
    assert found.failed == pytest.approx(100, abs=1)
    assert found.errors == {"ServiceUnavailable": found.failed}
    assert found.latency.min == pytest.approx(0.2)
    assert found.calls_per_second == pytest.approx(300 / 70, rel=ROUGHLY)
    assert found.met == {"errors=20%": False}


def test_a_caller_that_gets_no_connection_does_not_spin() -> None:
    async def refused(call: Call) -> None:
        raise ConnectError("refused")

    found = measure(refused, ClosedLoop(2), Plan(warm_up=0, duration=2))
    assert found.calls == 0
    assert found.failed <= 2 * 2 / 0.05 + 2
    assert found.calls_per_second == 0


def test_good_calls_are_those_that_keep_the_objectives() -> None:
    def latencies() -> Iterator[float]:
        while True:
            yield from (0.1, 0.1, 0.1, 0.3)

    service = KnownService(latencies())
    found = measure(service, ClosedLoop(1), Plan(warm_up=0, duration=60), ("p99=200ms", "p50=150ms"))
    assert found.good_per_second == pytest.approx(3 / 0.6, rel=ROUGHLY)
    assert found.met == {"p99=200ms": False, "p50=150ms": True}
    assert not found.is_met


def test_calls_that_do_not_end_are_errors() -> None:
    async def stuck(call: Call) -> None:
        await anyio.sleep_forever()

    found = measure(stuck, ClosedLoop(3), Plan(warm_up=0, duration=2, drain=5))
    assert found.errors == {UNFINISHED: 3}


def test_it_ends_when_three_windows_agree() -> None:
    def warming() -> Iterator[float]:
        yield from (1 / number for number in range(1, 60))
        yield from constant(0.02)

    found = measure(KnownService(warming()), ClosedLoop(1), Plan(window=1.0))
    assert found.stable
    assert found.seconds == 3.0
    assert found.calls_per_second == pytest.approx(50, rel=Plan().tolerance)


def test_it_ends_although_windows_never_agree() -> None:
    def slower() -> Iterator[float]:
        seconds = 0.01
        while True:
            yield seconds
            seconds *= 1.02

    found = measure(KnownService(slower()), ClosedLoop(1), Plan(window=1.0, most_windows=5, tolerance=0.01))
    assert found.stable is False
    assert any("did not agree" in text for text in found.warnings)


def test_windows_agree_on_throughput_and_latency() -> None:
    def window(calls: int, latency: float) -> Window:
        found = Window(1.0)
        found.ended, found.ended_latency = calls, calls * latency
        return found

    assert agree([window(1, 9)] + [window(100, 0.1)] * 3, 0.1)
    assert not agree([window(100, 0.1)] * 2, 0.1)
    assert not agree([window(100, 0.1), window(100, 0.1), window(150, 0.1)], 0.1)
    assert not agree([window(100, 0.1), window(100, 0.1), window(100, 0.2)], 0.1)
    assert not agree([window(0, 0.0)] * 3, 0.1)


def test_a_timeline_has_few_spans_however_long_it_is() -> None:
    timeline = Timeline()
    for number in range(10_000):
        timeline.add(number, 0.1)
    timeline.add(5_000.0, None)
    slots = list(timeline)
    assert len(slots) <= 120
    assert sum(slot.latency.count for _, slot in slots) == 10_000
    assert [slot.failed for start, slot in slots if start <= 5_000 < start + timeline.width] == [1]


def test_timelines_of_processes_become_one_however_wide_their_spans_are() -> None:
    short, long = Timeline(), Timeline()
    for number in range(10):
        short.add(number, 0.1)
        long.add(100 * number, 0.2)
    assert short.width < long.width
    for merged, other in ((copy.deepcopy(short), copy.deepcopy(long)), (long, short)):
        merged.merge(other)
        slots = list(merged)
        assert sum(slot.latency.count for _, slot in slots) == 20
        assert [slot.latency.count for start, slot in slots if start == 0] == [1 + min(10, math.ceil(merged.width))]


def test_windows_of_processes_are_of_the_same_time() -> None:
    some, others = Window(2.0), Window(2.0)
    some.done, others.done = 5, 7
    found = beside([some, others])
    assert (found.seconds, found.done) == (2.0, 12)


@pytest.mark.parametrize(("at", "seconds", "calls"), [(0.5, 0, 0), (3.5, 2.5, 25), (99, 4, 40)])
def test_a_measurement_that_is_stopped(at: float, seconds: float, calls: int) -> None:
    recorder = Recorder(Plan(warm_up=1, duration=4, window=2), (), 0.0)
    for number in range(100):
        start = number / 10
        if start + 0.1 > at + 1e-9:
            break
        call = recorder.began(start, lambda: start)  # noqa: B023
        call.end = start + 0.1
        recorder.ended(call)
    recorder.stop(at)
    found = recorder.result()
    assert found.seconds == pytest.approx(seconds)
    assert found.done == pytest.approx(calls)


def test_kinds_of_errors_are_few() -> None:
    recorder = Recorder(Plan(), (), 0.0)
    for number in range(200):
        call = recorder.began(1.5, lambda: 1.5)
        call.end, call.error = 1.6, f"kind {number}"
        recorder.ended(call)
    errors = recorder.windows[0].errors
    assert (len(errors), errors.total(), errors["others"]) == (51, 200, 150)
