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

from bento_proto._responder import Pause

from ._acts import Cut, Garbage, Life, Refusal, Reply, Stall, Unreachable
from ._asked import Asked, UploadedFile
from ._double import ServiceDouble
from ._examples import example
from ._recorder import Recorder
from ._replay import Mismatch, Replay
from ._served import ASGIApplication

__all__ = (
    "ASGIApplication",
    "Asked",
    "Cut",
    "Garbage",
    "Life",
    "Mismatch",
    "Pause",
    "Recorder",
    "Refusal",
    "Replay",
    "Reply",
    "ServiceDouble",
    "Stall",
    "Unreachable",
    "UploadedFile",
    "example",
)
