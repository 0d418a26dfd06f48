"""A result together with the response that it came in."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from types import TracebackType
from typing import Generic, TypeVar

from bento_proto import exchange
from bento_proto._types import JSON
from bento_proto.http._content_headers import charset
from bento_proto.http._cookies import set_cookies
from bento_proto.http._headers import Headers, trace_id
from bento_proto.http._messages import Head
from bento_proto.json import parse_json

from ._lines import LineSplitter

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
BaseT = TypeVar("BaseT", bound="BaseContent[object]")
ContentT = TypeVar("ContentT", bound="Content")


def _reason(status_code: int) -> str:
    return HTTPStatus(status_code).phrase if status_code in map(int, HTTPStatus) else ""


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
        self._request = None if exchange is None else exchange.request

    @staticmethod
    def of(value: T, exchange: exchange.Exchange[object]) -> Response[T]:
        """The response of an exchange whose head has come."""
        assert exchange.head is not None
        return Response(exchange.head, value, exchange)

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
        return None if self._request is None else trace_id(self._request.headers)

    @property
    def curl(self) -> str | None:
        """The request as a command line of curl, in which secrets read ``REDACTED``; None if it is not known."""
        from bento_proto.http._curl import curl  # few look at it

        return None if self._request is None else curl(self._request)

    @property
    def cookies(self) -> dict[str, str]:
        """The cookies that the response sets, by name."""
        return set_cookies(self._head)

    def __repr__(self) -> str:
        return f"<Response {self.status_code}: value is a {type(self.value).__name__}>"

    def _repr_html_(self) -> str:
        """What a notebook shows: the status, how long it took, and the value."""
        from bento_proto.html import card, value_html  # few look at it

        status = f"{self.status_code} {_reason(self.status_code)}".strip()
        attempts = f"attempt {len(self.attempts) + 1}" if self.attempts else ""
        known = (f"{self.elapsed:.3g} s", attempts, self.request_id or "")
        return card(status, *known, body=value_html(self.value))


class BaseContent(Response[T_co]):
    """The response to a request that is not a call of an endpoint, whatever its status. Its body is not decoded."""

    def __init__(self, head: Head, value: T_co, exchange: exchange.Exchange[object] | None = None) -> None:
        super().__init__(head, value, exchange)
        self._charset = charset(head)
        self._error_body = b""

    @property
    def encoding(self) -> str:
        """The declared charset; UTF-8 if there is none."""
        return self._charset

    @property
    def url(self) -> str:
        """The URL that responded, after redirects, without user and password."""
        return "" if self._request is None else f"{self._request.origin}{self._request.target}"

    @property
    def reason_phrase(self) -> str:
        """The standard phrase for the status; empty if it has none."""
        return _reason(self.status_code)

    @property
    def is_success(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status_code < 300

    @property
    def is_error(self) -> bool:
        """Whether the status is 4xx or 5xx."""
        return self.status_code >= 400

    def raise_for_status(self: BaseT) -> BaseT:  # noqa: PYI019
        """The response itself, unless its status is an error.

        Raises:
            BentoMLException: it is; the class is that of a call of an endpoint with this status.
        """
        if not self.is_error:
            return self
        from bento_proto.exchange._failures import refusal

        error = refusal(self._head, self._error_body)
        error.trace_id, error.attempts, error.curl = self.trace_id, self.attempts, self.curl
        raise error


class Content(BaseContent[bytes]):
    """The response to a request that is not a call of an endpoint, whatever its status. Its body is not decoded.

    It has what is most used of the responses of httpx and requests. The body is complete: iterating over it and closing
    it ask for nothing.
    """

    def __init__(self, head: Head, value: bytes, exchange: exchange.Exchange[object] | None = None) -> None:
        super().__init__(head, value, exchange)
        self._error_body = value

    def __repr__(self) -> str:
        return f"<Content {self.status_code}: {len(self.value)} bytes, as text or json()>"

    @property
    def content(self) -> bytes:
        """The body; of an error status, up to the limit ``error``."""
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

    def iter_bytes(self, chunk_size: int | None = None) -> Iterator[bytes]:
        """The body in pieces of so many bytes; by default in one."""
        size = len(self.value) or 1 if chunk_size is None else chunk_size
        return (self.value[start : start + size] for start in range(0, len(self.value), size))

    def iter_text(self) -> Iterator[str]:
        """The body as text, in one piece."""
        return iter([self.text] if self.value else ())

    def iter_lines(self) -> Iterator[str]:
        """The lines of the text, without their ends: LF, CR LF or CR."""
        splitter = LineSplitter(len(self.value))
        yield from splitter.feed(self.text)
        yield from splitter.finish()

    def read(self) -> bytes:
        """The body."""
        return self.value

    async def aread(self) -> bytes:
        """The body."""
        return self.value

    def close(self) -> None:
        """Nothing: the body is complete."""

    async def aclose(self) -> None:
        """Nothing: the body is complete."""

    def __enter__(self: ContentT) -> ContentT:  # noqa: PYI019 - `Self` could not be evaluated at run time
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        self.close()
