"""The lifespan of an ASGI application: what it does when it starts and when it ends."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final, TypeAlias

import anyio
from anyio import CancelScope, Event

from bento_proto import ServiceUnavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

Message: TypeAlias = "MutableMapping[str, object]"
ASGIApplication: TypeAlias = "Callable[..., Awaitable[None]]"
"""An ASGI 3 application: called with scope, receive and send."""

_PATIENCE: Final = 10.0
VERSIONS: Final = {"version": "3.0", "spec_version": "2.3"}


class Lifespan:
    """Starts and stops an application, if it wants to know of that.

    Args:
        app: the application.

    Attributes:
        state: what the application keeps for its requests.
    """

    def __init__(self, app: ASGIApplication) -> None:
        self.state: dict[str, object] = {}
        self._app = app
        self._asked = False
        self._started = Event()
        self._failure: str | None = None
        self._stopping = Event()
        self._stopped = Event()
        self._shield = CancelScope(shield=True)  # who is cancelled gives it some time all the same

    async def run(self) -> None:
        """Be with the application from its start to its end: for a task of its own."""
        scope = {"type": "lifespan", "asgi": VERSIONS, "state": self.state}
        try:
            # An error means, by the specification, that it has no lifespan, unless it has said what is wrong.
            with self._shield, suppress(Exception):
                await self._app(scope, self._receive, self._send)
        finally:
            self._started.set()
            self._stopped.set()

    async def started(self) -> None:
        """Wait until it has started.

        Raises:
            ServiceUnavailable: it can't.
        """
        await self._started.wait()
        if self._failure is not None:
            raise ServiceUnavailable(f"the application did not start{self._failure}")

    async def stop(self) -> None:
        """Have it end, and wait until it has, some seconds at most."""
        self._stopping.set()
        with CancelScope(shield=True, deadline=anyio.current_time() + _PATIENCE):
            await self._stopped.wait()
        self._shield.cancel()

    async def _receive(self) -> Message:
        if not self._asked:
            self._asked = True
            return {"type": "lifespan.startup"}
        await self._stopping.wait()
        return {"type": "lifespan.shutdown"}

    async def _send(self, message: Message) -> None:
        kind = message["type"]
        if kind == "lifespan.startup.failed":
            said = message.get("message")
            self._failure = f": {said}" if said else ""
        if kind in ("lifespan.startup.complete", "lifespan.startup.failed"):
            self._started.set()
        else:
            self._stopped.set()
