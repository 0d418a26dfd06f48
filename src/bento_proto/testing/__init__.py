"""For tests of code that calls Services: a double of a Service, and recordings of real ones.

::

    double = ServiceDouble()

    @double.endpoint
    def summarize(text: str) -> str:
        return text[:10]

    with SyncHTTPClient(app=double) as client:
        assert client.summarize(text="a long text") == "a long tex"

Nothing here opens a socket.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bento_proto.schema._examples import example
    from bento_proto.session._responder import Event, ExchangeRecorder, Pause, Responder

    from ._acts import Cut, Garbage, Life, Refusal, Reply, Stall, Unreachable
    from ._asked import Asked, UploadedFile
    from ._double import ServiceDouble
    from ._playback import Playback
    from ._recorder import Recorder
    from ._replay import Mismatch, Replay
    from ._served import ASGIApplication


# Written by tools/exports.py from the imports above: a name is loaded when it is first asked for (PEP 562).
if not TYPE_CHECKING:
    from importlib import import_module as _import_module

    _MODULES = {
        "._acts": "Cut Garbage Life Refusal Reply Stall Unreachable",
        "._asked": "Asked UploadedFile",
        "._double": "ServiceDouble",
        "._playback": "Playback",
        "._recorder": "Recorder",
        "._replay": "Mismatch Replay",
        "._served": "ASGIApplication",
        "bento_proto.schema._examples": "example",
        "bento_proto.session._responder": "Event ExchangeRecorder Pause Responder",
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
    "ASGIApplication", "Asked", "Cut", "Event", "ExchangeRecorder", "Garbage", "Life", "Mismatch", "Pause", "Playback",
    "Recorder", "Refusal", "Replay", "Reply", "Responder", "ServiceDouble", "Stall", "Unreachable", "UploadedFile",
    "example",
)  # fmt: skip
