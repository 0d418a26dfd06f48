"""Service level objectives: what a call, and all of them together, must keep."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, cast

from ._histogram import PERCENTILES

Metric: TypeAlias = Literal["latency", "first", "gap", "errors"]
"""What an objective is about: a call's latency, the time to its first item, the time between two of its items, or the
share of calls that fail."""

_FORM: Final = re.compile(
    r"(?:(?P<metric>latency|first|gap)[.:])?p(?P<percent>\d+(?:\.\d+)?)\s*(?:<=?|=)\s*"
    r"(?P<value>\d+(?:\.\d+)?)\s*(?P<unit>us|ms|s)"
)
_ERRORS: Final = re.compile(r"errors\s*(?:<=?|=)\s*(?P<value>\d+(?:\.\d+)?)\s*%")
_UNITS: Final = {"us": 1e-6, "ms": 1e-3, "s": 1.0}


@dataclass(frozen=True, slots=True)
class Objective:
    """One objective.

    Attributes:
        text: how it was given.
        metric: what it is about.
        limit: the limit: seconds, or a share of calls from 0 to 1.
        percent: the percentile that must keep it; None for errors.
    """

    text: str
    metric: Metric
    limit: float
    percent: float | None = None


def parse_objective(text: str) -> Objective:
    """Parse ``p99=200ms``, ``first.p95=1s``, ``gap.p99=50ms`` or ``errors=1%``.

    Raises:
        ValueError: it has another form, or a percentile that is not measured.
    """
    if found := _ERRORS.fullmatch(text.strip()):
        return Objective(text, "errors", float(found["value"]) / 100)
    found = _FORM.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"an objective is p99=200ms, first.p95=1s, gap.p99=50ms or errors=1%, not {text!r}")
    percent = float(found["percent"])
    if percent not in PERCENTILES:
        known = ", ".join(f"p{known:g}" for known in PERCENTILES)
        raise ValueError(f"{text!r}: the percentiles are {known}")
    limit = float(found["value"]) * _UNITS[found["unit"]]
    return Objective(text, cast("Metric", found["metric"] or "latency"), limit, percent)
