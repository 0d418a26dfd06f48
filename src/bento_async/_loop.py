"""The event loop that runs here, as something to compare, and to reach from elsewhere."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Protocol, cast

from anyio.lowlevel import current_token

if TYPE_CHECKING:
    from collections.abc import Callable


class _Asyncio(Protocol):
    def call_soon_threadsafe(self, callback: Callable[[], object], /) -> object: ...


class _Trio(Protocol):
    def run_sync_soon(self, callback: Callable[[], object], /) -> None: ...


class Loop:
    """An event loop of one process; a fork makes another of it, as it shares its sockets with the first.

    Attributes:
        key: equal for the same loop only.
    """

    __slots__ = ("_native", "_process", "key")

    def __init__(self) -> None:
        token: object = current_token()
        self._process = os.getpid()
        self._native = getattr(token, "native_token", token)  # before anyio 4.11 it is the token
        self.key: object = loop_key()

    def call_soon(self, callback: Callable[[], object]) -> bool:
        """Have something called on the loop, from any thread, between whatever else runs there.

        Returns:
            False if the loop has ended, or is that of another process: nothing is called.
        """
        if os.getpid() != self._process:
            return False
        try:
            if hasattr(self._native, "call_soon_threadsafe"):
                cast("_Asyncio", self._native).call_soon_threadsafe(callback)
            else:
                cast("_Trio", self._native).run_sync_soon(callback)
        except RuntimeError:
            return False
        return True


def loop_key() -> object:
    """What tells the running event loop from all others."""
    return current_token(), os.getpid()
