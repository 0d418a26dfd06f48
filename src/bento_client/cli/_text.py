"""Text of a server, made safe to print on a terminal."""

from __future__ import annotations

import re
from typing import Final

# C0 except tab, line feed and carriage return; DEL; C1, which starts control sequences; lone surrogates.
_CONTROLS: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


def harmless(text: str) -> str:
    """The text with control characters replaced by their escapes."""
    return _CONTROLS.sub(lambda match: ascii(match[0])[1:-1], text)


def harmless_json(text: str) -> str:
    """Equivalent JSON without control characters: inside strings, where they can stand, they become escapes."""
    return _CONTROLS.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def one_line(text: str) -> str:
    """The text on one line, with control characters replaced by their escapes."""
    return harmless(" ".join(text.split()))
