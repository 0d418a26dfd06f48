"""What the command line is called, by its users and by its completion scripts."""

from __future__ import annotations

from typing import Final

NAME: Final = "bento-client"
COMPLETE: Final = "_BENTO_CLIENT_COMPLETE"  # what the shell scripts set when they ask for completions
