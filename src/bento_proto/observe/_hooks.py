"""Hooks, and the events that they are called with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import cast

from bento_proto._frozen import Frozen
from bento_proto.http._headers import Headers
from bento_proto.http._messages import Origin, Request
from bento_proto.http._redaction import redacted_request_fields, redacted_urls


class Hooks(Frozen):
    """Functions that are called at certain points of each request, also of those for readiness and schema.

    They are called in the thread and the context of the call, on the event loop if there is one, so they must be quick.
    An exception of a hook is raised to the caller, and the connection is closed. If the request has failed or was
    abandoned, its own error takes precedence, and an exception of `end` is dropped.

    Attributes:
        request: called before a request is sent. The headers that it returns, such as a trace context or a signature,
            replace those of the same name. After a redirect to another origin, none is sent that may be a credential.
            An ``Idempotency-Key`` that it returns for the first attempt is sent with all attempts.
        response: called when a response has come: the whole of a value, the head of a stream or a file.
        retry: called when a request failed and is sent again.
        end: called when a request is over; for a stream, when the stream is.
        enabled: called once for each call; if it returns False, none of the others is called.
    """

    request: Callable[[RequestEvent], Mapping[str, str] | None] | None = None
    response: Callable[[ResponseEvent], object] | None = None
    retry: Callable[[RetryEvent], object] | None = None
    end: Callable[[EndEvent], object] | None = None
    enabled: Callable[[], bool] | None = None


def hooks_of(given: Hooks | Iterable[Hooks] | None) -> tuple[Hooks, ...]:
    """The hooks that a caller gave: one, several, or none.

    Raises:
        TypeError: it is something else.
    """
    if given is None:
        return ()
    several = (given,) if isinstance(given, Hooks) else tuple(given)
    for hooks in cast("tuple[object, ...]", several):
        if not isinstance(hooks, Hooks):
            raise TypeError(f"hooks must be Hooks, or several of them, not {hooks!r}")
    return several


class RequestEvent:
    """A request is about to be sent. The later events of the request refer to this very object.

    Attributes:
        method: the HTTP method.
        url: the URL; the values of its query are hidden, except ``task_id``.
        origin: scheme, host and port of the URL.
        attempt: 1 for the first request of a call, 2 for the second and so on; redirects count too.
        delay: seconds until it is sent, for a retry.
        size: bytes of its body; None if that is not known beforehand.
        headers: the header fields, without those of this hook and later ones. The values of all but a few harmless ones
            are hidden.
    """

    __slots__ = ("__weakref__", "attempt", "delay", "headers", "method", "origin", "size", "url")

    def __init__(self, request: Request, attempt: int, delay: float) -> None:
        origin = request.origin
        self.method: str = request.method
        self.url: str = f"{origin.scheme}://{origin.authority}{redacted_urls(request.target)}"
        self.origin: Origin = origin
        self.attempt: int = attempt
        self.delay: float = delay
        self.size: int | None = request.content_length
        self.headers: Headers = Headers(redacted_request_fields(request.headers))

    def __repr__(self) -> str:
        return f"<RequestEvent {self.method} {self.url}, attempt {self.attempt}>"


class ResponseEvent(Frozen):
    """A response has come, whatever its status.

    Attributes:
        request: the request.
        status_code: the HTTP status.
        headers: the header fields; values that may be secrets are hidden.
        request_id: the id that BentoML gave the request, to find it in the server's log; or None.
        seconds: the time since the request was sent.
        complete: whether all of it has come; otherwise a stream or a file follows.
    """

    request: RequestEvent
    status_code: int
    headers: Headers
    request_id: str | None
    seconds: float
    complete: bool


class RetryEvent(Frozen):
    """A request failed, and is sent again.

    Attributes:
        request: the request that failed.
        wait: seconds until the next one.
        reason: why it failed, as in the ``attempts`` of an error: ``"ConnectError: can't connect to ..."``.
    """

    request: RequestEvent
    wait: float
    reason: str


class EndEvent(Frozen):
    """A request is over. There is one for each `RequestEvent`.

    Attributes:
        request: the request.
        response: the response, if there was one.
        error: the exception in one line that begins with its name; None if there was none.
        abandoned: whether it was ended early: a stream that was closed, a call that was cancelled.
        received: bytes of the response's body that came over the wire.
        seconds: the time since the request was sent; None for a stream or a file, which is read after the call.
    """

    request: RequestEvent
    response: ResponseEvent | None
    error: str | None
    abandoned: bool
    received: int
    seconds: float | None
