"""What tests of code that calls Services need: a Service that is none, and recordings of real ones.

::

    double = ServiceDouble()

    @double.endpoint
    def summarize(text: str) -> str:
        return text[:10]

    with SyncHTTPClient(app=double) as client:
        assert client.summarize(text="a long text") == "a long tex"

Nothing here opens a socket, and only what is imported is loaded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._acts import Cut, Garbage, Life, Refusal, Reply, Stall, Unreachable
    from ._asked import Asked, UploadedFile
    from ._double import ServiceDouble
    from ._examples import example
    from ._recorder import Recorder
    from ._replay import Mismatch, Replay
    from ._responder import Event, ExchangeRecorder, Pause, Playback, Responder
    from ._served import ASGIApplication


# Written by tools/exports.py from the imports above: a name is loaded when it is first asked for (PEP 562).
if not TYPE_CHECKING:
    from importlib import import_module as _import_module

    _MODULES = {
        "ASGIApplication": "._served",
        "Asked": "._asked",
        "Cut": "._acts",
        "Event": "._responder",
        "ExchangeRecorder": "._responder",
        "Garbage": "._acts",
        "Life": "._acts",
        "Mismatch": "._replay",
        "Pause": "._responder",
        "Playback": "._responder",
        "Recorder": "._recorder",
        "Refusal": "._acts",
        "Replay": "._replay",
        "Reply": "._acts",
        "Responder": "._responder",
        "ServiceDouble": "._double",
        "Stall": "._acts",
        "Unreachable": "._acts",
        "UploadedFile": "._asked",
        "example": "._examples",
    }

    def __getattr__(name):
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = globals()[name] = getattr(_import_module(_MODULES[name], __name__), name)
        return value

    def __dir__():
        return {*globals(), *__all__}


__all__ = (
    "ASGIApplication",
    "Asked",
    "Cut",
    "Event",
    "ExchangeRecorder",
    "Garbage",
    "Life",
    "Mismatch",
    "Pause",
    "Playback",
    "Recorder",
    "Refusal",
    "Replay",
    "Reply",
    "Responder",
    "ServiceDouble",
    "Stall",
    "Unreachable",
    "UploadedFile",
    "example",
)
