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
        "._progress": "rich_progress tqdm_progress",
        "._tracing": "tracing",
    }

    def __getattr__(name):
        for module, names in _MODULES.items():
            if name in names.split():
                value = globals()[name] = getattr(_import_module(module, __name__), name)
                return value
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__():
        return {*globals(), *__all__}


__all__ = (
    "rich_progress", "tqdm_progress", "tracing",
)  # fmt: skip
