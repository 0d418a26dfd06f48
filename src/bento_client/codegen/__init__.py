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
        "._drift": "check",
        "._module": "generate",
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
    "check", "generate",
)  # fmt: skip
