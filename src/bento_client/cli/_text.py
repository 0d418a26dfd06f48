"""Text that a server sent, such that it does nothing to the terminal that shows it."""

from __future__ import annotations

import re
from typing import Final

# C0 but tab, line feed and carriage return; DEL and C1, which begin the terminal's commands; lone surrogates.
_COMMANDS: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


def harmless(text: str) -> str:
    """The text with its control characters written out, by their codes."""
    return _COMMANDS.sub(lambda match: ascii(match[0])[1:-1], text)


def harmless_json(text: str) -> str:
    """JSON that says the same without control characters; those that it has are in strings."""
    return _COMMANDS.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def one_line(text: str) -> str:
    """The text, harmless and on one line."""
    return harmless(" ".join(text.split()))
