"""Two reports beside each other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ._report import LoadReport, Report
from ._table import amount, duration, grid

_FIGURES: Final[tuple[tuple[str, Callable[[LoadReport], float], Callable[[float], str]], ...]] = (
    ("calls/s", lambda load: load.calls_per_second, amount),
    ("good/s", lambda load: load.good_per_second or 0.0, amount),
    ("p50", lambda load: load.latency.percentile(50.0), duration),
    ("p90", lambda load: load.latency.percentile(90.0), duration),
    ("p99", lambda load: load.latency.percentile(99.0), duration),
    ("p99.9", lambda load: load.latency.percentile(99.9), duration),
    ("first p50", lambda load: load.first.percentile(50.0), duration),
    ("first p99", lambda load: load.first.percentile(99.0), duration),
    ("gap p50", lambda load: load.gap.percentile(50.0), duration),
    ("gap p99", lambda load: load.gap.percentile(99.0), duration),
    ("items/s", lambda load: load.items_per_second, amount),
    ("errors", lambda load: float(load.failed), lambda value: f"{value:,.0f}"),
)


def compare(before: Report, after: Report) -> str:
    """What has changed from one report to another, as a table for each load that both have.

    Figures that are 0 in both are left out.
    """
    lines = [f"before: {_told(before)}", f"after:  {_told(after)}"]
    earlier = {load.load: load for load in before.loads}
    for load in after.loads:
        if load.load not in earlier:
            continue
        rows = [["", "before", "after", "change"]]
        for name, figure, show in _FIGURES:
            old, new = figure(earlier[load.load]), figure(load)
            if old or new:
                rows.append([name, show(old), show(new), f"{(new - old) / old:+.1%}" if old else ""])
        lines += ["", load.load, *grid(rows)]
    for name, mine, others in (("before", before, after), ("after", after, before)):
        known = {load.load for load in others.loads}
        only = [load.load for load in mine.loads if load.load not in known]
        if only:
            lines += ["", f"only {name}: {', '.join(only)}"]
    return "\n".join(lines) + "\n"


def _told(report: Report) -> str:
    return f"{report.endpoint} at {report.url}, {report.started}"
