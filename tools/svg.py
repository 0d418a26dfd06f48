"""Drawings of boxes and arrows as SVG, in the colors of light and dark pages."""

from __future__ import annotations

from html import escape

# A page may put a drawing into its own text: a reader's choice of a theme (`data-theme`, as furo marks it) then counts
# for the drawing as well. As an image, it goes by what the system prefers.
_LIGHT = (
    "--ink: #1c2733; --line: #66788a; --paper: #fff; --box: #eef3f8;"
    " --pure: #dcedff; --io: #fdebd3; --good: #d9f2df; --bad: #fbdcdc"
)
_DARK = (
    "--ink: #dfe7ef; --line: #8b9cae; --paper: #131416; --box: #262d36;"
    " --pure: #17385c; --io: #553a12; --good: #1b4a2a; --bad: #5d2427"
)
_STYLE = f"""
.drawing {{ {_LIGHT} }}
@media (prefers-color-scheme: dark) {{ .drawing {{ {_DARK} }} }}
body[data-theme="light"] .drawing {{ {_LIGHT} }}
body[data-theme="dark"] .drawing {{ {_DARK} }}
.drawing {{ display: block; margin: 1em auto; max-width: 100%; height: auto }}
.drawing text {{ font: 14px system-ui, sans-serif; text-anchor: middle; dominant-baseline: central; fill: var(--ink) }}
.drawing .head {{ font-weight: 600 }}
.drawing .code {{ font-family: ui-monospace, monospace; font-size: 12.5px }}
.drawing .small {{ font-size: 12.5px }}
.drawing .label {{ font-size: 12.5px; stroke: var(--color-background-primary, var(--paper)); stroke-width: 8px;
  paint-order: stroke }}
.drawing .edge {{ fill: none; stroke: var(--line); stroke-width: 1.5 }}
.drawing .tip {{ fill: var(--line) }}
.drawing rect {{ stroke: var(--line); stroke-width: 1.2; fill: var(--box) }}
.drawing rect.pure {{ fill: var(--pure) }}
.drawing rect.io {{ fill: var(--io) }}
.drawing rect.good {{ fill: var(--good) }}
.drawing rect.bad {{ fill: var(--bad) }}
.drawing rect.outline {{ fill: none }}
.drawing rect.dashed {{ fill: none; stroke-dasharray: 5 4 }}
"""
_LINE_HEIGHT = 19


class Drawing:
    """A drawing of a size in pixels; what is added later is above what was added before."""

    def __init__(self, name: str, title: str, width: int, height: int) -> None:
        self._tip = f"tip-{name}"  # several drawings on a page share the names of their parts
        named = f'role="img" aria-label="{escape(title)}"'
        size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        arrow = 'viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto"'
        self._parts = [
            f'<svg class="drawing" xmlns="http://www.w3.org/2000/svg" {size} {named}>',
            f"<title>{escape(title)}</title><style>{_STYLE}</style>",
            f'<marker id="{self._tip}" {arrow}><path class="tip" d="M0 0 8 4 0 8z"/></marker>',
        ]

    def rectangle(self, x: float, y: float, width: float, height: float, kind: str = "", radius: int = 8) -> None:
        """A box with its upper left corner there."""
        self._parts.append(
            f'<rect class="{kind}" x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="{radius}"/>'
        )

    def text(self, x: float, y: float, text: str, kind: str = "") -> None:
        """A line of text with its middle there."""
        self._parts.append(f'<text class="{kind}" x="{x:g}" y="{y:g}">{escape(text, quote=False)}</text>')

    def box(self, x: float, y: float, width: float, height: float, *lines: str, kind: str = "") -> None:
        """A box with lines in its middle: the first is its name, in backquotes if that is code; the others explain."""
        self.rectangle(x, y, width, height, kind)
        for number, line in enumerate(lines):
            style = "small" if number else "head"
            if line.startswith("`"):
                style = "code"
            top = y + height / 2 + (number - (len(lines) - 1) / 2) * _LINE_HEIGHT
            self.text(x + width / 2, top, line.strip("`"), style)

    def path(self, path: str, *, tip: bool = True) -> None:
        """A line, with the tip of an arrow at its end."""
        end = f' marker-end="url(#{self._tip})"' if tip else ""
        self._parts.append(f'<path class="edge" d="{path}"{end}/>')

    def dot(self, x: float, y: float) -> None:
        """A point where something begins."""
        self._parts.append(f'<circle class="tip" cx="{x:g}" cy="{y:g}" r="5"/>')

    def __str__(self) -> str:
        return "\n".join([*self._parts, "</svg>\n"])
