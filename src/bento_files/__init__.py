"""The blocking work with files that both clients need: measuring and reading inputs, writing results.

It is internal to the clients. `bento_sync` calls it as it is, `bento_async` in worker threads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._inputs import measure
    from ._reading import BLOCK, blocks, read_body
    from ._results import Destination, FileSink, Gathering, ImageSink, SavedSink, Sink, open_sink
    from ._tls import tls_context
else:  # What nobody asks for is not loaded (PEP 562). A type checker must not see that any name could be there.
    from importlib import import_module as _import_module

    _HOMES = {
        "measure": "._inputs",
        "BLOCK": "._reading",
        "blocks": "._reading",
        "read_body": "._reading",
        "Destination": "._results",
        "FileSink": "._results",
        "Gathering": "._results",
        "ImageSink": "._results",
        "SavedSink": "._results",
        "Sink": "._results",
        "open_sink": "._results",
        "tls_context": "._tls",
    }

    def __getattr__(name):
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = globals()[name] = getattr(_import_module(_HOMES[name], __name__), name)
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
