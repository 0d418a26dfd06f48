"""How calls are made: so many at a time, or so many a second; and when each is due. Time and chance are arguments."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

Arrivals: TypeAlias = Literal["poisson", "constant"]
"""The distances between the calls of an open loop: random and independent of each other, or always the same."""


@dataclass(frozen=True, slots=True)
class ClosedLoop:
    """So many callers, each of which calls again as soon as it has its result.

    Such callers wait for a slow Service: while it stalls, they measure few calls. `OpenLoop` shows what users meet who
    do not wait for each other.

    Attributes:
        concurrency: the number of callers.
    """

    concurrency: int

    def __post_init__(self) -> None:
        if self.concurrency < 1:
            raise ValueError(f"concurrency must be 1 or more, not {self.concurrency}")

    @property
    def name(self) -> str:
        """Its name in tables."""
        return f"{self.concurrency} at a time"


@dataclass(frozen=True, slots=True)
class OpenLoop:
    """So many calls a second, whether or not the earlier ones have ended. Latency counts from the time a call is due.

    Attributes:
        rate: calls a second.
        arrivals: the distances between them.
        most: calls at a time; further ones wait, and their latency counts on.
    """

    rate: float
    arrivals: Arrivals = "poisson"
    most: int = 1000

    def __post_init__(self) -> None:
        if not 0 < self.rate < math.inf:
            raise ValueError(f"rate must be more than 0 calls a second, not {self.rate}")
        if self.most < 1:
            raise ValueError(f"most must be 1 or more, not {self.most}")

    @property
    def name(self) -> str:
        """Its name in tables."""
        return f"{self.rate:g}/s {self.arrivals}"


Load: TypeAlias = ClosedLoop | OpenLoop
"""How calls are made."""


def due_times(load: OpenLoop, start: float, random: Callable[[], float]) -> Iterator[float]:
    """When each call of an open loop is due, without end.

    Args:
        load: the load.
        start: the time from which on calls are due.
        random: gives random numbers from 0 to less than 1, as ``random.random``.
    """
    if load.arrivals == "constant":
        number = 0
        while True:
            yield start + number / load.rate  # multiplied, not added up: rounding does not accumulate
            number += 1
    due = start
    while True:
        due -= math.log(1.0 - random()) / load.rate
        yield due


def parts(load: Load, count: int) -> list[tuple[Load, float]]:
    """A load as that of so many processes; of fewer, if there are not as many calls at a time.

    Each has a phase: by how many seconds its calls are due later than those of the first one.
    """
    if isinstance(load, ClosedLoop):
        count = min(count, load.concurrency)
        return [(ClosedLoop(_share(load.concurrency, count, number)), 0.0) for number in range(count)]
    count = min(count, load.most)
    distance = 1 / load.rate if load.arrivals == "constant" else 0.0
    return [
        (OpenLoop(load.rate / count, load.arrivals, _share(load.most, count, number)), number * distance)
        for number in range(count)
    ]


def _share(whole: int, count: int, number: int) -> int:
    return whole // count + (number < whole % count)


@dataclass(frozen=True, slots=True)
class Plan:
    """How long each load is measured.

    Attributes:
        warm_up: seconds of load before the measurement.
        duration: seconds to measure; None to measure windows until the last three agree.
        window: seconds of a window.
        tolerance: how far the last three windows may be from their mean, in throughput and in mean latency; 0.1 for
            10 %.
        most_windows: the windows after which it ends although they don't agree.
        drain: seconds to wait, after the measurement, for calls that have not ended; they count as errors then.
    """

    warm_up: float = 1.0
    duration: float | None = None
    window: float = 2.0
    tolerance: float = 0.1
    most_windows: int = 15
    drain: float = 30.0

    def __post_init__(self) -> None:
        for name in ("warm_up", "drain", "tolerance"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ValueError(f"{name} must be 0 or more, not {getattr(self, name)}")
        if not 0 < self.window < math.inf:
            raise ValueError(f"window must be more than 0 seconds, not {self.window}")
        if self.duration is not None and not 0 < self.duration < math.inf:
            raise ValueError(f"duration must be more than 0 seconds, not {self.duration}")
        if self.most_windows < STABLE:
            raise ValueError(f"most_windows must be {STABLE} or more, not {self.most_windows}")

    @property
    def width(self) -> float:
        """Seconds of a window: with a duration, a whole number of windows fills it, and not more than fifty."""
        if self.duration is None:
            return self.window
        return self.duration / max(1, min(50, round(self.duration / self.window)))

    @property
    def windows(self) -> int:
        """The number of windows, at most."""
        return self.most_windows if self.duration is None else round(self.duration / self.width)


STABLE = 3
"""The windows that must agree."""
