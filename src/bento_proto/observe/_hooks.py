"""The functions that others give to be told of the requests of a call; `_watch` tells them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import cast

from bento_proto._frozen import Frozen
from bento_proto.http._headers import Headers
from bento_proto.http._messages import Origin, Request
from bento_proto.http._redaction import shown, shown_target


class Hooks(Frozen):
    """Functions that are called at certain points of each request: all of them, also those for readiness and schema.

    They are called in the thread and in the context of the call, and on the event loop, so they must be quick. What
    one raises is raised to who called, and the connection is closed; but where the request has failed or is given up,
    its own error comes first, and what `end` raises is dropped.

    Attributes:
        request: before a request is sent. What it returns is sent as headers, in place of those of the same name:
            a trace context, a signature. To another origin, behind a redirect, none goes that could be a credential.
        response: when an answer has come; of a value all of it, of a stream or a file its head.
        retry: when a request failed and there will be another.
        end: when a request is over: for a stream, when that is.
        enabled: asked once for each call; if it says no, none of the others is called.
    """

    request: Callable[[RequestEvent], Mapping[str, str] | None] | None = None
    response: Callable[[ResponseEvent], object] | None = None
    retry: Callable[[RetryEvent], object] | None = None
    end: Callable[[EndEvent], object] | None = None
    enabled: Callable[[], bool] | None = None


def hooks_of(given: Hooks | Iterable[Hooks] | None) -> tuple[Hooks, ...]:
    """The hooks that a caller gives: one set, several, or none.

    Raises:
        TypeError: it is something else.
    """
    if given is None:
        return ()
    several = (given,) if isinstance(given, Hooks) else tuple(given)
    for hooks in cast("tuple[object, ...]", several):
        if not isinstance(hooks, Hooks):
            raise TypeError(f"hooks are Hooks, or several of them, not {hooks!r}")
    return several


class RequestEvent:
    """A request that is about to be sent. What is told of it later refers to this very object.

    Attributes:
        method: the HTTP method.
        url: where to; the values of its query are hidden, but for a ``task_id``.
        origin: the same without path and query, taken apart.
        attempt: 1 for the first request of a call, and one more for each further one: redirects count too.
        delay: seconds until it is sent: the wait before a retry.
        size: bytes of its body; None if that is not known before.
        headers: the header fields, those of this hook and of later ones not yet among them; hidden are the values of
            all but a few that are known to be harmless.
    """

    __slots__ = ("__weakref__", "attempt", "delay", "headers", "method", "origin", "size", "url")

    def __init__(self, request: Request, attempt: int, delay: float) -> None:
        origin = request.origin
        self.method: str = request.method
        self.url: str = f"{origin.scheme}://{origin.authority}{shown_target(request.target)}"
        self.origin: Origin = origin
        self.attempt: int = attempt
        self.delay: float = delay
        self.size: int | None = request.content_length
        self.headers: Headers = Headers(shown(request.headers))

    def __repr__(self) -> str:
        return f"<RequestEvent {self.method} {self.url}, attempt {self.attempt}>"


class ResponseEvent(Frozen):
    """An answer has come, whatever its status.

    Attributes:
        request: what it answers.
        status: the HTTP status.
        headers: the header fields; the values of those that may be secrets are hidden.
        request_id: BentoML's id of the request, for finding it in the server's log; or None.
        seconds: from the sending to here.
        complete: whether all of it has come; else a stream or a file follows.
    """

    request: RequestEvent
    status: int
    headers: Headers
    request_id: str | None
    seconds: float
    complete: bool


class RetryEvent(Frozen):
    """A request failed, and the call goes on with another.

    Attributes:
        request: what failed.
        wait: seconds until the next.
        reason: why it failed, as in the ``attempts`` of an error: ``"ConnectError: can't connect to ..."``.
    """

    request: RequestEvent
    wait: float
    reason: str


class EndEvent(Frozen):
    """A request is over: nothing more comes of it. There is one for each `RequestEvent`.

    Attributes:
        request: what is over.
        response: the answer, if there was one.
        error: what went wrong, in one line that begins with the name of the exception; None if nothing did.
        abandoned: whether it was given up before its end: a stream that was closed, a call that was cancelled.
        received: bytes of the answer's body, as they came over the wire.
        seconds: from the sending to here; None where a stream or a file was read after the call had its answer.
    """

    request: RequestEvent
    response: ResponseEvent | None
    error: str | None
    abandoned: bool
    received: int
    seconds: float | None
