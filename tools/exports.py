"""Write what follows from the imports of each package's ``__init__``: ``python tools/exports.py [--check]``.

A package's face lists its public names once, as imports under ``if TYPE_CHECKING:``. From these come the table by which
a name is loaded when it is first asked for (PEP 562), and ``__all__``.
"""

from __future__ import annotations

import ast
import sys

from steps import ROOT

_MARK = "# Written by tools/exports.py from the imports above: a name is loaded when it is first asked for (PEP 562).\n"
_LAZY = """if not TYPE_CHECKING:
    from importlib import import_module as _import_module

    _MODULES = {{
{modules}
    }}

    def __getattr__(name):
        for module, names in _MODULES.items():
            if name in names.split():
                value = globals()[name] = getattr(_import_module(module, __name__), name)
                return value
        raise AttributeError(f"module {{__name__!r}} has no attribute {{name!r}}")

    def __dir__():
        return {{*globals(), *__all__}}


__all__ = (
{names}
)  # fmt: skip
"""
_WIDTH = 120


def main(arguments: list[str]) -> int:
    stale = []
    for path in sorted((ROOT / "src").rglob("__init__.py")):
        text = path.read_text(encoding="utf-8")
        written = generated(text)
        if written != text:
            stale.append(path)
            if "--check" not in arguments:
                path.write_text(written, encoding="utf-8")
    for path in stale:
        print(path.relative_to(ROOT))
    return int(bool(stale) and "--check" in arguments)


def generated(text: str) -> str:
    """The text of an ``__init__`` with its generated part anew; the text itself if it has none."""
    written, mark, _ = text.partition(_MARK)
    if not mark:
        return text
    modules = exports(written)
    table = "\n".join(
        _entry(module, sorted(name for name in modules if modules[name] == module))
        for module in sorted(set(modules.values()))
    )
    names = _filled([f'"{name}",' for name in sorted(modules)], "    ", "")
    return written + mark + _LAZY.format(modules=table, names=names)


def _entry(module: str, names: list[str]) -> str:
    """The line of the table for a module, or several where its names fill more."""
    line = f'        "{module}": "{" ".join(names)}",'
    if len(line) <= _WIDTH:
        return line
    return f'        "{module}": (\n{_filled([f"{name} " for name in names], " " * 12, chr(34))}\n        ),'


def _filled(words: list[str], indent: str, quote: str) -> str:
    """The words on as few lines as they fit in."""
    lines: list[str] = []
    for word in words:
        longer = f"{lines[-1]}{'' if quote else ' '}{word}" if lines else ""
        if lines and len(indent) + len(longer) + 2 * len(quote) <= _WIDTH:
            lines[-1] = longer
        else:
            lines.append(word)
    if quote and lines:
        lines[-1] = lines[-1].rstrip()
    return "\n".join(f"{indent}{quote}{line}{quote}" for line in lines)


def exports(text: str) -> dict[str, str]:
    """The names that a face imports for type checkers, each with its module as `importlib` takes it."""
    return {
        alias.asname or alias.name: "." * node.level + (node.module or "")
        for block in ast.parse(text).body
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
