"""A result together with the response that it came in."""

from __future__ import annotations

from typing import Generic, TypeVar

from bento_proto import exchange
from bento_proto._types import JSON, Fields
from bento_proto.http._content_headers import charset
from bento_proto.http._cookies import set_cookies
from bento_proto.http._headers import Headers, trace_id
from bento_proto.http._messages import Head
from bento_proto.json import parse_json

T_co = TypeVar("T_co", covariant=True)


class Response(Generic[T_co]):
    """A response: the result with its status and headers.

    Attributes:
        value: the decoded result.
        status_code: the HTTP status.
        attempts: one line for each earlier attempt that failed.
        elapsed: seconds from the call's first request to this response, waits between attempts included; for a stream
            or a file to its head.
    """

    def __init__(self, head: Head, value: T_co, exchange: exchange.Exchange[object] | None = None) -> None:
        self.value: T_co = value
        self.status_code: int = head.status
        self.attempts: tuple[str, ...] = () if exchange is None else exchange.attempts
        self.elapsed: float = 0.0 if exchange is None else exchange.elapsed
        self._head = head
        self._sent: Fields = () if exchange is None else exchange.request.headers

    @property
    def headers(self) -> Headers:
        """The header fields."""
        return Headers(self._head.headers)

    @property
    def request_id(self) -> str | None:
        """The id that BentoML gave the request, to find it in the server's log; or None."""
        return self._head.get("x-bentoml-request-id")

    @property
    def trace_id(self) -> str | None:
        """The trace id that the request was sent with, 32 hexadecimal digits; None without a trace."""
        return trace_id(self._sent)

    @property
    def cookies(self) -> dict[str, str]:
        """The cookies that the response sets, by name."""
        return set_cookies(self._head)

    def __repr__(self) -> str:
        return f"<Response {self.status_code}>"


class Content(Response[bytes]):
    """The response to a request that is not a call of an endpoint. Its body is not decoded."""

    def __init__(self, head: Head, value: bytes, exchange: exchange.Exchange[object] | None = None) -> None:
        super().__init__(head, value, exchange)
        self._charset = charset(head)

    @property
    def content(self) -> bytes:
        """The body."""
        return self.value

    @property
    def text(self) -> str:
        """The body as text, in the declared charset; invalid bytes become U+FFFD."""
        return self.value.decode(self._charset, "replace")

    def json(self) -> JSON:
        """The body as JSON.

        Raises:
            RemoteProtocolError: it is not JSON.
        """
        return parse_json(self.value)
