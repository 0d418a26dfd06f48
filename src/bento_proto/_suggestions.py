"""Hints at what a caller may have meant by a name that does not exist."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Final

from ._text import one_line

_COMPARED: Final = 1000
_LISTED: Final = 10


def did_you_mean(name: str, known: Iterable[str], kind: str = "names") -> str:
    """The end of a message: names that are like this one, or the names that there are.

    Args:
        name: what was asked for.
        known: the names that exist. A server may choose them, so only the first thousand are compared.
        kind: what they are, in the plural.
    """
    from difflib import get_close_matches

    names = [one_line(each)[:100] for each in islice(known, _COMPARED)]
    near = get_close_matches(name[:100], names, n=2)
    if near:
        return f"; did you mean {' or '.join(map(repr, near))}?"
    listed = ", ".join(names[:_LISTED]) + (", ..." if len(names) > _LISTED else "")
    return f"; its {kind}: {listed}" if listed else f"; it has no {kind}"
