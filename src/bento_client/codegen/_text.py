"""Text of a Service inside a Python module: whatever it holds, it stays text."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

WIDTH: Final = 120

_CLOSING: Final = re.compile(r'"(?=""|\Z)')  # what might end a docstring
_ESCAPE: Final = re.compile(r"\\(.)")
_JSON_TOKEN: Final = re.compile(r'"[^"]*"[^",]*,?|[^",]+,?|,')


def quoted(text: str) -> str:
    """A string literal on one line."""
    return '"' + _escaped(text).replace('"', '\\"') + '"'


def _escaped(text: str) -> str:
    """What a literal has between its quotes, but for the quotes in it."""
    return "".join(c if c.isprintable() and c != "\\" else c.encode("unicode_escape").decode() for c in text)


def docstring(text: str, indent: str) -> Iterator[str]:
    """The lines of a docstring."""
    text = text.encode("utf-8", "replace").decode()  # a lone surrogate there, even escaped, is an error from 3.13 on
    lines = [_escaped(line.rstrip()) for line in inspect.cleandoc(text).strip().splitlines()] or [""]
    body = "\n".join(f"{indent}{line}" if line else "" for line in lines) + (f"\n{indent}" if len(lines) > 1 else "")
    body = _CLOSING.sub(r'\\"', body)
    yield from f'{indent}"""{body.removeprefix(indent)}"""'.split("\n")


def raw_literal(parts: Iterable[str]) -> Iterator[str]:
    """The lines of a literal of bytes that holds JSON.

    Args:
        parts: the JSON, in ASCII, cut between tokens: each part begins a line, and is broken where it is too long.
    """
    yield 'rb"""'
    for part in parts:
        line = ""
        for match in _JSON_TOKEN.finditer(_ESCAPE.sub(_without_quotes, part)):
            if line and len(line) + len(match[0]) > WIDTH:
                yield line
                line = ""
            line += match[0]
        yield line
    yield '"""'


def _without_quotes(escape: re.Match[str]) -> str:
    """An escape of JSON's without a quote or a second backslash, that a literal might take for its own."""
    return {'"': r"\u0022", "\\": r"\u005c"}.get(escape[1], escape[0])
