"""Text of a server: made safe for messages, logs and terminals, and collected in pieces."""

from __future__ import annotations

import re
from collections.abc import Callable
from keyword import iskeyword
from typing import TYPE_CHECKING, AnyStr

if TYPE_CHECKING:
    from typing import Final

# C0 but tab, line feed, and a carriage return before one, as any other overwrites its line on a terminal; DEL and C1,
# which start the control sequences of terminals; separators of lines; lone surrogates, which can't be encoded; and
# invisible characters, such as those that reverse the direction of text, and those in which text can be hidden from
# people that models read (Unicode's category Cf, and what it calls default-ignorable), but for two joiners and two
# selectors, which Persian, the scripts of India and emoji need.
_UNPRINTABLE: Final = (
    r"\r(?!\n)|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff"
    r"\xad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    r"\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0d\ufeff\uffa0\ufff0-\ufffb"
    r"\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
LONGEST: Final = 1000
"""How many characters of a server's text a message has at most."""
_SMALL: Final = 1024


def one_line(text: str, most: int = LONGEST) -> str:
    """The text on one line that is safe to print, in a log and on a terminal.

    Each run of white space becomes one space, what `printable` escapes is escaped, and a longer line is cut.

    Args:
        text: what a server sent.
        most: how many characters the line may have; three dots follow where it was cut.
    """
    line = printable(" ".join(text.split()))
    return line if len(line) <= most else line[:most] + "..."


def printable(text: str, escaped: Callable[[str], str] = lambda character: ascii(character)[1:-1]) -> str:
    """The text with its line breaks and tabs, without other characters that control a terminal or can't be seen.

    Args:
        text: what a server sent.
        escaped: makes what stands in the place of such a character; by default Python's escape sequence.
    """
    return (
        text if text.isascii() and text.isprintable() else re.sub(_UNPRINTABLE, lambda match: escaped(match[0]), text)
    )


def is_identifier(name: str) -> bool:
    """Whether a name can stand in Python's source, and is seen there: identifiers may have invisible characters."""
    return name.isidentifier() and not iskeyword(name) and printable(name) == name


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
