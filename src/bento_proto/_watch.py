"""What others are told of the requests of a call, and what they may add to them.

Nothing that they are told holds a credential: of a URL's query only what the client itself puts there is shown, of a
request's headers those that are known to be harmless, of an answer's those whose names do not sound like a secret.
"""

from __future__ import annotations

import re
from contextlib import suppress
from urllib.parse import SplitResult, urlsplit

from ._exchange import State
from ._headers import HARMLESS, Headers, checked_fields, merged
from ._hooks import REDACTED, shown
from ._messages import Request
from ._text import error_line, one_line
from ._typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from typing import Final

    from ._exchange import Exchange
    from ._flow import Flow, Step
    from ._hooks import Hooks
    from ._messages import Fields, Origin

SECRET: Final = re.compile("auth|cookie|credential|key|passw|secret|session|sig|token")
_SHOWN_QUERY: Final = frozenset({"task_id"})


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
        self.url: str = f"{origin.scheme}://{origin.authority}{_target(request.target)}"
        self.origin: Origin = origin
        self.attempt: int = attempt
        self.delay: float = delay
        self.size: int | None = request.content_length
        self.headers: Headers = Headers(shown(request.headers))

    def __repr__(self) -> str:
        return f"<RequestEvent {self.method} {self.url}, attempt {self.attempt}>"


class ResponseEvent(NamedTuple):
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


class RetryEvent(NamedTuple):
    """A request failed, and the call goes on with another.

    Attributes:
        request: what failed.
        wait: seconds until the next.
        reason: why it failed, as in the ``attempts`` of an error: ``"ConnectError: can't connect to ..."``.
    """

    request: RequestEvent
    wait: float
    reason: str


class EndEvent(NamedTuple):
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


class Watch:
    """Tells hooks of the requests of one call.

    Args:
        hooks: whom to tell.
    """

    def __init__(self, hooks: tuple[Hooks, ...]) -> None:
        self._hooks = hooks
        self._attempt = 0
        self._home: Origin | None = None
        self._event: RequestEvent | None = None
        self._seconds = 0.0

    def request(self, request: Request, delay: float) -> Request:
        """Tell of a request; return it with the headers that the hooks want."""
        self._home = self._home or request.origin
        self._attempt += 1
        event = self._event = RequestEvent(request, self._attempt, delay)
        fields: Fields = ()
        for index, hooks in enumerate(self._hooks):
            if hooks.request is not None:
                try:
                    fields = merged(fields, checked_fields(hooks.request(event)))
                except BaseException as exc:  # it ends for those that know of it
                    _end(self._hooks[: index + 1], EndEvent(event, None, error_line(exc), False, 0, None))
                    raise
        if request.origin != self._home:
            fields = tuple(field for field in fields if field[0] in HARMLESS)
        if not fields:
            return request
        return Request(request.method, request.origin, request.target, merged(request.headers, fields), request.body)

    def step(self, step: Step, now: float) -> Flow[float]:
        """Yield a step; return what the clock reads after it; tell if the flow is closed meanwhile."""
        try:
            after = yield step
        except GeneratorExit as closing:  # because of what the call met: a cancellation, a file that can't be read
            cause = closing.__context__
            self._over(step.exchange, None, None if cause is None else error_line(cause), None)
            raise
        self._seconds = after - now - step.delay
        return after

    def answer(self, exchange: Exchange[object]) -> None:
        """Tell what became of the request: of one that is handed over, its end comes when that is there."""
        head, complete, response = exchange.head, exchange.state is not State.OPEN, None
        assert self._event is not None
        if head is not None:
            headers = Headers(tuple((name, _value(name.lower(), value)) for name, value in head.headers))
            request_id = head.get("x-bentoml-request-id")
            request_id = None if request_id is None else one_line(request_id)
            response = ResponseEvent(self._event, head.status, headers, request_id, self._seconds, complete)
        if not complete:
            exchange.on_end = lambda: self._over(exchange, response, None, None)
        try:
            for hooks in self._hooks:
                if hooks.response is not None and response is not None:
                    hooks.response(response)
        finally:
            if complete:
                self._over(exchange, response, None, self._seconds)

    def retry(self, wait: float, reason: str) -> None:
        """Tell that there will be another request."""
        assert self._event is not None
        for hooks in self._hooks:
            if hooks.retry is not None:
                hooks.retry(RetryEvent(self._event, wait, reason))

    def _over(
        self, exchange: Exchange[object], response: ResponseEvent | None, error: str | None, seconds: float | None
    ) -> None:
        assert self._event is not None
        error = error if exchange.error is None else error_line(exchange.error)
        abandoned = exchange.state in (State.WAITING, State.OPEN, State.REFUSED)
        received = 0 if exchange.download is None else exchange.download.done
        _end(self._hooks, EndEvent(self._event, response, error, abandoned, received, seconds))


def _end(several: tuple[Hooks, ...], event: EndEvent) -> None:
    for hooks in several:
        if hooks.end is not None:
            with suppress(*(() if event.error is None and not event.abandoned else (Exception,))):
                hooks.end(event)


def _target(target: str) -> str:
    path, mark, query = target.partition("?")
    return path + mark + _query(query)


def _query(query: str) -> str:
    return "&".join(_field(*field.partition("=")) for field in query.split("&") if field)


def _field(name: str, equals: str, value: str) -> str:
    return name + equals + (value if name in _SHOWN_QUERY or not value else REDACTED)


def _value(name: str, value: str) -> str:
    if SECRET.search(name):
        return REDACTED
    return _location(value) if name in ("location", "content-location", "link", "refresh") else value


def _location(value: str) -> str:
    try:
        parts = urlsplit(value)
    except ValueError:
        return REDACTED
    host = parts.netloc.rpartition("@")[2]
    return SplitResult(parts.scheme, host, parts.path, _query(parts.query), "").geturl()
