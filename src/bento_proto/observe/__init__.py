"""Hooks for the requests of a client, the events that they are called with, and the log, which is a hook itself.

In goes what happened; out come events without credentials. Only headers that a hook returns change a request.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bento_proto._text import one_line, printable

    from ._hooks import EndEvent, Hooks, RequestEvent, ResponseEvent, RetryEvent
    from ._log import LOGGING, log_to_stderr


# Written by tools/exports.py from the imports above: a name is loaded when it is first asked for (PEP 562).
if not TYPE_CHECKING:
    from importlib import import_module as _import_module

    _MODULES = {
        "._hooks": "EndEvent Hooks RequestEvent ResponseEvent RetryEvent",
        "._log": "LOGGING log_to_stderr",
        "bento_proto._text": "one_line printable",
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
    "EndEvent", "Hooks", "LOGGING", "RequestEvent", "ResponseEvent", "RetryEvent", "log_to_stderr", "one_line",
    "printable",
)  # fmt: skip
