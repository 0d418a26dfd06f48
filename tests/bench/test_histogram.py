"""Percentiles are those of the sorted values, within the error that is said."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bento_client.bench._histogram import ERROR, PERCENTILES, Histogram

DURATIONS = st.lists(st.floats(1e-6, 1e4), min_size=1, max_size=300)


def histogram(values: list[float]) -> Histogram:
    found = Histogram()
    for value in values:
        found.add(value)
    return found


@given(DURATIONS)
def test_percentiles_are_those_of_the_sorted_values(values: list[float]) -> None:
    found = histogram(values).summary()
    for percent in PERCENTILES:
        exact = sorted(values)[max(1, math.ceil(len(values) * percent / 100 - 1e-9)) - 1]
        assert found.percentile(percent) == pytest.approx(exact, rel=ERROR * 1.01)
    assert (found.count, found.min, found.max) == (len(values), min(values), max(values))
    assert found.mean == pytest.approx(sum(values) / len(values))


@given(DURATIONS, DURATIONS)
def test_a_merged_histogram_is_that_of_all_values(some: list[float], others: list[float]) -> None:
    found, both = histogram(some), histogram(some + others)
    found.merge(histogram(others))
    mine, whole = found.summary(), both.summary()
    assert mine.percentiles == whole.percentiles
    assert (mine.count, mine.min, mine.max) == (whole.count, whole.min, whole.max)
    assert mine.mean == pytest.approx(whole.mean)
    assert mine.stddev == pytest.approx(whole.stddev, abs=1e-3)


@given(DURATIONS, st.integers(1, 50))
def test_buckets_have_every_value_once_and_are_few(values: list[float], most: int) -> None:
    buckets = histogram(values).buckets(most)
    assert sum(count for _, count in buckets) == len(values)
    assert len(buckets) <= most
    assert buckets == sorted(buckets)


def test_it_takes_no_more_memory_for_more_values() -> None:
    chance = random.Random(3)
    found = histogram([chance.lognormvariate(-3, 1) for _ in range(200_000)])
    assert len(found._counts) < 5_000
    assert found.count == 200_000


def test_nothing_zero_and_less_than_zero_are_counted() -> None:
    empty = Histogram().summary()
    assert (empty.count, empty.mean, empty.min, empty.max, empty.percentile(99.0)) == (0, 0.0, 0.0, 0.0, 0.0)
    found = histogram([0.0, -1.0]).summary()
    assert (found.count, found.min, found.max, found.percentile(50.0)) == (2, 0.0, 0.0, 0.0)
