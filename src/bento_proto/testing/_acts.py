"""What a double may be told to do, when its endpoint is called."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final, TypeAlias

from bento_proto._frozen import Frozen
from bento_proto._types import JSON

_NONE: Final[Mapping[str, str]] = {}


class Reply(Frozen):
    """An answer of which more than the value is said.

    Attributes:
        value: what the endpoint returns, or the items of its stream, among which there may be a `Pause`; or a function
            of the arguments that does. By default what it would have returned without being told.
        status: the HTTP status.
        headers: header fields of the answer, in place of those of the same name.
        delay: seconds until it begins.
        interval: seconds between the items of a stream.
    """

    value: object = ...
    status: int = 200
    headers: Mapping[str, str] = _NONE
    delay: float = 0.0
    interval: float = 0.0


class Refusal(Frozen):
    """An error status, with a body such as BentoML's.

    Attributes:
        status: the HTTP status.
        message: what the error says.
        detail: what it says beyond that, such as the list of wrong fields.
        retry_after: what the answer's ``Retry-After`` says, in seconds.
        headers: further header fields.
        delay: seconds until it comes.
    """

    status: int
    message: str = "refused, as the test says"
    detail: JSON = None
    retry_after: float | None = None
    headers: Mapping[str, str] = _NONE
    delay: float = 0.0


class Unreachable(Frozen):
    """No connection can be made: nothing is sent.

    Attributes:
        reason: the words of the error.
    """

    reason: str = "connection refused"


class Garbage(Frozen):
    """What comes is not HTTP.

    Attributes:
        reason: the words of the error.
    """

    reason: str = "the server does not speak HTTP/1.1"


class Cut(Frozen):
    """The connection breaks: before the answer's head, or else at some point of its body.

    Attributes:
        items: how many items of a stream come before.
        bytes: how many bytes of the body come before; a ``content-length`` says that there are more.
        reply: the answer that is cut: whatever else a double may be told.
    """

    items: int | None = None
    bytes: int | None = None
    reply: object = ...


class Stall(Frozen):
    """Nothing comes for a while: before the answer's head, or else at some point of its body.

    Attributes:
        seconds: how long, before it goes on; by default it never does.
        items: how many items of a stream come before.
        bytes: how many bytes of the body come before.
        reply: the answer that stalls: whatever else a double may be told.
    """

    seconds: float = math.inf
    items: int | None = None
    bytes: int | None = None
    reply: object = ...


class Life(Frozen):
    """How a task that is submitted fares: pending, then in progress, then over.

    It moves on when the client asks for its status. The endpoint's function has run by then: it does so at the
    submission.

    Attributes:
        pending: how often it is said to be pending.
        in_progress: how often it is then said to be in progress.
        reply: what it comes to: whatever else a double may be told; it fails by a `Refusal`.
        canceled: whether it ends by being canceled.
        cancelable: whether the client can cancel it; BentoML's local server can't.
    """

    pending: int = 0
    in_progress: int = 0
    reply: object = ...
    canceled: bool = False
    cancelable: bool = True


Act: TypeAlias = "Reply | Refusal | Unreachable | Garbage | Cut | Stall"
"""What becomes of one request. Anything else that a double is told is the value of a `Reply`."""


def act_of(told: object) -> Act:
    """What a double was told, as an act."""
    return told if isinstance(told, (Reply, Refusal, Unreachable, Garbage, Cut, Stall)) else Reply(told)
