"""The diagrams in the documentation show the table that the code goes by."""

from __future__ import annotations

from diagrams import DRAWING, PAGE, described, drawing

STALE = "run `make docs`, and commit what it drew"


def test_the_drawing_is_current() -> None:
    assert DRAWING.read_text(encoding="utf-8") == drawing(), STALE


def test_the_table_is_current() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == described(page), STALE
