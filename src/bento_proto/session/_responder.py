"""What a client can be given in place of a server, or beside it: a responder, and a recorder."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Protocol, TypeAlias, runtime_checkable

from bento_proto import exchange
from bento_proto._frozen import Frozen
from bento_proto.http._messages import Received, Request


class Pause(Frozen):
    """Time that passes before the next event.

    Attributes:
        seconds: how long; may be infinite.
    """

    seconds: float


Event: TypeAlias = Pause | Received
"""An event of a response."""


@runtime_checkable
class Responder(Protocol):
    """Responds in place of a server, as the ``app=`` of a client.

    Attributes:
        speed: by what factor pauses, and the client's own delays between retries, are shortened; infinite for no waits.
    """

    speed: float

    def respond(self, request: Request, body: bytes) -> Generator[Event, None, None]:
        """The events of the response: pauses, a head, the data of the body and its end, or a failed connection.

        The generator is closed when the client stops reading. What it raises is raised by the call.

        Args:
            request: the request.
            body: its body, files included.
        """
        ...


class ExchangeRecorder(Protocol):
    """Records exchanges, as the ``recorder=`` of a client."""

    def watch(self, exchange: exchange.Exchange[object], body: bytes, clock: Callable[[], float]) -> None:
        """An exchange is about to begin: set its `Exchange.recorder`.

        Args:
            exchange: has the request, and takes the response. The body of its request may be replaced here.
            body: the body of the request, files included.
            clock: returns the time, in seconds from any fixed point.
        """
        ...
