"""What a double can do with a request."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final, TypeAlias

from bento_proto._frozen import Frozen
from bento_proto._types import JSON

_NONE: Final[Mapping[str, str]] = {}


class Reply(Frozen):
    """A response.

    Attributes:
        value: the result of the endpoint, or the items of its stream, which may include `Pause`; or a function of the
            arguments that returns one. By default the result that it has without a script.
        status: the HTTP status.
        headers: header fields of the response, which replace those of the same name.
        delay: seconds before the response.
        interval: seconds between the items of a stream.
    """

    value: object = ...
    status: int = 200
    headers: Mapping[str, str] = _NONE
    delay: float = 0.0
    interval: float = 0.0


class Refusal(Frozen):
    """An error response, with a body like BentoML's.

    Attributes:
        status: the HTTP status.
        message: the message of the error.
        detail: the detail of the error, such as a list of field errors.
        retry_after: the ``Retry-After`` of the response, in seconds.
        headers: further header fields.
        delay: seconds before the response.
    """

    status: int
    message: str = "refused, as the test says"
    detail: JSON = None
    retry_after: float | None = None
    headers: Mapping[str, str] = _NONE
    delay: float = 0.0


class Unreachable(Frozen):
    """No connection can be made. Nothing is sent.

    Attributes:
        reason: the message of the error.
    """

    reason: str = "connection refused"


class Garbage(Frozen):
    """The response is not HTTP.

    Attributes:
        reason: the message of the error.
    """

    reason: str = "the server does not speak HTTP/1.1"


class Cut(Frozen):
    """The connection breaks, before the head of the response or at some point of its body.

    Attributes:
        items: how many items of a stream come before.
        bytes: how many bytes of the body come before; the ``content-length`` is that of the whole body.
        reply: the response that is cut off: a value, or another act.
    """

    items: int | None = None
    bytes: int | None = None
    reply: object = ...


class Stall(Frozen):
    """The server stalls, before the head of the response or at some point of its body.

    Attributes:
        seconds: for how long; by default for ever.
        items: how many items of a stream come before.
        bytes: how many bytes of the body come before.
        reply: the response that stalls: a value, or another act.
    """

    seconds: float = math.inf
    items: int | None = None
    bytes: int | None = None
    reply: object = ...


class Life(Frozen):
    """The course of a submitted task: pending, then in progress, then over.

    Each request for its status moves it on. The endpoint's function runs when the task is submitted.

    Attributes:
        pending: how many requests find it pending.
        in_progress: how many requests then find it in progress.
        reply: its result: a value, or another act; with a `Refusal` the task fails.
        canceled: whether it ends as canceled.
        cancelable: whether the client can cancel it. BentoML's local server can't.
    """

    pending: int = 0
    in_progress: int = 0
    reply: object = ...
    canceled: bool = False
    cancelable: bool = True


Act: TypeAlias = "Reply | Refusal | Unreachable | Garbage | Cut | Stall"
"""What becomes of one request. Any other object in a script is the value of a `Reply`."""


def act_of(told: object) -> Act:
    """An object of a script as an act."""
    return told if isinstance(told, (Reply, Refusal, Unreachable, Garbage, Cut, Stall)) else Reply(told)
