"""The endpoints of a Service as tools for assistants, by the Model Context Protocol; needs the extra ``mcp``.

``bento-client mcp URL`` serves them over standard input and output; `mcp_server` is the server, for other transports.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._server import mcp_server, serve_stdio


# Written by tools/exports.py from the imports above: a name is loaded when it is first asked for (PEP 562).
if not TYPE_CHECKING:
    from importlib import import_module as _import_module

    _MODULES = {
        "._server": "mcp_server serve_stdio",
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
    "mcp_server", "serve_stdio",
)  # fmt: skip
