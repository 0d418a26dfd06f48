"""The tool that runs what the other tools set up: what commands print is shown, and which failed is told."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from steps import Step, conclude, side_by_side


def program(title: str, code: str) -> Step:
    return Step(title, [sys.executable, "-c", code], {"WORD": f"hi from {title}"})


def test_steps_side_by_side(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    there = f"import os, pathlib, sys, time\nthere = pathlib.Path({str(tmp_path / 'there')!r})\n"
    steps = [
        program("waits", there + "while not there.exists(): time.sleep(0.01)\nprint(os.environ['WORD'])"),
        program("fails", there + "print('so\\nit', 'is', file=sys.stderr)\nthere.touch()\nsys.exit(3)"),
        program("last", "print('done')"),
    ]
    outcomes = side_by_side(steps, at_once=2)
    assert outcomes == {"waits": True, "fails": False, "last": True}
    assert conclude(outcomes) == 1
    lines = capfd.readouterr().out.splitlines()
    assert {"[waits] hi from waits", "[fails] so", "[fails] it is", "[last] done"} < set(lines)
    assert any(line.startswith("--- fails: FAILED (exit code 3), ") for line in lines)
    assert lines[-1] == "1 of 3 steps FAILED: fails"
