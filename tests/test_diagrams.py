"""The diagrams in the documentation are those that the tool draws, one of them from a table of the code."""

from __future__ import annotations

import pytest

from bento_proto.exchange import TRANSITIONS, State
from diagrams import DRAWINGS, FOLDER, PAGE, described

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
