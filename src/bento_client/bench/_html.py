"""A report as one HTML page that needs no other file and no network."""

from __future__ import annotations

from html import escape
from itertools import accumulate
from typing import Final

from ._report import LoadReport, Report
from ._svg import Line, chart
from ._table import amount, columns, duration, notes, verdict

_STYLE: Final = """
:root { color-scheme: light dark; --back: #fff; --text: #1d2329; --faint: #d8dee4;
  --c0: #0b62c4; --c1: #c2410c; --c2: #15803d; --c3: #7e22ce; --c4: #b91c1c; --c5: #0e7490;
  --c6: #a16207; --c7: #64748b; }
@media (prefers-color-scheme: dark) { :root { --back: #14181d; --text: #dfe5eb; --faint: #343b44;
  --c0: #6cb0ff; --c1: #ff9a62; --c2: #5fd38a; --c3: #cf9bff; --c4: #ff8484; --c5: #55d0e6;
  --c6: #e7bd56; --c7: #a3b1c2; } }
body { margin: 2rem auto; max-width: 60rem; padding: 0 1rem; background: var(--back); color: var(--text);
  font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; margin-bottom: 0; } h2 { font-size: 1.1rem; margin-top: 2rem; }
.table { overflow-x: auto; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .6rem; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--faint); }
th:first-child, td:first-child { text-align: left; }
svg { width: 100%; height: auto; } svg text { fill: var(--text); font-size: 11px; } svg .label { font-size: 12px; }
.end { text-anchor: end; } .middle { text-anchor: middle; } .grid { stroke: var(--faint); }
polyline { fill: none; stroke-width: 1.8; } .legend { margin: 0; font-size: .85rem; }
.legend span { margin-right: 1.2rem; } .legend i { display: inline-block; width: 1.4em; height: 3px; margin-right: .4em;
  vertical-align: middle; } .legend .dashed { opacity: .5; }
"""


def html(report: Report) -> str:
    """The report as an HTML page: the table, and plots of throughput, of latency over time and of its distribution."""
    heads, rows = columns(report)
    table = "".join(
        f"<tr>{''.join(f'<{kind}>{escape(cell)}</{kind}>' for cell in row)}</tr>"
        for kind, row in [("th", heads), *(("td", row) for row in rows)]
    )
    title = escape(f"{report.endpoint} at {report.url}")
    said = "".join(
        f"<h2>{escape(load.load)}</h2><ul>{''.join(f'<li>{escape(note)}</li>' for note in notes(load))}</ul>"
        for load in report.loads
        if notes(load)
    )
    plots = [
        ("Throughput and latency by load", _by_load(report)),
        ("Latency over time", _over_time(report)),
        ("Distribution of the latency", _distribution(report)),
    ]
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head><body>'
        f"<h1>{title}</h1><p>{escape(report.started)}, bento-client {escape(report.version)}</p>"
        f'<div class="table"><table>{table}</table></div><p>{escape(verdict(report))}</p>{said}'
        + "".join(f"<h2>{heading}</h2>{plot}" for heading, plot in plots if plot)
        + "</body></html>\n"
    )


def _by_load(report: Report) -> str:
    found: list[str] = []
    kinds = (("callers", "concurrency"), ("calls a second that are due", "rate"))
    for label, name in kinds:
        loads = sorted(
            ((float(value), load) for load in report.loads if (value := getattr(load, name)) is not None),
            key=lambda pair: pair[0],
        )
        if len(loads) < 2:
            continue
        rates = [Line("calls/s", [(x, load.calls_per_second) for x, load in loads], 0)]
        if report.objectives:
            rates.append(Line("good/s", [(x, load.good_per_second or 0.0) for x, load in loads], 2))
        found.append(chart(rates, label, "calls a second", show_x=_number, show_y=amount))
        times = [
            Line(f"p{percent:g}", [(x, load.latency.percentile(percent)) for x, load in loads], color)
            for percent, color in ((50.0, 0), (90.0, 2), (99.0, 1))
        ]
        found.append(chart(times, label, "latency", show_x=_number, show_y=duration))
    return "".join(found)


def _over_time(report: Report) -> str:
    lines: list[Line] = []
    for color, load in enumerate(report.loads):
        slices = [each for each in load.timeline if each.calls]
        for name, is_dashed in (("p50", True), ("p99", False)):
            points = [(each.start + each.seconds / 2, float(getattr(each, name))) for each in slices]
            lines.append(Line(f"{load.load}, {name}", points, color, is_dashed))
    plot = chart(lines, "time since the start of the load", "latency", show_x=_seconds, show_y=duration)
    lines = [_failures(load, color) for color, load in enumerate(report.loads) if load.failed]
    return plot + chart(lines, "time since the start of the load", "failed calls", show_x=_seconds, show_y=amount)


def _failures(load: LoadReport, color: int) -> Line:
    return Line(load.load, [(each.start + each.seconds / 2, float(each.failed)) for each in load.timeline], color)


def _distribution(report: Report) -> str:
    lines: list[Line] = []
    for color, load in enumerate(report.loads):
        shares = accumulate(count / load.calls for _, count in load.buckets)
        points = [(seconds, share) for (seconds, _), share in zip(load.buckets, shares, strict=True)]
        lines.append(Line(load.load, points, color))
    return chart(
        lines, "latency", "share of calls up to it", show_x=duration, show_y=lambda value: f"{value:.0%}", is_log=True
    )


def _seconds(value: float) -> str:
    return f"{value:g} s"


def _number(value: float) -> str:
    return f"{value:g}"
