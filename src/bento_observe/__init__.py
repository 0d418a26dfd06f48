"""Seeing inside the clients: logging, OpenTelemetry spans, progress bars; each a hook that anyone could write.

`bento_sync` and `bento_async` log by it. What needs an extra (``otel``, ``rich``, ``tqdm``) is loaded where it is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._logging import LOGGING
    from ._progress import rich_progress, tqdm_progress
    from ._tracing import tracing
else:  # What nobody asks for is not loaded (PEP 562). A type checker must not see that any name could be there.
    from importlib import import_module as _import_module

    _HOMES = {
        "LOGGING": "._logging",
        "rich_progress": "._progress",
        "tqdm_progress": "._progress",
        "tracing": "._tracing",
    }

    def __getattr__(name):
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = globals()[name] = getattr(_import_module(_HOMES[name], __name__), name)
        return value

    def __dir__():
        return {*globals(), *__all__}


__all__ = ("LOGGING", "rich_progress", "tqdm_progress", "tracing")
