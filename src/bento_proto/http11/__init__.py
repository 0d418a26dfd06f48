"""An exchange as the bytes of HTTP/1.1 (RFC 9112), and tunnels through proxies (CONNECT, SOCKS5).

In go received bytes, split anywhere; out come bytes to send. It never touches a socket.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._exchange import HTTP11Exchange
    from ._socks import SocksTunnel, open_tunnel
    from ._tunnel import Tunnel


# Written by tools/exports.py from the imports above: a name is loaded when it is first asked for (PEP 562).
if not TYPE_CHECKING:
    from importlib import import_module as _import_module

    _MODULES = {
        "._exchange": "HTTP11Exchange",
        "._socks": "SocksTunnel open_tunnel",
        "._tunnel": "Tunnel",
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
    "HTTP11Exchange", "SocksTunnel", "Tunnel", "open_tunnel",
)  # fmt: skip
