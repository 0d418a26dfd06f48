"""Loads and schedules."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from itertools import chain, islice, pairwise

import pytest

from bento_client.bench import ClosedLoop, OpenLoop, Plan
from bento_client.bench._load import due_times, parts


def test_constant_arrivals_are_equally_far_apart_without_end() -> None:
    due = list(islice(due_times(OpenLoop(3, "constant"), 10.0, random.random), 30_001))
    assert due[:3] == pytest.approx([10, 10 + 1 / 3, 10 + 2 / 3])
    assert due[30_000] == pytest.approx(10_010, abs=1e-6)


def test_poisson_arrivals_have_the_rate_and_exponential_distances() -> None:
    due = list(islice(due_times(OpenLoop(50), 0.0, random.Random(5).random), 100_000))
    distances = [later - earlier for earlier, later in pairwise(due)]
    mean = sum(distances) / len(distances)
    assert mean == pytest.approx(1 / 50, rel=0.02)
    assert (sum((each - mean) ** 2 for each in distances) / len(distances)) ** 0.5 == pytest.approx(mean, rel=0.02)


def test_processes_share_a_load() -> None:
    assert parts(ClosedLoop(7), 3) == [(ClosedLoop(3), 0.0), (ClosedLoop(2), 0.0), (ClosedLoop(2), 0.0)]
    assert parts(ClosedLoop(2), 3) == [(ClosedLoop(1), 0.0)] * 2
    assert parts(OpenLoop(30, most=10), 3) == [(OpenLoop(10, most=most), 0.0) for most in (4, 3, 3)]
    shared = parts(OpenLoop(50, "constant"), 4)
    times = [
        islice(due_times(load, 3.0 + phase, lambda: 0.5), 25) for load, phase in shared if isinstance(load, OpenLoop)
    ]
    assert sorted(chain(*times)) == pytest.approx([3.0 + number / 50 for number in range(100)])


@pytest.mark.parametrize(
    ("duration", "width", "windows"),
    [(10.0, 2.0, 5), (1.0, 1.0, 1), (5.0, 2.5, 2), (3600.0, 72.0, 50)],
)
def test_windows_fill_the_duration_and_are_few(duration: float, width: float, windows: int) -> None:
    plan = Plan(duration=duration)
    assert (plan.width, plan.windows) == (width, windows)


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        (ClosedLoop, {"concurrency": 0}),
        (OpenLoop, {"rate": 0}),
        (OpenLoop, {"rate": math.nan}),
        (OpenLoop, {"rate": 1, "most": 0}),
        (Plan, {"duration": 0}),
        (Plan, {"window": -1}),
        (Plan, {"warm_up": math.nan}),
        (Plan, {"most_windows": 2}),
    ],
)
def test_what_is_no_load_is_refused(kind: Callable[..., object], arguments: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must be"):
        kind(**arguments)
