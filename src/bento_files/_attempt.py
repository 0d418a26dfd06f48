"""Work for a person at a prompt, who waits briefly and wants no error."""

from __future__ import annotations

import builtins
import contextlib
import sys
import threading
from collections.abc import Callable
from typing import Final

_PATIENCE: Final = 2.0  # seconds


def attempt(work: Callable[[], object]) -> None:
    """Do something in another thread, and wait for it, but for 2 seconds at most. What it raises is ignored.

    The thread runs on after that, but keeps no process alive. An event loop of this thread has no part in it, but would
    have to wait: where one runs, nothing is done, unless IPython runs too. There it is a person who asks.
    """
    if _is_on_event_loop() and not hasattr(builtins, "__IPYTHON__"):
        return

    def tried() -> None:
        with contextlib.suppress(Exception):
            work()

    thread = threading.Thread(target=tried, name="bento-client-help", daemon=True)
    thread.start()
    thread.join(_PATIENCE)


def _is_on_event_loop() -> bool:
    with contextlib.suppress(RuntimeError):
        if "asyncio" in sys.modules:
            import asyncio  # as below, it is loaded where a loop of it runs

            asyncio.get_running_loop()
            return True
    with contextlib.suppress(RuntimeError):
        if "trio" in sys.modules:
            import trio.lowlevel

            trio.lowlevel.current_task()
            return True
    return False
