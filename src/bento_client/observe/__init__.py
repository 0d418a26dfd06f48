"""OpenTelemetry spans and progress bars for both clients, built on their public hooks.

They need the extras ``otel``, ``rich`` and ``tqdm``, which are imported on first use. Logging is in
`bento_proto.observe`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._rich import rich_progress
    from ._tqdm import tqdm_progress
    from ._tracing import tracing


# Written by tools/exports.py from the imports above: a name is loaded when it is first asked for (PEP 562).
if not TYPE_CHECKING:
    from importlib import import_module as _import_module

    _MODULES = {
        "._rich": "rich_progress",
        "._tqdm": "tqdm_progress",
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
