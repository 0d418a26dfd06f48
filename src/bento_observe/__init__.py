"""Seeing inside the clients: logging, OpenTelemetry spans, progress bars; each a hook that anyone could write.

`bento_sync` and `bento_async` log by it. What needs an extra (``otel``, ``rich``, ``tqdm``) is loaded where it is used.
"""

from __future__ import annotations

from ._logging import LOGGING
from ._progress import rich_progress, tqdm_progress
from ._tracing import tracing

__all__ = ("LOGGING", "rich_progress", "tqdm_progress", "tracing")
