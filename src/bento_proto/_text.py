"""Text of a server: made safe for messages, logs and terminals, and collected in pieces."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, AnyStr

if TYPE_CHECKING:
    from typing import Final

# C0, DEL and C1, which start the control sequences of terminals; lone surrogates, which can't be encoded.
_CONTROLS: Final = "[\x00-\x1f\x7f-\x9f\ud800-\udfff]"
_SMALL: Final = 1024


def one_line(text: str) -> str:
    """The text on one line, without control characters.

    Each run of white space becomes one space; other control characters become escape sequences.
    """
    line = " ".join(text.split())
    return line if line.isprintable() else re.sub(_CONTROLS, lambda match: ascii(match[0])[1:-1], line)


def is_unicode(text: str) -> bool:
    """Whether the text has no lone surrogates, so that it can be encoded."""
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)


def decoded_utf8(text: str) -> str:
    """Decode raw UTF-8 in a header field, which HTTP libraries read as Latin-1; any other text is unchanged."""
    try:
        return text if text.isascii() else text.encode("latin-1").decode()
    except ValueError:
        return text


def error_line(error: BaseException) -> str:
    """The class and the message of an error, on one line."""
    said = one_line(str(getattr(error, "message", error)))
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


def pile(pieces: list[AnyStr], piece: AnyStr) -> None:
    """Append a piece to a list to be joined later. Small ones are joined at once, to save memory."""
    if pieces and len(pieces[-1]) < _SMALL:
        pieces[-1] += piece
    else:
        pieces.append(piece)
