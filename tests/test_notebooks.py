"""The notebook in ``examples`` runs, cell by cell, with ``await`` at the top level as a kernel has it."""

from __future__ import annotations

import ast
import asyncio
import inspect
import json
from collections.abc import Coroutine
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any, cast

import pytest

from tests.servers import Servers

NOTEBOOK = Path(__file__).resolve().parent.parent / "examples" / "notebook.ipynb"


def cells() -> list[str]:
    document = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    return ["".join(cell["source"]) for cell in document["cells"] if cell["cell_type"] == "code"]


async def run(cell: str, names: dict[str, Any]) -> object:
    """Run a cell; return the value of its last line, if that is an expression."""
    tree = ast.parse(cell)
    last = tree.body[-1]
    if isinstance(last, ast.Expr):
        tree.body[-1] = ast.copy_location(ast.Assign([ast.Name("_", ast.Store())], last.value), last)
    code = cast("CodeType", compile(ast.fix_missing_locations(tree), "cell", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT))
    names["_"] = None
    found = FunctionType(code, names)()
    if inspect.iscoroutine(found):
        await cast("Coroutine[object, object, None]", found)
    return names["_"]


def test_the_notebook_runs(
    servers: Servers, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BENTO_CLIENT_URL", servers.url("readme:Readme"))

    async def main() -> list[object]:
        names: dict[str, Any] = {"__name__": "__main__"}
        return [await run(cell, names) for cell in cells()]

    shown = asyncio.run(main())
    assert "<table>" in getattr(shown[0], "_repr_html_")()  # noqa: B009
    assert "result = client.summarize(text=" in getattr(shown[1], "_repr_html_")()  # noqa: B009
    assert shown[2] == "A notebook shows what"
    printed = capsys.readouterr().out
    assert "chunk 2" in printed
    assert "3 of 3" in printed
    assert "did you mean 'summarize'?" in printed


def test_the_notebook_is_kept_without_output() -> None:
    document = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    assert not [cell for cell in document["cells"] if cell.get("outputs") or cell.get("execution_count")]
