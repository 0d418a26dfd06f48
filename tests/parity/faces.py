"""The faces of the client that the suite runs for: the same API, on threads and on each event loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from bento_sync import SyncHTTPClient

Connect: TypeAlias = "Callable[..., SyncHTTPClient]"
"""Makes a client, with the arguments of ``SyncHTTPClient``."""


class Face(NamedTuple):
    """A client under test.

    Attributes:
        name: ``"sync"``, or the event loop as anyio calls it.
        client: the client's class, or what passes for it.
    """

    name: str
    client: Connect


FACES = [Face("sync", SyncHTTPClient)]
