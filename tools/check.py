"""The static checks: ``python tools/check.py``. All of them run, whatever fails; the exit code tells."""

from __future__ import annotations

import os
import sys

from build import PACKAGES, REQUIREMENTS, ensure_with_wheel
from steps import ROOT, Command, conclude, step

# Of what is checked beside `src`, whatever there is.
FOLDERS = ("tools", "tests", "typing_tests", "examples", "demo", "benchmarks", "fuzz")


def main() -> int:
    python = ensure_with_wheel("check", REQUIREMENTS / "check.txt")
    folders = ["src", *(name for name in FOLDERS if any((ROOT / name).rglob("*.py")))]
    mypy: Command = [python, "-m", "mypy"]
    # What mypy remembers is of one system: each has its own.
    windows = ("--platform", "win32", "--cache-dir", ".mypy_cache/windows", "--no-warn-unreachable")
    pyright: Command = [python, "-m", "pyright"]
    steps: dict[str, Command] = {
        "format": [python, "-m", "ruff", "format", "--check", "."],
        "lint": [python, "-m", "ruff", "check", "."],
        "generated exports": [sys.executable, ROOT / "tools" / "exports.py", "--check"],
        "types (mypy)": [*mypy, *folders],
        # What only one system has must not be met on another.
        "types for Windows (mypy)": [*mypy, *windows, "src"],
        "types (pyright)": pyright,
    }
    for package in PACKAGES:
        steps[f"public types of {package}"] = [*pyright, "--verifytypes", package, "--ignoreexternal"]
    # pyright, a Node.js program, takes the first python of the PATH for the one that it checks for.
    environ = {"PATH": os.pathsep.join((str(python.parent), os.environ.get("PATH", "")))}
    return conclude({title: step(title, command, environ=environ) for title, command in steps.items()})


if __name__ == "__main__":
    sys.exit(main())
