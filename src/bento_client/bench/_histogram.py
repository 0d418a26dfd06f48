"""A histogram of durations in flat memory, with a bounded error: log-linear buckets, as in HdrHistogram."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_SUB_BUCKETS: Final = 256  # of each power of two
_SMALLEST: Final = 1e-9  # seconds: whatever is shorter, zero included, is counted here
_OFFSET: Final = 32  # of exponents, so that the numbers of buckets are never negative
ERROR: Final = 1 / (2 * _SUB_BUCKETS)
"""The largest relative error of a percentile: half a bucket, 0.2 %. Count, sum, minimum and maximum are exact."""

PERCENTILES: Final = (50.0, 75.0, 90.0, 95.0, 99.0, 99.9)
"""The percentiles that a `Distribution` has."""


@dataclass(frozen=True, slots=True)
class Distribution:
    """What a histogram says, in seconds. With no values, all figures are 0.

    Attributes:
        count: the number of values.
        mean: their mean.
        stddev: their standard deviation.
        min: the smallest.
        max: the largest.
        percentiles: the smallest value that so many percent of the values do not exceed, by percent.
    """

    count: int
    mean: float
    stddev: float
    min: float
    max: float
    percentiles: Mapping[float, float]

    def percentile(self, percent: float) -> float:
        """One of the `PERCENTILES`.

        Raises:
            KeyError: it is not among them.
        """
        return self.percentiles[percent]


class Histogram:
    """Counts of durations, in seconds. It can be merged with others, and pickled."""

    __slots__ = ("_counts", "_squares", "count", "max", "min", "total")

    def __init__(self) -> None:
        self.count: int = 0
        self.total: float = 0.0
        self.min: float = math.inf
        self.max: float = 0.0
        self._squares: float = 0.0
        self._counts: dict[int, int] = {}

    def add(self, seconds: float) -> None:
        """Count a duration. A negative one, as a clock that is set may give, counts as zero."""
        seconds = max(seconds, 0.0)
        mantissa, exponent = math.frexp(max(seconds, _SMALLEST))  # mantissa: 0.5 to 1
        bucket = (exponent + _OFFSET) * _SUB_BUCKETS + int((mantissa - 0.5) * 2 * _SUB_BUCKETS)
        self._counts[bucket] = self._counts.get(bucket, 0) + 1
        self.count += 1
        self.total += seconds
        self._squares += seconds * seconds
        self.min = min(self.min, seconds)
        self.max = max(self.max, seconds)

    def merge(self, other: Histogram) -> None:
        """Count all durations of another histogram too."""
        for bucket, count in other._counts.items():
            self._counts[bucket] = self._counts.get(bucket, 0) + count
        self.count += other.count
        self.total += other.total
        self._squares += other._squares
        self.min = min(self.min, other.min)
        self.max = max(self.max, other.max)

    def percentile(self, percent: float) -> float:
        """The smallest duration that so many percent of all do not exceed, within `ERROR`; 0 if there are none."""
        rank = max(1, math.ceil(self.count * percent / 100 - 1e-9))
        seen = 0
        for bucket in sorted(self._counts):
            seen += self._counts[bucket]
            if seen >= rank:
                low, high = _bounds(bucket)
                return min(max((low + high) / 2, self.min), self.max)
        return 0.0

    def buckets(self, most: int = 200) -> list[tuple[float, int]]:
        """The counts as pairs of a duration, in the middle of a bucket, and a count; no more than so many buckets."""
        step = 1
        while len({bucket // step for bucket in self._counts}) > most:
            step *= 2
        merged: dict[int, int] = {}
        for bucket, count in self._counts.items():
            merged[bucket // step] = merged.get(bucket // step, 0) + count
        return [
            ((_bounds(bucket * step)[0] + _bounds(bucket * step + step - 1)[1]) / 2, merged[bucket])
            for bucket in sorted(merged)
        ]

    def summary(self) -> Distribution:
        """Its figures."""
        mean = self.total / self.count if self.count else 0.0
        variance = self._squares / self.count - mean * mean if self.count else 0.0
        return Distribution(
            self.count,
            mean,
            math.sqrt(max(variance, 0.0)),
            self.min if self.count else 0.0,
            self.max,
            {percent: self.percentile(percent) for percent in PERCENTILES},
        )


def _bounds(bucket: int) -> tuple[float, float]:
    exponent, part = divmod(bucket, _SUB_BUCKETS)
    scale = math.ldexp(0.5 / _SUB_BUCKETS, exponent - _OFFSET)
    return (_SUB_BUCKETS + part) * scale, (_SUB_BUCKETS + part + 1) * scale
