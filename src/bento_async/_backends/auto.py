"""Which event loop runs here."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from .base import Backend, running_loop

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

    from trio.lowlevel import TrioToken


def current_backend() -> Backend:
    """That of the running event loop, made anew. Errors are those of `running_loop`."""
    native = running_loop()
    if hasattr(native, "call_soon_threadsafe"):
        from .asyncio import AsyncioBackend

        return AsyncioBackend(cast("AbstractEventLoop", native))
    from .trio import TrioBackend

    return TrioBackend(cast("TrioToken", native))
