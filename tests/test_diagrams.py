"""The pictures in the documentation are those that the tools make, of the code as it is."""

from __future__ import annotations

import ast
from html import escape
from pathlib import Path

import pytest

from bento_proto.exchange import TRANSITIONS, State
from diagrams import DRAWINGS, FOLDER, PAGE, described

DEMO = Path(__file__).parent.parent / "demo" / "run.py"

STALE = "run `make docs`, and commit what it drew"


@pytest.mark.parametrize("name", DRAWINGS)
def test_the_drawing_is_current(name: str) -> None:
    assert (FOLDER / f"{name}.svg").read_text(encoding="utf-8") == str(DRAWINGS[name]()), STALE


def test_one_arrow_stands_for_every_way_to_be_closed() -> None:
    closed = {state for state in State if State.CLOSED in TRANSITIONS[state].values()}
    assert closed == {state for state in State if TRANSITIONS[state]}


def test_the_table_is_current() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == described(page), STALE


def test_the_recording_is_of_the_demonstration_as_it_is() -> None:
    calls = [node for node in ast.walk(ast.parse(DEMO.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
    scenes = [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "Scene"]
    lines = [line for scene in scenes for line in str(ast.literal_eval(scene.args[1])).splitlines() if line]
    assert len(lines) > 20
    recorded = (FOLDER / "demo.svg").read_text(encoding="utf-8")
    for line in lines:
        _, found, recorded = recorded.partition(escape(line, quote=False))
        assert found, f"run `python tools/recording.py`, and commit what it recorded: {line}"
