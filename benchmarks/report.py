"""The figures as tables (Markdown) and as a chart (SVG)."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias
from xml.sax.saxutils import escape

from benchmarks.scenarios import BEFORE, SCENARIOS, Scenario, Target, is_ours

Rounds: TypeAlias = "Sequence[Mapping[str, float]]"
Found: TypeAlias = "Mapping[str, Rounds]"
Results: TypeAlias = "Mapping[str, Found]"

UNITS = {
    "cpu": ("CPU µs", 1, 1),
    "wall": ("wall µs", 1, 1),
    "memory": ("peak memory grows by MiB", 1 << 20, 1),
    "faults": ("page faults", 1, 2),
    "size": ("MB", 1e6, 1),
    "packages": ("packages", 1, 0),
}
"""For each figure: its heading, its divisor, and the number of digits shown."""

CHARTED = {
    "call": "cpu", "asyncio-64": "cpu", "records": "wall", "first": "wall", "download": "cpu", "process": "wall",
}  # fmt: skip
HELD = 1.1
"""How much a client of ours may take relative to the one from another wheel."""


def tables(results: Results) -> str:
    """Return the figures and the verdicts as Markdown."""
    return "\n".join(line for name, found in results.items() for line in _table(name, found, results))


def _table(name: str, found: Found, results: Results) -> Iterator[str]:
    scenario = _scenario(name)
    pinned = ", allocator pinned" if name.endswith("pinned") else ""
    headings = [UNITS[figure][0] for figure in scenario.shown]
    by = scenario.shown[0]
    yield f"\n### {scenario.title}{pinned} (`{name.partition(',')[0]}`)\n"
    yield f"| | {' | '.join(headings)} | × {scenario.reference} ({UNITS[by][0].split()[0]}) |"
    yield "|---" + "|--:" * (len(headings) + 1) + "|"
    for contender in sorted(found, key=lambda each: statistics.median(values(found[each], by))):
        cells = [_cell(found[contender], figure) for figure in scenario.shown]
        ratio = ratios(found[contender], found.get(scenario.reference, ()), by)
        shown = f"**{contender}**" if is_ours(contender) else contender
        yield f"| {shown} | {' | '.join(cells)} | {_spread(ratio)} |"
    targets = [*scenario.targets, *(Target(each, f"{each}{BEFORE}", HELD, by) for each in found)]
    verdicts = [_verdict(target, name, found, results) for target in targets]
    if any(verdicts):
        yield "\n| target | at most | measured | |\n|---|--:|--:|---|"
        yield from filter(None, verdicts)


def _scenario(name: str) -> Scenario:
    return SCENARIOS[name.partition(",")[0]]


def values(rounds: Rounds, figure: str) -> list[float]:
    """Return one figure of each round."""
    return [each[figure] for each in rounds]


def ratios(rounds: Rounds, others: Rounds, figure: str) -> list[float]:
    """Return the ratio of each round."""
    pairs = zip(values(rounds, figure), values(others, figure), strict=False)
    return [value / other for value, other in pairs if other]


def _cell(rounds: Rounds, figure: str) -> str:
    _, divisor, digits = UNITS[figure]
    return _spread([value / divisor for value in values(rounds, figure)], digits)


def _spread(found: Sequence[float], digits: int = 2) -> str:
    """Format the median, with the least and the most."""
    if not found:
        return ""
    middle = statistics.median(found)
    around = f" ({min(found):,.{digits}f}..{max(found):,.{digits}f})" if len(found) > 1 else ""
    return f"{middle:,.{digits}f}{around}"


def _verdict(target: Target, name: str, found: Found, results: Results) -> str:
    rounds = found.get(target.contender, ())
    if not rounds:
        return ""
    if target.other is None:
        heading, divisor, _ = UNITS[target.of]
        measured = [value / divisor for value in values(rounds, target.of)]
        at_most, what = target.at_most / divisor, f"{target.contender}: {heading}"
    else:
        elsewhere = name.replace(name.partition(",")[0], target.scenario or "") if target.scenario else name
        others = results.get(elsewhere, {}).get(target.other, ())
        measured = ratios(rounds, others, target.of)
        at_most = target.at_most
        where = f" in `{target.scenario}`" if target.scenario else ""
        what = f"{target.contender}: {target.of} ÷ {target.other}{where}"
    if not measured:
        return ""
    reached = "reached" if statistics.median(measured) <= at_most else "not reached"
    return f"| {what} | {at_most:.3g} | {_spread(measured)} | {reached} |"


# --- the chart

_WIDTH, _LEFT, _BAR, _ROW, _GAP = 760, 190, 13, 19, 52
_STYLE = """
text { font: 12px system-ui, sans-serif; fill: #24292f } .title { font-weight: 600; font-size: 13px }
.bar { fill: #b8bfc8 } .ours { fill: #d9480f } .value { font-size: 11px }
@media (prefers-color-scheme: dark) { text { fill: #d0d7de } .bar { fill: #57606a } }
"""


def chart(results: Results) -> str:
    """Draw the medians as bars, whose lengths compare within a scenario only."""
    parts: list[str] = []
    y = 8
    for name, figure in CHARTED.items():
        found = results.get(name)
        if found:
            parts += _bars(name, found, figure, y)
            y += _GAP + _ROW * len(found)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{y}" viewBox="0 0 {_WIDTH} {y}">'
    return "\n".join([head, f"<style>{_STYLE}</style>", *parts, "</svg>"]) + "\n"


def _bars(name: str, found: Found, figure: str, y: int) -> Iterator[str]:
    medians = {contender: statistics.median(values(rounds, figure)) for contender, rounds in found.items()}
    most = max(medians.values())
    yield f'<text class="title" x="8" y="{y + 14}">{escape(_scenario(name).title)}: {UNITS[figure][0]}</text>'
    y += 24
    for contender, value in sorted(medians.items(), key=lambda each: each[1]):
        length = max(value / most * (_WIDTH - _LEFT - 90), 1)
        kind = "bar ours" if is_ours(contender) else "bar"
        yield f'<text x="{_LEFT - 8}" y="{y + 11}" text-anchor="end">{escape(contender)}</text>'
        yield f'<rect class="{kind}" x="{_LEFT}" y="{y}" width="{length:.0f}" height="{_BAR}" rx="2"/>'
        yield f'<text class="value" x="{_LEFT + length + 6:.0f}" y="{y + 11}">{value:,.1f}</text>'
        y += _ROW
