"""Calls the hooks for the requests of one call, and adds the headers that they return.

No event holds a credential. Of a URL's query only what the client itself puts there is shown, of a request's headers
those that are known to be harmless, of a response's those whose names do not sound like a secret.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from bento_proto._text import error_line, one_line
from bento_proto.exchange._exchange import State
from bento_proto.http._headers import Headers, checked_fields, merged
from bento_proto.http._messages import Request
from bento_proto.http._redaction import HARMLESS, redacted_response_fields
from bento_proto.observe._hooks import EndEvent, Hooks, RequestEvent, ResponseEvent, RetryEvent

from ._retry import IDEMPOTENCY_KEY

if TYPE_CHECKING:
    from bento_proto._types import Fields
    from bento_proto.exchange._exchange import Exchange
    from bento_proto.http._messages import Origin

    from ._flow import Flow, Step


class HookDispatcher:
    """Calls hooks for the requests of one call.

    Args:
        hooks: the enabled ones.
    """

    def __init__(self, hooks: tuple[Hooks, ...]) -> None:
        self._hooks = hooks
        self._attempt = 0
        self._home: Origin | None = None
        self._event: RequestEvent | None = None
        self._seconds = 0.0
        self._key: Fields = ()

    def request(self, request: Request, delay: float) -> Request:
        """Announce a request; return it with the headers of the hooks.

        An ``Idempotency-Key`` that hooks give to the first attempt is that of all attempts.
        """
        self._home = self._home or request.origin
        self._attempt += 1
        event = self._event = RequestEvent(request, self._attempt, delay)
        fields: Fields = ()
        for index, hooks in enumerate(self._hooks):
            if hooks.request is not None:
                try:
                    fields = merged(fields, checked_fields(hooks.request(event)))
                except BaseException as exc:  # the request is over for those who know of it
                    _end(self._hooks[: index + 1], EndEvent(event, None, error_line(exc), False, 0, None))
                    raise
        if self._attempt == 1:
            self._key = tuple(field for field in fields if field[0] == IDEMPOTENCY_KEY)
        fields = merged(fields, self._key)
        if request.origin != self._home:
            fields = tuple(field for field in fields if field[0] in HARMLESS)
        if not fields:
            return request
        return Request(request.method, request.origin, request.target, merged(request.headers, fields), request.body)

    def step(self, step: Step, now: float) -> Flow[float]:
        """Yield a step; return the time after it. If the flow is closed meanwhile, the request is over."""
        try:
            after = yield step
        except GeneratorExit as closing:  # because of what the call met: a cancellation, a file that can't be read
            cause = closing.__context__
            self._over(step.exchange, None, None if cause is None else error_line(cause), None)
            raise
        began = now + step.delay
        if step.turn is not None:
            began = max(began, step.turn.began)
        self._seconds = after - began
        return after

    def response(self, exchange: Exchange[object]) -> None:
        """Report the response. If its items are still to come, its end is reported when they have."""
        head, complete, response = exchange.head, exchange.state is not State.RECEIVING, None
        assert self._event is not None
        if head is not None:
            headers = Headers(redacted_response_fields(head.headers))
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
        """Announce that the request will be sent again."""
        assert self._event is not None
        for hooks in self._hooks:
            if hooks.retry is not None:
                hooks.retry(RetryEvent(self._event, wait, reason))

    def _over(
        self, exchange: Exchange[object], response: ResponseEvent | None, error: str | None, seconds: float | None
    ) -> None:
        assert self._event is not None
        if exchange.error is not None and exchange.state is not State.CLOSED:
            error = error_line(exchange.error)
        abandoned = exchange.state in (State.WAITING, State.RECEIVING, State.RECEIVING_ERROR, State.CLOSED)
        received = 0 if exchange.download is None else exchange.download.done
        _end(self._hooks, EndEvent(self._event, response, error, abandoned, received, seconds))


def _end(several: tuple[Hooks, ...], event: EndEvent) -> None:
    for hooks in several:
        if hooks.end is not None:
            with suppress(*(() if event.error is None and not event.abandoned else (Exception,))):
                hooks.end(event)
