"""Record the demonstration as ``docs/_static/demo.svg``, an animation of a terminal: ``python tools/recording.py``.

It is a real run of ``demo/run.py``. Only the times are changed: waits are cut short, and a scene stays to be read.
"""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import NamedTuple

from demo import ENVIRON, set_up
from steps import ROOT

DRAWING = ROOT / "docs" / "_static" / "demo.svg"

COLUMNS, ROWS = 100, 22
_WIDTH, _HEIGHT = 7.85, 20  # of a character of 13 pixels, of a row
_LONGEST_WAIT = 0.8
_TO_READ = 1.8  # before a new scene
_AT_THE_END = 6.0
_STYLES = {"36": "code", "2": "title"}
_ESCAPE = re.compile(r"\x1b\[(\d*)m")
_STYLE = """
svg { max-width: 100%; height: auto }
text { font: 13px ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace; fill: #d5dde6 }
.code { fill: #7cc7ff }
.title { fill: #8fd19e }
@media (prefers-reduced-motion: reduce) { * { animation: none !important } }
"""


class Output(NamedTuple):
    """What was printed at once, and when: seconds from the beginning."""

    at: float
    text: str


def record(command: Sequence[str | Path], environ: dict[str, str]) -> list[Output]:
    """Run a command in the project's root, and note what it prints. Raises ``CalledProcessError`` if it fails."""
    outputs = []
    start = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, env={**os.environ, **environ}) as process:
        assert process.stdout is not None
        while data := os.read(process.stdout.fileno(), 65536):
            outputs.append(Output(time.monotonic() - start, data.decode()))
    if process.returncode != 0:
        raise subprocess.CalledProcessError(process.returncode, [*map(str, command)])
    return outputs


def paced(outputs: Sequence[Output]) -> list[Output]:
    """The same line by line, at times in which it can be read."""
    now = before = 0.0
    result = []
    for at, text in outputs:
        now += min(at - before, _LONGEST_WAIT)
        before = at
        for part in re.findall(r"[^\n]*\n|[^\n]+", text):
            if _ESCAPE.sub("", part).startswith("# "):
                now += _TO_READ
            elif _ESCAPE.sub("", part).startswith(">>> "):
                now += 0.4
            result.append(Output(now, part))
    return result


def drawing(outputs: Sequence[Output]) -> str:
    """The animation. Where motion is not wanted, it is the last screen."""
    total = outputs[-1].at + _AT_THE_END
    row = column = 0
    shown, rules, scrolls = [], [], []
    for number, (at, text) in enumerate(outputs):
        percent = f"{100 * at / total:.2f}%"
        if row >= ROWS and column == 0:
            scrolls.append(f"{percent}{{transform:translateY({(ROWS - 1 - row) * _HEIGHT}px)}}")
        line = text.rstrip("\n")
        if line:
            spans = "".join(_spans(line))
            x, y = 20 + column * _WIDTH, 58 + row * _HEIGHT
            shown.append(f'<text class="o{number}" x="{x:g}" y="{y}" xml:space="preserve">{spans}</text>')
            rules.append(f"@keyframes o{number}{{0%{{opacity:0}}{percent}{{opacity:1}}}}")
            rules.append(f".o{number}{{animation:o{number} {total:.1f}s step-end infinite}}")
        column += len(_ESCAPE.sub("", line))
        if text.endswith("\n"):
            row, column = row + 1, 0
    end = f"translateY({min(0, ROWS - row) * _HEIGHT}px)"
    rules.append(f"@keyframes scroll{{0%{{transform:none}}{''.join(scrolls)}}}")
    rules.append(f".screen{{transform:{end};animation:scroll {total:.1f}s step-end infinite}}")
    width, height = round(40 + COLUMNS * _WIDTH), 60 + ROWS * _HEIGHT
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">',
        "<title>A recorded run of make demo</title>",
        f"<style>{_STYLE}{''.join(rules)}</style>",
        f'<rect width="{width}" height="{height}" rx="10" fill="#161b22" stroke="#3d4753"/>',
        *(f'<circle cx="{x}" cy="20" r="6" fill="{color}"/>' for x, color in _BUTTONS),
        f'<text x="{width // 2}" y="24" text-anchor="middle">make demo</text>',
        f'<svg y="40" width="{width}" height="{height - 50}" viewBox="0 40 {width} {height - 50}">',
        '<g class="screen">',
        *shown,
        "</g></svg></svg>\n",
    ])  # fmt: skip


_BUTTONS = ((24, "#ff5f57"), (44, "#febc2e"), (64, "#28c840"))


def _spans(line: str) -> list[str]:
    """A line as SVG, its colors as classes."""
    spans, style = [], ""
    for number, part in enumerate(_ESCAPE.split(line)):
        if number % 2:
            style = _STYLES.get(part, "")
        elif part:
            text = escape(part, quote=False)
            spans.append(f'<tspan class="{style}">{text}</tspan>' if style else text)
    return spans


def main() -> None:
    python = set_up()
    outputs = record([python, "-u", ROOT / "demo" / "run.py"], {**ENVIRON, "FORCE_COLOR": "1"})
    DRAWING.write_text(drawing(paced(outputs)), encoding="utf-8")
    print(DRAWING)


if __name__ == "__main__":
    main()
