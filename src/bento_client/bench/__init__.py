"""Measure an endpoint of a Service under load: what ``bento-client bench`` does, as a library.

::

    report = bench(client, "summarize", [((), {"text": "..."})], [ClosedLoop(8), OpenLoop(rate=50)])
    print(table(report))

In a closed loop a number of callers call again and again; in an open loop calls are due at times that do not depend on
the Service, and their latency counts from these times. What decides is pure: schedules, histograms, windows and reports
take times and random numbers as arguments.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._bench import OnProgress, Progress, bench, bench_async
    from ._compare import compare
    from ._histogram import PERCENTILES, Distribution
    from ._html import html
    from ._load import Arrivals, ClosedLoop, Load, OpenLoop, Plan
    from ._report import LoadReport, Report, Slice
    from ._slo import Metric, Objective, parse_objective
    from ._table import amount, duration, table
    from ._target import Input


# Written by tools/exports.py from the imports above: a name is loaded when it is first asked for (PEP 562).
if not TYPE_CHECKING:
    from importlib import import_module as _import_module

    _MODULES = {
        "._bench": "OnProgress Progress bench bench_async",
        "._compare": "compare",
        "._histogram": "Distribution PERCENTILES",
        "._html": "html",
        "._load": "Arrivals ClosedLoop Load OpenLoop Plan",
        "._report": "LoadReport Report Slice",
        "._slo": "Metric Objective parse_objective",
        "._table": "amount duration table",
        "._target": "Input",
    }

    def __getattr__(name):
        for module, names in _MODULES.items():
            if name in names.split():
                value = globals()[name] = getattr(_import_module(module, __name__), name)
                return value
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__():
        return {*globals(), *__all__}


__all__ = (
    "Arrivals", "ClosedLoop", "Distribution", "Input", "Load", "LoadReport", "Metric", "Objective", "OnProgress",
    "OpenLoop", "PERCENTILES", "Plan", "Progress", "Report", "Slice", "amount", "bench", "bench_async", "compare",
    "duration", "html", "parse_objective", "table",
)  # fmt: skip
