"""What to do next (attempts, retries, redirects, discovery, tasks) as flows: generators that yield a `Step` at a time.

In goes what the clock reads; out come exchanges to carry out. It never waits, sends or draws a random number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._congestion import ConcurrencySearch, CongestionControl
    from ._discovery import DiscoveredService
    from ._flow import Flow, FlowRunner, Step
    from ._retry import RetryPolicy
    from ._tasks import Poll, ResultStatus


# Written by tools/exports.py from the imports above: a name is loaded when it is first asked for (PEP 562).
if not TYPE_CHECKING:
    from importlib import import_module as _import_module

    _MODULES = {
        "._congestion": "ConcurrencySearch CongestionControl",
        "._discovery": "DiscoveredService",
        "._flow": "Flow FlowRunner Step",
        "._retry": "RetryPolicy",
        "._tasks": "Poll ResultStatus",
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
    "ConcurrencySearch", "CongestionControl", "DiscoveredService", "Flow", "FlowRunner", "Poll", "ResultStatus",
    "RetryPolicy", "Step",
)  # fmt: skip
