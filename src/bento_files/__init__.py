"""The blocking work with files that both clients share: measuring and reading arguments, writing results.

It is internal to the clients: `bento_sync` calls it directly, `bento_async` in worker threads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ssl import SSLContext  # slow to import, and the clients' annotations need it

    from ._attempt import attempt
    from ._places import open_descriptor, replace, target_of
    from ._process import ProcessMixin, load
    from ._results import Destination, FileSink, ImageSink, SavedSink, Sink, WriteBuffer, open_sink
    from ._system_proxies import system_proxies
    from ._temporary import new_directory
    from ._tls import check_protocol, tls_context
    from ._uploads import BLOCK, blocks, body_blocks, form, measure, read_body


# Written by tools/exports.py from the imports above: a name is loaded when it is first asked for (PEP 562).
if not TYPE_CHECKING:
    from importlib import import_module as _import_module

    _MODULES = {
        "._attempt": "attempt",
        "._places": "open_descriptor replace target_of",
        "._process": "ProcessMixin load",
        "._results": "Destination FileSink ImageSink SavedSink Sink WriteBuffer open_sink",
        "._system_proxies": "system_proxies",
        "._temporary": "new_directory",
        "._tls": "check_protocol tls_context",
        "._uploads": "BLOCK blocks body_blocks form measure read_body",
        "ssl": "SSLContext",
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
    "BLOCK", "Destination", "FileSink", "ImageSink", "ProcessMixin", "SSLContext", "SavedSink", "Sink", "WriteBuffer",
    "attempt", "blocks", "body_blocks", "check_protocol", "form", "load", "measure", "new_directory", "open_descriptor",
    "open_sink", "read_body", "replace", "system_proxies", "target_of", "tls_context",
)  # fmt: skip
