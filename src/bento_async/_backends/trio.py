"""What a client needs of trio."""

from __future__ import annotations

from contextvars import copy_context
from typing import TYPE_CHECKING

import trio

from .base import Backend

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine


class TrioBackend(Backend):
    """A run of trio's.

    Args:
        native: its token.
    """

    def __init__(self, native: trio.lowlevel.TrioToken) -> None:
        super().__init__(native)
        self._token = native
        self._clock = trio.lowlevel.current_clock()

    def time(self) -> float:
        return self._clock.current_time()

    def spawn(self, function: Callable[[], Coroutine[object, object, None]]) -> None:
        trio.lowlevel.spawn_system_task(function, context=copy_context())

    def _schedule(self, callback: Callable[[], object]) -> None:
        self._token.run_sync_soon(callback)
