"""Names that a Service chose, as Python identifiers."""

from __future__ import annotations

import re
from typing import Final
from unicodedata import normalize

from bento_proto._text import is_identifier

_LONGEST: Final = 60
_WORD: Final = re.compile(r"[^\W_]+")


def is_plain(name: str) -> bool:
    """Whether a name can stand in source as an attribute, an argument or a class.

    Python normalizes identifiers (``ﬁ`` to ``fi``), and type checkers treat ``__x`` as positional-only.
    """
    return is_identifier(name) and not name.startswith("__") and normalize("NFKC", name) == name


def pascal_case(text: str, fallback: str = "Model") -> str:
    """The words of a text as the name of a class."""
    name = "".join(word[0].upper() + word[1:] for word in _WORD.findall(normalize("NFKC", text)))[:_LONGEST]
    return name if is_plain(name) else fallback
