"""Work for a person at a prompt, who waits briefly and wants no error."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import Final

_PATIENCE: Final = 2.0  # seconds


def attempt(work: Callable[[], object]) -> None:
    """Do something in another thread, and wait for it, but for 2 seconds at most. What it raises is ignored.

    The thread runs on after that, but keeps no process alive. An event loop of this thread has no part in it.
    """

    def tried() -> None:
        with contextlib.suppress(Exception):
            work()

    thread = threading.Thread(target=tried, name="bento-client-help", daemon=True)
    thread.start()
    thread.join(_PATIENCE)
