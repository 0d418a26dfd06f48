"""Typed clients of one Service, as a Python module generated from its schema.

`generate` returns the module's text. `check` lists what has changed in the Service since. The module declares its
endpoints with the decorators in `bento_client.codegen.typed`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._drift import check
    from ._module import generate


# Written by tools/exports.py from the imports above: a name is loaded when it is first asked for (PEP 562).
if not TYPE_CHECKING:
    from importlib import import_module as _import_module

    _MODULES = {
        "check": "._drift",
        "generate": "._module",
    }

    def __getattr__(name):
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = globals()[name] = getattr(_import_module(_MODULES[name], __name__), name)
        return value

    def __dir__():
        return {*globals(), *__all__}


__all__ = (
    "check",
    "generate",
)
