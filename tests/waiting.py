"""Waiting for what happens in another thread or process: no test says how fast that is."""

from __future__ import annotations

import time
from collections.abc import Callable

HANGS = 60.0
"""Seconds after which a test calls something hung: many times what the busiest machine needs."""


def until(condition: Callable[[], object], failure: str = "it did not happen") -> None:
    """Wait until the condition holds, and fail when it does not for a minute."""
    ends = time.monotonic() + HANGS
    while not condition():
        assert time.monotonic() < ends, failure
        time.sleep(0.01)
