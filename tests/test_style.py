"""What holds for the files of the project, whatever is in them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MOST_LINES = 620  # about what a single concept may need
OURS = {".ci", ".github"}
NOT_OURS = {"__pycache__", "build", "dist", "node_modules"}
# Places that one developer's machine has; the brackets keep this file from naming them itself.
ELSEWHERE = re.compile(r"(?<![\w.])/[w]ork/|/[.]library|[.][.]/[s]hared|/[t]mp/(?:dev|bvenv|team)\b")


def files() -> Iterator[Path]:
    """The project's files; hidden folders are the tools' caches and environments, but for `OURS`."""
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if name in OURS or not (name.startswith(".") or name in NOT_OURS)]
        yield from (Path(folder, name) for name in names if name != ".git")


def test_no_module_outgrows_the_head() -> None:
    lengths = {path: path.read_text(encoding="utf-8").count("\n") for path in (ROOT / "src").rglob("*.py")}
    assert lengths, "no sources found"
    assert {str(path.relative_to(ROOT)): lines for path, lines in lengths.items() if lines > MOST_LINES} == {}


def test_no_file_names_a_place_outside_the_project() -> None:
    found = []
    for path in files():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += [f"{path.relative_to(ROOT)}: {match.group()}" for match in ELSEWHERE.finditer(text)]
    assert found == []


def test_the_workflows_run_pinned_actions_that_may_write_nothing() -> None:
    workflows = [path.read_text(encoding="utf-8") for path in (ROOT / ".github" / "workflows").glob("*.yml")]
    assert workflows
    for text in workflows:
        used = re.findall(r"uses: (\S+)", text)
        assert used
        assert [action for action in used if not re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", action)] == []
        assert re.search(r"^permissions:", text, re.MULTILINE), "a workflow without them may write everything"
        assert set(re.findall(r"([\w-]+): write", text)) <= {"id-token"}
        assert "secrets." not in text
