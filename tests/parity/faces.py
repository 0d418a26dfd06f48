"""The faces of the client that the suite runs for: the same API, on threads and on each event loop."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple, TypeAlias, cast

from bento_sync import SyncHTTPClient

from .portal import Backend, PortalClient

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


LOOPS: tuple[Backend, ...] = ("asyncio", "trio")
FACES = [
    Face("sync", SyncHTTPClient),
    *(Face(loop, cast("Connect", partial(PortalClient, loop))) for loop in LOOPS),
]
