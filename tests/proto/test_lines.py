"""Text as lines, however it is cut."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from bento_proto import LimitExceeded
from bento_proto.response._lines import LineSplitter


def lines(pieces: Sequence[str], limit: int = 99) -> list[str]:
    splitter, found = LineSplitter(limit), list[str]()
    try:
        for piece in pieces:
            found += splitter.feed(piece)
    except LimitExceeded:
        return [*found, "over"]
    return [*found, *splitter.finish()]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("a", ["a"]),
        ("a\n", ["a"]),
        ("a\nb", ["a", "b"]),
        ("a\r\n\r\nb\r\n", ["a", "", "b"]),
        ("a\rb\r\rc\r", ["a", "b", "", "c"]),
        ("\n\r\n\r", ["", "", ""]),
        ("a\u2028b\x0bc\x85d", ["a\u2028b\x0bc\x85d"]),  # as in JSON Lines
    ],
)
def test_any_cut_gives_the_same_lines(text: str, expected: list[str]) -> None:
    assert lines([text]) == expected
    assert lines(list(text)) == expected
    for at in range(len(text)):
        assert lines([text[:at], "", text[at:]]) == expected


@pytest.mark.parametrize("end", ["", "\n", "\nab"])
def test_a_line_over_the_limit_ends_the_reading_however_it_is_cut(end: str) -> None:
    text = "abc\n\nabcd" + end
    for at in range(len(text)):
        assert lines([text[:at], text[at:]], 3)[:3] == ["abc", "", "over"]
    assert lines(list(text), 3) == ["abc", "", "over"]
