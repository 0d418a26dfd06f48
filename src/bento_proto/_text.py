"""Text of a server in what others make lines of."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Final

# C0, DEL and C1, which begin the commands of terminals; lone surrogates, which can't be encoded.
_CONTROLS: Final = "[\x00-\x1f\x7f-\x9f\ud800-\udfff]"


def one_line(text: str) -> str:
    """The text on one line, such that it makes no other entry in a log, and does nothing to a terminal.

    White space becomes a single space; further control characters are written out, by their codes.
    """
    line = " ".join(text.split())
    return line if line.isprintable() else re.sub(_CONTROLS, lambda match: ascii(match[0])[1:-1], line)


def is_unicode(text: str) -> bool:
    """Whether the text has no lone surrogates, which can't be encoded."""
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)


def error_line(error: BaseException) -> str:
    """What an error is, and what it says, on one line."""
    said = one_line(str(getattr(error, "message", error)))
    return f"{type(error).__name__}: {said}" if said else type(error).__name__
