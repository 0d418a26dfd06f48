"""What a client and its views share, and which of its parts carries out a request."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

import anyio

from bento_proto.session import check_picklable

from ._transport import carry_out

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from bento_proto import FlowRunner, Limits, Session, Step
    from bento_proto.testing import ExchangeRecorder, Responder

    from ._asgi import Application
    from ._connections import Connections
    from ._underway import Underway

T = TypeVar("T")


class Shared:
    """What a client and its views have in common.

    Args:
        session: what the client knows.
        connections: its connections.
        limits: how much a server may send.
        application: what is called instead of a server, if anything is.
        responder: what answers in the place of a server, if anything does.
        recorder: what notes the exchanges, if anything does.

    Attributes:
        loaded: the endpoints for which nothing is left to import.
    """

    def __init__(
        self,
        session: Session,
        connections: Connections,
        limits: Limits,
        application: Application | None,
        responder: Responder | None,
        recorder: ExchangeRecorder | None,
    ) -> None:
        self.session: Session = session
        self.limits: Limits = limits
        self.connections: Connections = connections
        self.application: Application | None = application
        self.responder: Responder | None = responder
        self.recorder: ExchangeRecorder | None = recorder
        self.loaded: set[str] = set()
        self._is_plain = application is None and responder is None and recorder is None

    def __reduce__(self) -> tuple[type[Shared], tuple[Session, Connections, Limits, None, None, None]]:
        """The same with connections of its own, as it is made in another process.

        Raises:
            TypeError: something of it can't leave this one.
        """
        check_picklable(app=self.application or self.responder, recorder=self.recorder)
        return Shared, (self.session, self.connections, self.limits, None, None, None)

    def carry_out(self, run: FlowRunner[T]) -> Awaitable[Underway[object] | None]:
        """Carry out the step of a run until its exchange wants no more; what is handed over is read further."""
        step = run.step
        assert step is not None
        if self._is_plain and not step.delay:
            return carry_out(step, self.connections)
        return self._carry_out(run, step)

    async def _carry_out(self, run: FlowRunner[T], step: Step) -> Underway[object] | None:
        if self.recorder is not None:
            from ._play import body_of  # which nearly none has

            self.recorder.watch(step.exchange, await body_of(step.exchange.request), time.monotonic)
        if self.responder is not None:
            from ._play import play

            self.connections.check_open()
            return await play(run, self.responder)
        if step.delay:
            await anyio.sleep(step.delay)
        if self.application is not None and step.exchange.request.origin == self.session.base.origin:
            return await self.application.carry_out(step)
        return await carry_out(step, self.connections)

    async def close(self) -> None:
        """Close the connections, and stop the application."""
        self.connections.close()
        if self.application is not None:
            await self.application.stop()
