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
        if name not in _MODULES:
            raise AttributeError(f"module {{__name__!r}} has no attribute {{name!r}}")
        value = globals()[name] = getattr(_import_module(_MODULES[name], __name__), name)
        return value

    def __dir__():
        return {{*globals(), *__all__}}


__all__ = (
{names}
)
"""


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
    table = "\n".join(f'        "{name}": "{module}",' for name, module in sorted(modules.items()))
    names = "\n".join(f'    "{name}",' for name in sorted(modules))
    return written + mark + _LAZY.format(modules=table, names=names)


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
