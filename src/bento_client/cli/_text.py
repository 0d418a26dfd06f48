"""Text of a server, made safe to print on a terminal: the core's rule, which is loaded with the first such text."""

from __future__ import annotations

from typing import Final

_LONGEST: Final = 10_000  # a signature, or an example with every argument, is longer than a message


def harmless(text: str) -> str:
    """The text with escapes in place of characters that control a terminal or can't be seen."""
    from bento_proto.observe import printable

    return printable(text)


def harmless_json(text: str) -> str:
    """Equivalent JSON without such characters: inside strings, where they can stand, they become escapes."""
    import json

    from bento_proto.observe import printable

    return printable(text, lambda character: json.dumps(character)[1:-1])


def one_line(text: str) -> str:
    """The text on one line, as it is safe to print."""
    from bento_proto.observe import one_line

    return one_line(text, _LONGEST)
