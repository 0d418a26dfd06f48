"""The blocking work with files that both clients need: measuring and reading inputs, writing results.

It is internal to the clients. `bento_sync` calls it as it is, `bento_async` in worker threads.
"""

from __future__ import annotations

from ._inputs import measure
from ._reading import BLOCK, blocks, read_body
from ._results import Destination, FileSink, ImageSink, SavedSink, Sink, open_sink
from ._tls import tls_context

__all__ = (
    "BLOCK",
    "Destination",
    "FileSink",
    "ImageSink",
    "SavedSink",
    "Sink",
    "blocks",
    "measure",
    "open_sink",
    "read_body",
    "tls_context",
)
