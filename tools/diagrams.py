"""Draw the diagrams of the documentation: ``make docs`` does.

The state machine of an exchange is drawn from its own table, ``bento_proto.exchange.TRANSITIONS``: only the place of
each state is said here. The other drawings say what the pages beside them say.
"""

from __future__ import annotations

import math
from pathlib import Path

from bento_proto.exchange import TRANSITIONS, Input, State
from svg import Drawing

DOCS = Path(__file__).resolve().parent.parent / "docs"
PAGE = DOCS / "design.md"
FOLDER = DOCS / "_static"

_BEGIN, _END = "<!-- from TRANSITIONS, by tools/diagrams.py -->\n", "<!-- end -->"
_PLACES = {
    State.WAITING: (110, 190),
    State.RECEIVING: (390, 90),
    State.RECEIVING_ERROR: (390, 290),
    State.REDIRECTED: (110, 290),
    State.DONE: (670, 90),
    State.FAILED: (670, 190),
    State.CLOSED: (670, 330),
}
_HEIGHT = 380
_HALF = (62, 22)  # of a state's box


def table() -> str:
    """The transitions in Markdown: a row for each state, a column for each input."""
    rows = [["", *(f"`{what.value}`" for what in Input)], ["---"] * (1 + len(Input))]
    for state in State:
        follows = (TRANSITIONS[state].get(what) for what in Input)
        rows.append([f"**{state.value}**", *(after.value if after else "" for after in follows)])
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def exchange() -> Drawing:
    """The transitions. States that nothing leads out of have a double border."""
    edges: dict[tuple[State, State], list[str]] = {}
    for before, inputs in TRANSITIONS.items():
        for what, after in inputs.items():
            if after is not State.CLOSED:
                edges.setdefault((before, after), []).append(what.value)
    drawing = Drawing("exchange", "The states of an exchange", 780, _HEIGHT)
    x, y = _PLACES[State.WAITING]
    drawing.dot(x - 90, y)
    drawing.path(f"M{x - 90} {y}H{x - _HALF[0]}")
    x, y = _PLACES[State.CLOSED]  # from every state that something leads out of: one arrow for all
    drawing.dot(x - 130, y)
    drawing.path(f"M{x - 130} {y}H{x - _HALF[0]}")
    labels: list[tuple[float, float, str]] = [(x - 100, y - 16, "close")]
    for (before, after), names in edges.items():
        path, (at_x, at_y) = _loop(before) if before is after else _line(before, after)
        drawing.path(path)
        labels.append((at_x, at_y, ", ".join(names)))
    for at_x, at_y, label in labels:  # above all lines
        drawing.text(at_x, at_y, label, "label")
    for state in State:
        x, y = _PLACES[state]
        for inset in (0,) if TRANSITIONS[state] else (0, 4):
            w, h = _HALF[0] - inset, _HALF[1] - inset
            drawing.rectangle(x - w, y - h, 2 * w, 2 * h, "outline" if inset else "", 10 - inset)
        drawing.text(x, y, state.value)
    return drawing


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
    out = -1 if y < _HEIGHT / 2 else 1
    edge = y + out * _HALF[1]
    return f"M{x + 25} {edge}c15 {out * 50} -65 {out * 50} -50 0", (x, edge + out * 38)


def layers() -> Drawing:
    """The packages, each on what it stands on."""
    drawing = Drawing("layers", "The packages of bento-client, each above what it stands on", 780, 400)
    drawing.box(
        20, 20, 740, 62, "bento_client", "one import, command line, typed clients, tracing, progress bars, pytest"
    )
    drawing.box(20, 122, 235, 82, "bento_sync", "SyncHTTPClient, for threads", "over urllib3", kind="io")
    drawing.box(273, 122, 235, 82, "bento_async", "AsyncHTTPClient, asyncio and trio", "over anyio and h11", kind="io")
    drawing.box(526, 122, 234, 82, "your own I/O", "Tornado, Twisted, pycurl,", "a plain socket …", kind="dashed")
    for x in (137, 390):
        drawing.path(f"M{x} 82V122")
        drawing.path(f"M{x} 204V244")
    drawing.path("M643 204V244")
    drawing.rectangle(20, 244, 740, 136, "pure")
    drawing.text(390, 266, "bento_proto", "head")
    drawing.text(390, 287, "the protocol without I/O: no socket, no file, no clock, no thread", "small")
    rooms = ["schema", "request", "exchange", "response", "http11", "policy", "session", "pool", "batch", "observe"]
    for number, room in enumerate(rooms):
        row, column = divmod(number, 5)
        drawing.rectangle(38 + 142 * column, 304 + 36 * row, 136, 28, "outline", 6)
        drawing.text(106 + 142 * column, 318 + 36 * row, room, "code")
    return drawing


def call() -> Drawing:
    """The way of a call: to the Service above, back below."""
    drawing = Drawing("call", "The way of a call to the Service and back", 780, 330)
    there = (
        ("your call", "`client.summarize(", "`  text=…)", ""),
        ("request", "arguments become", "JSON or a form", "pure"),
        ("policy", "token, deadline,", "attempt", "pure"),
        ("connection", "from the pool,", "the bytes go out", "io"),
    )
    back = (
        ("your result", "a value, or", "one exception", ""),
        ("response", "bytes to values,", "by the schema", "pure"),
        ("policy", "done, once more,", "or a redirect", "pure"),
        ("connection", "the bytes come in,", "back to the pool", "io"),
    )
    for column, (above, below) in enumerate(zip(there, back, strict=True)):
        x = 10 + 160 * column
        drawing.box(x, 30, 142, 84, *above[:3], kind=above[3])
        drawing.box(x, 200, 142, 84, *below[:3], kind=below[3])
    for column in range(3):
        drawing.path(f"M{152 + 160 * column} 72h18")
        drawing.path(f"M{170 + 160 * column} 242h-18")
    drawing.box(660, 105, 110, 104, "the Service", "BentoML", "1.2 to 1.4")
    drawing.path("M632 72H715V105")
    drawing.path("M715 209V242H632")
    drawing.path("M401 200V114")
    drawing.text(401, 157, "once more", "label")
    for x, kind, text in ((170, "pure", "without I/O"), (330, "io", "the client's I/O")):
        drawing.rectangle(x, 302, 16, 16, kind, 4)
        drawing.text(x + 70, 310, text, "small")
    return drawing


def retries() -> Drawing:
    """Which failed call is sent again."""
    drawing = Drawing("retries", "Which failed call is sent again, and which is raised", 780, 452)
    questions = (
        (("Did any byte of the request go out?",), "no", "yes"),
        (("Did the server refuse it?", "429, or 503 with Retry-After"), "yes", "no"),
        (("May it be repeated?", "GET, HEAD, idempotent=True, Idempotency-Key"), "no", "yes"),
        (("Is the failure temporary?", "lost connection, timeout, 502, 503, 504"), "yes", "no"),
    )
    outcomes = (
        ("sent again", "after a growing wait", "good"),
        ("sent again", "after the server's wait, or a growing one", "good"),
        ("raised", "error.sent: whether it may have run", "bad"),
        ("sent again", "after a growing wait", "good"),
    )
    for number, ((lines, aside, on), (head, text, kind)) in enumerate(zip(questions, outcomes, strict=True)):
        y = 20 + 94 * number
        drawing.box(20, y, 350, 60, *lines)
        drawing.box(470, y, 290, 60, head, text, kind=kind)
        drawing.path(f"M370 {y + 30}H470")
        drawing.text(420, y + 30, aside, "label")
        drawing.path(f"M195 {y + 60}v34")
        drawing.text(195, y + 76, on, "label")
    drawing.box(20, 396, 350, 40, "raised", kind="bad")
    drawing.text(615, 407, "Each time needs an attempt that is left,", "small")
    drawing.text(615, 426, "time before the deadline, and the client's budget.", "small")
    return drawing


DRAWINGS = {"exchange": exchange, "layers": layers, "call": call, "retries": retries}


def described(page: str) -> str:
    """The page, with the table that is in it made anew."""
    before, _, rest = page.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not end:
        raise ValueError(f"{PAGE} has no place for the table: {_BEGIN}{_END}")
    return f"{before}{_BEGIN}\n{table()}\n{end}{after}"


def main() -> None:
    for name, draw in DRAWINGS.items():
        (FOLDER / f"{name}.svg").write_text(str(draw()), encoding="utf-8")
    PAGE.write_text(described(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
