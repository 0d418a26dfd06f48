"""The exceptions for failed exchanges and error responses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bento_proto._errors import (
    BentoMLException,
    CallTimeout,
    ConnectError,
    ConnectionLost,
    RemoteProtocolError,
    error_class,
)
from bento_proto._types import JSON
from bento_proto.http._content_headers import charset
from bento_proto.http._headers import Headers
from bento_proto.http._messages import FailureKind
from bento_proto.json import parse_json

if TYPE_CHECKING:
    from bento_proto.http._messages import ConnectionFailed, Head


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


def refusal(head: Head, body: bytes) -> BentoMLException:
    """The exception for a response with an error status, in whichever of BentoML's shapes its body is."""
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
    return error_class(head.status)(
        message or f"the server responded with status {head.status}",
        error_code=head.status,
        detail=detail,
        headers=Headers(head.headers),
        request_id=head.get("x-bentoml-request-id"),
    )
