"""An async client over I/O of your own: your event loop, your HTTP library or your connections.

In go an object with a method that sends a request, or opens a connection, and one that waits; out comes a client like
`bento_async.AsyncHTTPClient`. It never looks for an event loop, opens no socket and starts no thread.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._client import AbstractAsyncClient
    from ._streams import NetworkStream


# Written by tools/exports.py from the imports above: a name is loaded when it is first asked for (PEP 562).
if not TYPE_CHECKING:
    from importlib import import_module as _import_module

    _MODULES = {
        "._client": "AbstractAsyncClient",
        "._streams": "NetworkStream",
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
    "AbstractAsyncClient", "NetworkStream",
)  # fmt: skip
