"""An exchange as the bytes of HTTP/1.1 (RFC 9112), and the way through a proxy (CONNECT).

In go the bytes of the peer, cut anywhere; out come the bytes to send. It never touches a socket.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._exchange import HTTP11Exchange
    from ._tunnel import Tunnel


# Written by tools/exports.py from the imports above: a name is loaded when it is first asked for (PEP 562).
if not TYPE_CHECKING:
    from importlib import import_module as _import_module

    _MODULES = {
        "HTTP11Exchange": "._exchange",
        "Tunnel": "._tunnel",
    }

    def __getattr__(name):
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = globals()[name] = getattr(_import_module(_MODULES[name], __name__), name)
        return value

    def __dir__():
        return {*globals(), *__all__}


__all__ = (
    "HTTP11Exchange",
    "Tunnel",
)
