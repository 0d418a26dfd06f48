"""The blocking work with files that both clients share: measuring and reading arguments, writing results.

It is internal to the clients: `bento_sync` calls it directly, `bento_async` in worker threads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._results import Destination, FileSink, Gathering, ImageSink, SavedSink, Sink, open_sink
    from ._tls import tls_context
    from ._uploads import BLOCK, blocks, measure, read_body


# Written by tools/exports.py from the imports above: a name is loaded when it is first asked for (PEP 562).
if not TYPE_CHECKING:
    from importlib import import_module as _import_module

    _MODULES = {
        "BLOCK": "._uploads",
        "Destination": "._results",
        "FileSink": "._results",
        "Gathering": "._results",
        "ImageSink": "._results",
        "SavedSink": "._results",
        "Sink": "._results",
        "blocks": "._uploads",
        "measure": "._uploads",
        "open_sink": "._results",
        "read_body": "._uploads",
        "tls_context": "._tls",
    }

    def __getattr__(name):
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = globals()[name] = getattr(_import_module(_MODULES[name], __name__), name)
        return value

    def __dir__():
        return {*globals(), *__all__}


__all__ = (
    "BLOCK",
    "Destination",
    "FileSink",
    "Gathering",
    "ImageSink",
    "SavedSink",
    "Sink",
    "blocks",
    "measure",
    "open_sink",
    "read_body",
    "tls_context",
)
