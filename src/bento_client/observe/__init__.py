"""Seeing inside the clients: OpenTelemetry spans and progress bars; each is a hook that anyone could write.

What needs an extra (``otel``, ``rich``, ``tqdm``) is loaded where it is used. The log is `bento_proto.observe.LOGGING`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._progress import rich_progress, tqdm_progress
    from ._tracing import tracing


# Written by tools/exports.py from the imports above: a name is loaded when it is first asked for (PEP 562).
if not TYPE_CHECKING:
    from importlib import import_module as _import_module

    _MODULES = {
        "rich_progress": "._progress",
        "tqdm_progress": "._progress",
        "tracing": "._tracing",
    }

    def __getattr__(name):
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = globals()[name] = getattr(_import_module(_MODULES[name], __name__), name)
        return value

    def __dir__():
        return {*globals(), *__all__}


__all__ = (
    "rich_progress",
    "tqdm_progress",
    "tracing",
)
