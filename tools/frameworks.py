"""Test endpoints in frameworks that read signatures: ``python tools/frameworks.py``; what follows is for pytest.

LangChain, FastMCP, Typer and FastAPI are in an environment of their own, which is made the first time.
"""

from __future__ import annotations

import sys

from build import REQUIREMENTS, ensure_with_wheel
from steps import ROOT, Command, conclude, step

TESTS = "tests/frameworks"


def main(arguments: list[str]) -> int:
    python = ensure_with_wheel("frameworks", REQUIREMENTS / "frameworks.txt")
    if arguments == ["--set-up"]:
        return 0
    pytest: Command = [python, "-m", "pytest", ROOT / TESTS, *arguments]
    return conclude({"frameworks": step("frameworks", pytest)})


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
