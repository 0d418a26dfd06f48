"""The exceptions that a call can raise.

::

    BentoMLException                 any error; a response with a status that has no class below
    ├── InvalidArgument              400
    │   └── TaskNotCompleted         400: the task has no result yet
    ├── Unauthorized                 401
    ├── Forbidden                    403
    ├── NotFound                     404
    ├── Conflict                     409
    ├── UnprocessableEntity          422
    ├── TooManyRequests              429
    ├── InternalServerError          500
    ├── ServiceUnavailable           503, or the Service did not become ready in time
    ├── GatewayTimeout               504: the server gave up on the call
    ├── TaskFailed                   the task failed or was canceled; the status is that of its result
    ├── ConnectError                 no connection was made; also a ConnectionError
    ├── ConnectionLost               the connection broke; also a ConnectionError
    ├── CallTimeout                  a timeout of the client expired; also a TimeoutError
    ├── RemoteProtocolError          the server violated the protocol
    │   ├── SchemaError              its /schema.json is not the schema of a Service
    │   └── LimitExceeded            it sent more than a limit of the client allows
    └── LocalProtocolError           the caller or an adapter violated the protocol

Invalid arguments of a call raise ``TypeError`` or ``ValueError``, and a file that can't be read raises its own
``OSError``, before anything is sent. Classes that BentoML has too have the same name and status.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from ._text import one_line
from ._types import JSON

__all__ = (
    "BentoMLException", "CallTimeout", "Conflict", "ConnectError", "ConnectionLost", "Forbidden", "GatewayTimeout",
    "InternalServerError", "InvalidArgument", "LimitExceeded", "LocalProtocolError", "NotFound", "RemoteProtocolError",
    "SchemaError", "ServiceUnavailable", "TaskFailed", "TaskNotCompleted", "TooManyRequests", "Unauthorized",
    "UnprocessableEntity",
)  # fmt: skip

_NO_HEADERS: Final[Mapping[str, str]] = {}
_REGISTERED: Final = frozenset(map(int, HTTPStatus))


class BentoMLException(Exception):
    """Base class of every error of a call.

    Attributes:
        message: what went wrong; if the server sent a message, that one, whole and as it came. The `str` of the error
            is one line of about 1,000 characters at most, without any that control a terminal or can't be seen.
        error_code: the HTTP status of the response, an ``http.HTTPStatus`` if it is registered; None if there was no
            response.
        detail: further data of the error response, parsed: BentoML sends a list of field errors.
        headers: the fields of the response, a mapping with case-insensitive names.
        request_id: BentoML's id of the request, which the server's log shows too.
        trace_id: the id of the trace that the request belongs to, 32 hexadecimal digits; None without a trace.
        attempts: one line for each attempt that failed, in order.
        curl: the last request as a command line of curl, in which secrets read ``REDACTED``; None if none was made.
        retryable: whether the call may be sent again: the server has not processed it, or it was declared repeatable.
        retry_after: the seconds that the server asks to wait before that, by ``Retry-After``; None if it did not.
    """

    error_code: HTTPStatus | int | None = None
    retryable: bool = False
    retry_after: float | None = None
    __notes__: list[str]  # what a traceback shows below the message

    def __init__(
        self,
        message: str = "",
        *,
        error_code: int | None = None,
        detail: JSON = None,
        headers: Mapping[str, str] = _NO_HEADERS,
        request_id: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message: str = message
        if error_code is not None:
            self.error_code = HTTPStatus(error_code) if error_code in _REGISTERED else error_code
        self.detail: JSON = detail
        self.headers: Mapping[str, str] = headers
        self.request_id: str | None = request_id
        self.trace_id: str | None = None
        self.attempts: tuple[str, ...] = ()
        self.curl: str | None = None

    @property
    def status_code(self) -> HTTPStatus | int | None:
        """The same as `error_code`, by the name that it has in responses."""
        return self.error_code

    if not TYPE_CHECKING:  # to which an attribute is missing that is not there

        def __getattr__(self, name):
            from bento_proto._guesses import OF_ERRORS

            hint = f"; here that is {OF_ERRORS[name]}" if name in OF_ERRORS else ""
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}{hint}")

    def __str__(self) -> str:
        fields = _field_errors(self.detail)
        text = one_line(f"{self.message}: {fields}" if fields else self.message)
        if len(self.attempts) > 1:
            text += f" (after {len(self.attempts)} attempts)"
        return text

    def _render_traceback_(self) -> list[str]:
        """The lines that IPython and Jupyter print."""
        from ._tracebacks import rendered  # they alone ask

        return rendered(self)

    def __reduce__(self) -> tuple[type[BentoMLException], tuple[str], Mapping[str, object]]:
        # The cause is not in __dict__. Exceptions of other libraries are left out: they may not be picklable.
        cause = {"__cause__": self.__cause__} if isinstance(self.__cause__, BentoMLException) else {}
        return type(self), (self.message,), {**self.__dict__, **cause}


class InvalidArgument(BentoMLException):
    """400: the server refused the input."""

    error_code: HTTPStatus | int | None = HTTPStatus(400)


class TaskNotCompleted(InvalidArgument):
    """400: the task has no result yet."""


class Unauthorized(BentoMLException):
    """401: a valid token is missing."""

    error_code: HTTPStatus | int | None = HTTPStatus(401)


class Forbidden(BentoMLException):
    """403: the token does not grant access."""

    error_code: HTTPStatus | int | None = HTTPStatus(403)


class NotFound(BentoMLException):
    """404: there is no such endpoint, task or resource."""

    error_code: HTTPStatus | int | None = HTTPStatus(404)


class Conflict(BentoMLException):
    """409: the request conflicts with the server's state."""

    error_code: HTTPStatus | int | None = HTTPStatus(409)


class UnprocessableEntity(BentoMLException):
    """422: the server understood the input and refused it."""

    error_code: HTTPStatus | int | None = HTTPStatus(422)


class TooManyRequests(BentoMLException):
    """429: the Service's ``max_concurrency`` is reached, or a gateway's rate limit."""

    error_code: HTTPStatus | int | None = HTTPStatus(429)


class InternalServerError(BentoMLException):
    """500: the endpoint raised an exception; the server's log has it under the request id."""

    error_code: HTTPStatus | int | None = HTTPStatus(500)


class ServiceUnavailable(BentoMLException):
    """503: the Service is overloaded, or did not become ready in time."""

    error_code: HTTPStatus | int | None = HTTPStatus(503)


class GatewayTimeout(BentoMLException):
    """504: the server's own ``traffic.timeout`` expired."""

    error_code: HTTPStatus | int | None = HTTPStatus(504)


class TaskFailed(BentoMLException):
    """The task failed or was canceled; ``__cause__`` is the error that the server sent in place of the result."""


class ConnectError(BentoMLException, ConnectionError):
    """No connection could be made.

    Attributes:
        sent: whether the server may have received the request in an earlier attempt.
    """

    sent: bool = False


class ConnectionLost(BentoMLException, ConnectionError):
    """The connection broke before the response was complete.

    Attributes:
        sent: whether the server may have received the request and acted on it.
    """

    sent: bool = True


class CallTimeout(BentoMLException, TimeoutError):
    """A timeout of the client expired.

    Attributes:
        sent: whether the server may have received the request and acted on it.
    """

    sent: bool = True


class RemoteProtocolError(BentoMLException):
    """The server's response violates the protocol.

    Attributes:
        body: the bytes that could not be decoded, if they are in memory.
        items: the items of a stream that the same bytes completed before the fault.
    """

    body: bytes = b""
    items: Sequence[object] = ()


class SchemaError(RemoteProtocolError):
    """The server's ``/schema.json`` is not the schema of a Service."""


class LimitExceeded(RemoteProtocolError):
    """The server sent more than a limit of the client allows."""


class LocalProtocolError(BentoMLException):
    """An input is not allowed in the current state, or a closed client was used."""


def _field_errors(detail: JSON) -> str:
    """Pydantic's list of errors as ``field: reason`` pairs; empty if ``detail`` is anything else."""
    if not isinstance(detail, list):
        return ""
    lines: list[str] = []
    for entry in detail:
        if isinstance(entry, dict) and isinstance(entry.get("msg"), str):
            where = entry.get("loc")
            parts = where if isinstance(where, list) else []
            # Other values may be nested too deeply for str().
            name = ".".join(str(part) for part in parts if isinstance(part, (str, int)))
            lines.append(f"{name}: {entry['msg']}" if name else str(entry["msg"]))
    return "; ".join(lines)
