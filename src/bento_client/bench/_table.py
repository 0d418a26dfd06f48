"""A report as a table in plain text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bento_proto.observe import one_line

from ._metrics import Figure, figures
from ._report import LoadReport, Report

_FIGURES: Final = 6  # of the Service's own, for one load
_LONGEST: Final = 100
_UNITS: Final = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"))


def duration(seconds: float) -> str:
    """A duration with three digits and its unit."""
    for size, unit in _UNITS:
        if seconds >= size * 0.9995:
            return f"{_digits(seconds / size)} {unit}"
    return "0" if seconds <= 0 else f"{seconds * 1e6:.2g} µs"


def amount(number: float) -> str:
    """A number with about three digits; thousands are separated."""
    return f"{number:,.0f}" if number >= 1000 else _digits(number)


def size(number: float) -> str:
    """A number of bytes."""
    for unit in ("B", "kB", "MB", "GB"):
        if number < 999.5 or unit == "GB":
            return f"{_digits(number)} {unit}" if number else "0"
        number /= 1000
    raise AssertionError


def _digits(number: float) -> str:
    return f"{number:.0f}" if number >= 99.95 else f"{number:.1f}" if number >= 9.995 else f"{number:.2f}"


def table(report: Report) -> str:
    """The report as text: a table with a row for each load, and below it what else there is to say."""
    lines = [f"{report.endpoint} at {report.url}", ""]
    heads, rows = columns(report)
    lines += grid([heads, *rows])
    for load in report.loads:
        if found := notes(load):
            lines += ["", f"{load.load}:", *(f"  {note}" for note in found)]
    if said := verdict(report):
        lines += ["", said]
    return "\n".join(lines) + "\n"


def columns(report: Report) -> tuple[list[str], list[list[str]]]:
    """The heads of the table's columns, and its rows. What no load has is left out."""
    loads = report.loads
    found: list[tuple[str, list[str]]] = [
        ("load", [load.load for load in loads]),
        ("calls", [f"{load.calls:,}" for load in loads]),
        ("calls/s", [amount(load.calls_per_second) for load in loads]),
    ]
    if report.objectives:
        found.append(("good/s", [amount(load.good_per_second or 0) for load in loads]))
    found += [
        (f"p{percent:g}", [_time(load, load.latency.percentile(percent)) for load in loads])
        for percent in (50.0, 90.0, 99.0, 99.9)
    ]
    found.append(("max", [_time(load, load.latency.max) for load in loads]))
    if any(load.first.count for load in loads):
        found.append(("first p50", [duration(load.first.percentile(50.0)) for load in loads]))
        found.append(("first p99", [duration(load.first.percentile(99.0)) for load in loads]))
    if any(load.gap.count for load in loads):
        found.append(("gap p50", [duration(load.gap.percentile(50.0)) for load in loads]))
        found.append(("gap p99", [duration(load.gap.percentile(99.0)) for load in loads]))
        found.append(("items/s", [amount(load.items_per_second) for load in loads]))
    found.append(("in/s", [size(load.received_per_second) for load in loads]))
    found.append(("out/s", [size(load.sent_per_second) for load in loads]))
    found.append(("errors", [f"{load.failed:,}" for load in loads]))
    if report.objectives:
        found.append(("met", ["yes" if load.is_met else "no" for load in loads]))
    return [head for head, _ in found], [list(row) for row in zip(*(column for _, column in found), strict=True)]


def _time(load: LoadReport, seconds: float) -> str:
    return duration(seconds) if load.calls else "-"


def grid(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows of cells as lines; all columns but the first are aligned to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if number else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def notes(load: LoadReport) -> list[str]:
    """What there is to say of a load beside its figures: errors, objectives not met, the Service's own, warnings."""
    found = [f"{count} x {kind}" for kind, count in load.errors.items()]
    found += [f"not met: {text}" for text, is_met in load.met.items() if not is_met]
    counted = figures(load.server)
    found += [_figure(each) for each in counted[:_FIGURES]]
    if len(counted) > _FIGURES:
        found.append(f"server: {len(counted) - _FIGURES} more in the JSON report")
    return [*found, *(f"warning: {text}" for text in load.warnings)]


def _figure(figure: Figure) -> str:
    """What the Service's own counters say; their names and labels are the Service's words."""
    name = one_line(f"{figure.name}{{{figure.labels}}}" if figure.labels else figure.name)[:_LONGEST]
    count = f"{figure.number:,.0f}" if figure.number % 1 == 0 else amount(figure.number)
    if figure.mean is None:
        return f"server: {name} +{count}"
    mean = duration(figure.mean) if figure.name.endswith("_seconds") else amount(figure.mean)
    return f"server: {name} {mean} on average, {count} times"


def verdict(report: Report) -> str:
    """Up to which load the objectives are met; empty if there is nothing to choose from."""
    if not report.objectives or len(report.loads) < 2:
        return ""
    kept = [load for load in report.loads if load.is_met]
    if not kept:
        return f"no load meets {', '.join(report.objectives)}"
    best = max(kept, key=lambda load: load.calls_per_second)
    return f"{', '.join(report.objectives)} is met up to {best.load}: {amount(best.calls_per_second)} calls/s"
