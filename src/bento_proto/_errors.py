"""Every exception that a call can raise, as one tree.

::

    BentoMLException                 any error; an answer with a status that has no class below
    ├── InvalidArgument              400
    │   └── TaskNotCompleted         400, the task's result was asked for too early
    ├── Unauthorized                 401
    ├── Forbidden                    403
    ├── NotFound                     404
    ├── Conflict                     409
    ├── UnprocessableEntity          422
    ├── TooManyRequests              429
    ├── InternalServerError          500
    ├── ServiceUnavailable           503, and a Service that did not become ready
    ├── GatewayTimeout               504, the server gave up on the call
    ├── TaskFailed                   the task failed, or was canceled; the status is its own
    ├── ConnectError                 no connection could be made; also a ConnectionError
    ├── ConnectionLost               the connection broke; also a ConnectionError
    ├── CallTimeout                  the client's time was up; also a TimeoutError
    ├── RemoteProtocolError          the server broke the protocol
    │   ├── SchemaError              its /schema.json can't be understood
    │   └── LimitExceeded            it sent more than the client takes
    └── LocalProtocolError           the caller, or an adapter, broke the protocol

Wrong arguments of a call raise ``TypeError`` or ``ValueError``, and a file that can't be read its own
``OSError``, before anything is sent. The names and statuses that BentoML has are BentoML's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from ._types import JSON

_NO_HEADERS: Final[Mapping[str, str]] = {}


class BentoMLException(Exception):
    """Base class of every error of a call.

    Attributes:
        message: what went wrong, in the server's words where it answered.
        error_code: the HTTP status of the answer; None where there was none.
        detail: what the server said beyond the message, parsed: BentoML sends a list of field errors.
        headers: the answer's headers, a mapping in which the case of a name does not matter.
        request_id: BentoML's id of the request, for finding it in the server's log.
        trace_id: the id of the trace that the request was sent in, of 32 hexadecimal digits; None without a trace.
        attempts: one line for each time that the request was sent, or was to be, and failed; the last one last.
    """

    error_code: int | None = None

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
            self.error_code = error_code
        self.detail: JSON = detail
        self.headers: Mapping[str, str] = headers
        self.request_id: str | None = request_id
        self.trace_id: str | None = None
        self.attempts: tuple[str, ...] = ()

    def __str__(self) -> str:
        text = self.message
        fields = _field_errors(self.detail)
        if fields:
            text += ": " + fields
        if len(self.attempts) > 1:
            text += f" (after {len(self.attempts)} attempts)"
        return text

    def __reduce__(self) -> tuple[type[BentoMLException], tuple[str], Mapping[str, object]]:
        # The cause is not among an exception's attributes; what others raised may not pickle.
        cause = {"__cause__": self.__cause__} if isinstance(self.__cause__, BentoMLException) else {}
        return type(self), (self.message,), {**self.__dict__, **cause}


class InvalidArgument(BentoMLException):
    """400: the server refused the input."""

    error_code: int | None = 400


class TaskNotCompleted(InvalidArgument):
    """400: the task has no result yet."""


class Unauthorized(BentoMLException):
    """401: a valid token is missing."""

    error_code: int | None = 401


class Forbidden(BentoMLException):
    """403: the token does not allow it."""

    error_code: int | None = 403


class NotFound(BentoMLException):
    """404: no such endpoint, task or thing."""

    error_code: int | None = 404


class Conflict(BentoMLException):
    """409: it contradicts the server's state."""

    error_code: int | None = 409


class UnprocessableEntity(BentoMLException):
    """422: understood, and refused."""

    error_code: int | None = 422


class TooManyRequests(BentoMLException):
    """429: the Service's ``max_concurrency`` is reached, or a gateway's rate limit."""

    error_code: int | None = 429


class InternalServerError(BentoMLException):
    """500: the endpoint raised; the reason is in the server's log, under the request id."""

    error_code: int | None = 500


class ServiceUnavailable(BentoMLException):
    """503: the Service is overloaded, or did not become ready in time."""

    error_code: int | None = 503


class GatewayTimeout(BentoMLException):
    """504: the server's own ``traffic.timeout`` ran out."""

    error_code: int | None = 504


class TaskFailed(BentoMLException):
    """The task ran and failed, or was canceled; ``__cause__`` is what the server answers in place of a result."""


class ConnectError(BentoMLException, ConnectionError):
    """No connection could be made.

    Attributes:
        sent: whether the server may have seen the request in an attempt before this one.
    """

    sent: bool = False


class ConnectionLost(BentoMLException, ConnectionError):
    """The connection broke before the answer was whole.

    Attributes:
        sent: whether the server may have seen the request, and acted on it.
    """

    sent: bool = True


class CallTimeout(BentoMLException, TimeoutError):
    """The time that the caller gave is up.

    Attributes:
        sent: whether the server may have seen the request, and acted on it.
    """

    sent: bool = True


class RemoteProtocolError(BentoMLException):
    """The server's answer does not follow the protocol.

    Attributes:
        body: the bytes that could not be decoded, where they are at hand.
        items: of a stream, what the same bytes completed before the fault in them.
    """

    body: bytes = b""
    items: Sequence[object] = ()


class SchemaError(RemoteProtocolError):
    """The server's ``/schema.json`` can't be understood."""


class LimitExceeded(RemoteProtocolError):
    """The server sent more than a limit of the client allows."""


class LocalProtocolError(BentoMLException):
    """A machine was given an input that its state does not allow, or a closed client was used."""


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
    """The class for an answer with that status."""
    return _BY_STATUS.get(status, BentoMLException)


def _field_errors(detail: JSON) -> str:
    """Pydantic's list of errors as ``field: reason`` pairs, or nothing if it is something else."""
    if not isinstance(detail, list):
        return ""
    lines: list[str] = []
    for entry in detail:
        if isinstance(entry, dict) and isinstance(entry.get("msg"), str):
            where = entry.get("loc")
            parts = where if isinstance(where, list) else []
            # Whatever else a server puts there may be nested too deeply to be shown.
            name = ".".join(str(part) for part in parts if isinstance(part, (str, int)))
            lines.append(f"{name}: {entry['msg']}" if name else str(entry["msg"]))
    return "; ".join(lines)
