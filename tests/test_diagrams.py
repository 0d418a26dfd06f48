"""The diagrams in the documentation are those that the tool draws, one of them from a table of the code."""

from __future__ import annotations

import pytest

from diagrams import DRAWINGS, FOLDER, PAGE, described

STALE = "run `make docs`, and commit what it drew"


@pytest.mark.parametrize("name", DRAWINGS)
def test_the_drawing_is_current(name: str) -> None:
    assert (FOLDER / f"{name}.svg").read_text(encoding="utf-8") == str(DRAWINGS[name]()), STALE


def test_the_table_is_current() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == described(page), STALE
