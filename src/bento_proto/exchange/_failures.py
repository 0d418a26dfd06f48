"""The exceptions for failed exchanges and error responses."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bento_proto._text import one_line
from bento_proto._types import JSON
from bento_proto.errors import (
    BentoMLException,
    CallTimeout,
    Conflict,
    ConnectError,
    ConnectionLost,
    Forbidden,
    GatewayTimeout,
    InternalServerError,
    InvalidArgument,
    NotFound,
    RemoteProtocolError,
    ServiceUnavailable,
    TooManyRequests,
    Unauthorized,
    UnprocessableEntity,
)
from bento_proto.http._content_headers import charset, media_type
from bento_proto.http._curl import curl
from bento_proto.http._headers import Headers
from bento_proto.http._messages import FailureKind
from bento_proto.http._redaction import redacted_urls
from bento_proto.json import parse_json

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Final

    from bento_proto.http._messages import ConnectionFailed, Head, Request

_HINTS: Final = (
    (CallTimeout, "with_options(timeout=...) allows more time; by default each wait may take 30 seconds"),
    (Unauthorized, "a token is given by token=..., or by the environment variable BENTO_CLOUD_API_KEY"),
    (
        TooManyRequests,
        "the Service is busy; with retries=RetryPolicy(adaptive=True) calls wait for their turn",
    ),
)
_PAGE: Final = re.compile(r"\s*<(?:!doctype html|html|\?xml)[\s>]", re.IGNORECASE)
_TITLES: Final = tuple(re.compile(f"<{tag}[^<>]*>([^<>]*)", re.IGNORECASE) for tag in ("title", "h1"))
_LONGEST_TITLE: Final = 200
_BY_STATUS: Final[Mapping[int, type[BentoMLException]]] = {
    400: InvalidArgument,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    422: UnprocessableEntity,
    429: TooManyRequests,
    500: InternalServerError,
    503: ServiceUnavailable,
    504: GatewayTimeout,
}


def error_class(status: int) -> type[BentoMLException]:
    """The exception class for a response with this status."""
    return _BY_STATUS.get(status, BentoMLException)


def failure(event: ConnectionFailed) -> BentoMLException:
    """The exception for an exchange that failed."""
    error: BentoMLException
    if event.kind is FailureKind.PROTOCOL:
        error = RemoteProtocolError(event.reason)
    elif event.kind.is_before_sending:
        error = ConnectError(event.reason)
    elif event.kind is FailureKind.TIMEOUT:
        error = CallTimeout(event.reason)
        error.sent = event.sent
    else:
        error = ConnectionLost(event.reason)
        error.sent = event.sent
    error.__cause__ = event.cause
    return error


def explain(error: BentoMLException, request: Request, head: Head | None, elapsed: float) -> None:
    """Add to an error's traceback what was asked, what came of it, and what its reader can do; `str` stays one line.

    Args:
        error: the error, with its request id and attempts.
        request: the request that failed.
        head: the head of its response, if there was one.
        elapsed: the seconds since the call began; 0 if they are not known.
    """
    error.curl = curl(request)
    outcome = "no response" if head is None else f"status {head.status}"
    after = f" after {elapsed:.3g} seconds" if elapsed else ""
    known = f", request id {one_line(error.request_id)}" if error.request_id else ""
    target = one_line(redacted_urls(request.target))  # as long as a server likes, after a redirect
    lines = [f"{request.method} {request.origin}{target}: {outcome}{after}{known}"]
    if len(error.attempts) > 1:
        lines += [f"attempt {number}: {line}" for number, line in enumerate(error.attempts, 1)]
    if isinstance(error, InternalServerError) and error.request_id:
        lines.append("the cause is in the server's log, under this request id")
    for kind, hint in _HINTS:
        if isinstance(error, kind):
            lines.append(hint)
    error.__notes__ = ["\n".join(lines)]  # what add_note() makes; pytest and others show it on Python 3.10 too


def refusal(head: Head, body: bytes) -> BentoMLException:
    """The exception for a response with an error status, in whichever of BentoML's shapes its body is.

    Of an HTML page, such as a proxy sends with or without a type, the message is its title or else its first heading;
    the page is the detail.
    """
    try:
        said: JSON = parse_json(body)
    except RemoteProtocolError:
        said = body.decode(charset(head), "replace").strip()
    if isinstance(said, list) and said and isinstance(said[0], dict):
        said = said[0]
    detail = said
    message = said if isinstance(said, str) else ""
    if isinstance(said, dict):
        message = next((text for key in ("error", "detail", "message") if isinstance(text := said.get(key), str)), "")
        detail = said.get("detail", None if message else said)
        detail = None if detail == message else detail
    elif isinstance(said, str):
        detail = None
        if media_type(head) == "text/html" or _PAGE.match(said) is not None:
            message, detail = _title(said, head.status), said or None
    return error_class(head.status)(
        message or f"the server responded with status {head.status}",
        error_code=head.status,
        detail=detail,
        headers=Headers(head.headers),
        request_id=head.get("x-bentoml-request-id"),
    )


def _title(page: str, status: int) -> str:
    """The title of an HTML page, or its heading, with the status, on one line; empty if it has none."""
    import html  # few servers send pages, and it loads every entity

    for pattern in _TITLES:
        found = pattern.search(page)
        title = "" if found is None else one_line(html.unescape(found[1]))[:_LONGEST_TITLE]
        if title:
            return title if str(status) in title else f"{title} (status {status})"
    return ""
