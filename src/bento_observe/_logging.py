"""What the clients say in the log."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from bento_proto import Hooks

if TYPE_CHECKING:
    from bento_proto import EndEvent, RequestEvent, ResponseEvent, RetryEvent

_HTTP: Final = logging.getLogger("bento_client.http")
_RETRY: Final = logging.getLogger("bento_client.retry")


def _is_wanted() -> bool:
    return _HTTP.isEnabledFor(logging.INFO) or _RETRY.isEnabledFor(logging.INFO)


def _request(event: RequestEvent) -> None:
    if _HTTP.isEnabledFor(logging.DEBUG):
        size = "a body of unknown length" if event.size is None else f"{event.size} bytes"
        delay = f" in {event.delay:.2f} s" if event.delay else ""
        _HTTP.debug("%s %s: sending %s%s%s", event.method, event.url, size, delay, _attempt(event))


def _response(event: ResponseEvent) -> None:
    if not event.complete:  # of the others, the end says all
        _HTTP.debug("%s: the answer begins", _answer(event))


def _end(event: EndEvent) -> None:
    if not _HTTP.isEnabledFor(logging.INFO):
        return
    request = event.request
    if event.response is not None:
        said = f"{_answer(event.response)}, {event.received} bytes received"
    else:
        said = f"{request.method} {request.url} no answer{_milliseconds(event.seconds)}{_attempt(request)}"
    if event.abandoned:
        said += ", given up"
    if event.error is not None:
        said += f": {event.error}"
    _HTTP.info("%s", said)


def _retry(event: RetryEvent) -> None:
    when = f"in {event.wait:.2f} s" if event.wait else "at once"
    request = event.request
    _RETRY.info(
        "%s %s again %s, after attempt %d: %s", request.method, request.url, when, request.attempt, event.reason
    )


def _answer(event: ResponseEvent) -> str:
    request = event.request
    said = f"{request.method} {request.url} {event.status}{_milliseconds(event.seconds)}{_attempt(request)}"
    return said + (f", request id {event.request_id}" if event.request_id is not None else "")


def _milliseconds(seconds: float | None) -> str:
    return "" if seconds is None else f" in {seconds * 1000:.1f} ms"


def _attempt(event: RequestEvent) -> str:
    return f", attempt {event.attempt}" if event.attempt > 1 else ""


LOGGING: Final = Hooks(request=_request, response=_response, retry=_retry, end=_end, enabled=_is_wanted)
"""What every client has: it writes to the loggers ``bento_client.http`` and ``bento_client.retry``.

A line for each request at its end and for each retry, at level INFO; one when a request goes out, and one when a stream
or a file begins, at DEBUG. Nothing of a request that could be a credential is written, and nothing of its body.
"""
