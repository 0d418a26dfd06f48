"""Draw the state machine of an exchange from its own table, for ``docs/design.md``: ``make docs`` does.

Only where each state stands is said here; which states there are, and what leads from one to another, is read from
``bento_proto.TRANSITIONS``.
"""

from __future__ import annotations

import math
from pathlib import Path

from bento_proto.exchange import TRANSITIONS, Input, State

DOCS = Path(__file__).resolve().parent.parent / "docs"
PAGE = DOCS / "design.md"
DRAWING = DOCS / "exchange.svg"

_BEGIN, _END = "<!-- from TRANSITIONS, by tools/diagrams.py -->\n", "<!-- end -->"
_PLACES = {
    State.WAITING: (110, 190),
    State.RECEIVING: (390, 90),
    State.RECEIVING_ERROR: (390, 290),
    State.REDIRECTED: (110, 290),
    State.DONE: (670, 90),
    State.FAILED: (670, 190),
    State.CLOSED: (670, 290),
}
_SIZE = (780, 380)
_HALF = (62, 22)  # of a state's box
_STYLE = """
  text { font: 15px system-ui, sans-serif; text-anchor: middle; dominant-baseline: central; fill: #1c2733 }
  .edge { fill: none; stroke: #5b6b7c; stroke-width: 1.5; marker-end: url(#tip) }
  .input { font-size: 13px; fill: #33475b; stroke: #fff; stroke-width: 9px; paint-order: stroke }
  .state { fill: #eef3f8; stroke: #5b6b7c; stroke-width: 1.5 }
  .last { fill: none; stroke: #5b6b7c }
"""


def table() -> str:
    """The transitions in Markdown: a row for each state, a column for each input."""
    rows = [["", *(f"`{what.value}`" for what in Input)], ["---"] * (1 + len(Input))]
    for state in State:
        follows = (TRANSITIONS[state].get(what) for what in Input)
        rows.append([f"**{state.value}**", *(after.value if after else "" for after in follows)])
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def drawing() -> str:
    """The transitions as SVG. States that nothing leads out of have a double border."""
    edges: dict[tuple[State, State], list[str]] = {}
    for before, inputs in TRANSITIONS.items():
        for what, after in inputs.items():
            edges.setdefault((before, after), []).append(what.value)
    width, height = _SIZE
    x, y = _PLACES[State.WAITING]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">',
        f"<title>The states of an exchange</title><style>{_STYLE}</style>",
        '<marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto">',
        '<path d="M0 0 8 4 0 8z" fill="#5b6b7c"/></marker>',
        f'<rect width="{width}" height="{height}" rx="8" fill="#fff"/>',
        f'<circle cx="{x - 90}" cy="{y}" r="5" fill="#5b6b7c"/>',
        f'<path class="edge" d="M{x - 90} {y}H{x - _HALF[0]}"/>',
    ]
    labels = []
    for (before, after), names in edges.items():
        path, (at_x, at_y) = _loop(before) if before is after else _line(before, after)
        parts.append(f'<path class="edge" d="{path}"/>')
        labels.append(f'<text class="input" x="{at_x:g}" y="{at_y:g}">{", ".join(names)}</text>')
    parts += labels  # above all lines
    for state in State:
        x, y = _PLACES[state]
        parts.append(_box(state, "state", 0))
        if not TRANSITIONS[state]:
            parts.append(_box(state, "last", 4))
        parts.append(f'<text x="{x}" y="{y}">{state.value}</text>')
    return "\n".join([*parts, "</svg>\n"])


def _box(state: State, kind: str, inset: int) -> str:
    (x, y), (w, h) = _PLACES[state], (_HALF[0] - inset, _HALF[1] - inset)
    return f'<rect class="{kind}" x="{x - w}" y="{y - h}" width="{2 * w}" height="{2 * h}" rx="{10 - inset}"/>'


def _line(before: State, after: State) -> tuple[str, tuple[float, float]]:
    """A straight line from box to box, and its middle."""
    (x, y), (to_x, to_y) = _PLACES[before], _PLACES[after]
    dx, dy = to_x - x, to_y - y
    reach = min(half / abs(d) if d else math.inf for half, d in zip(_HALF, (dx, dy), strict=True))
    begin, end = (x + dx * reach, y + dy * reach), (to_x - dx * reach, to_y - dy * reach)
    path = f"M{begin[0]:g} {begin[1]:g} {end[0]:g} {end[1]:g}"
    return path, ((begin[0] + end[0]) / 2, (begin[1] + end[1]) / 2)


def _loop(state: State) -> tuple[str, tuple[float, float]]:
    """A loop on the outer side of a box, and its outermost point."""
    x, y = _PLACES[state]
    out = -1 if y < _SIZE[1] / 2 else 1
    edge = y + out * _HALF[1]
    return f"M{x + 25} {edge}c15 {out * 50} -65 {out * 50} -50 0", (x, edge + out * 38)


def described(page: str) -> str:
    """The page, with the table that is in it made anew."""
    before, _, rest = page.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not end:
        raise ValueError(f"{PAGE} has no place for the table: {_BEGIN}{_END}")
    return f"{before}{_BEGIN}\n{table()}\n{end}{after}"


def main() -> None:
    DRAWING.write_text(drawing(), encoding="utf-8")
    PAGE.write_text(described(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
