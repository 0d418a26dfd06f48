"""One request and its response, as a state machine.

In go the events of a response; out come the items that are whole, and at the end a result or an error, which is a
value. It never raises for what the server did, and never reads the clock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._body import Decoder, LargeItem, Reader, ResultKind
    from ._exchange import TRANSITIONS, Exchange, Input, State
    from ._progress import OnProgress, Progress


# Written by tools/exports.py from the imports above: a name is loaded when it is first asked for (PEP 562).
if not TYPE_CHECKING:
    from importlib import import_module as _import_module

    _MODULES = {
        "._body": "Decoder LargeItem Reader ResultKind",
        "._exchange": "Exchange Input State TRANSITIONS",
        "._progress": "OnProgress Progress",
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
    "Decoder", "Exchange", "Input", "LargeItem", "OnProgress", "Progress", "Reader", "ResultKind", "State",
    "TRANSITIONS",
)  # fmt: skip
