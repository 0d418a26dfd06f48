"""Requests, and the events of a response, as values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from typing import Final, TypeAlias, cast

from bento_proto._frozen import Frozen
from bento_proto._types import Fields, is_a
from bento_proto.errors import LocalProtocolError

from ._redaction import redacted_urls, secret_response_fields


class Origin(Frozen):
    """An origin (RFC 6454): connections are pooled, and credentials sent, by origin.

    Attributes:
        scheme: ``"http"`` or ``"https"``.
        host: the lower-case name or the address, without brackets; an IPv6 address may have a zone, ``fe80::1%eth0``.
        port: the port, also where it is the default one.
        socket: the path of the Unix socket to connect to instead; else None.
    """

    scheme: str
    host: str
    port: int
    socket: str | None = None

    @property
    def authority(self) -> str:
        """Host and port as in the Host field, without the zone and the scheme's default port."""
        return self._authority(self.host.partition("%")[0])

    @property
    def server_name(self) -> str:
        """The name that a certificate must hold: the host without an IPv6 zone and without the dot of the root."""
        return self.host.partition("%")[0].rstrip(".")

    def __str__(self) -> str:
        if self.socket:
            return f"unix:{self.socket}"
        return f"{self.scheme}://{self._authority(self.host.replace('%', '%25'))}"  # RFC 6874

    def _authority(self, host: str) -> str:
        host = f"[{host}]" if ":" in host else host
        return host if self.port == DEFAULT_PORTS.get(self.scheme) else f"{host}:{self.port}"


DEFAULT_PORTS: Final = {"http": 80, "https": 443, "socks5": 1080}


class FilePart(Frozen):
    """A part of a request's body that the adapter reads from a file.

    Attributes:
        source: what the adapter reads; opaque to the core.
        size: the length in bytes, or None if it is unknown.
        replayable: whether it can be read again from the start, for a retry or a redirect.
    """

    source: object
    size: int | None = None
    replayable: bool = True


Segment: TypeAlias = bytes | FilePart
"""A piece of a request's body."""


def joined(segments: Iterable[Segment]) -> bytes:
    """The segments, joined.

    Raises:
        LocalProtocolError: one of them is a `FilePart`.
    """
    pieces: list[bytes] = []
    for segment in segments:
        if isinstance(segment, FilePart):
            raise LocalProtocolError("a request with a file is sent segment by segment")
        pieces.append(segment)
    return b"".join(pieces)


class Request:
    """One HTTP request.

    Attributes:
        method: ``"GET"``, ``"POST"`` or ``"PUT"``.
        origin: the origin that it is sent to.
        target: path and query, percent-encoded.
        headers: the header fields, without ``Host``, ``Content-Length`` and ``Transfer-Encoding``.
        body: the segments of the body in order; empty for no body.
        encoded: a cache of `bento_proto.http11.HTTP11Exchange` for the encoded head, which requests that differ only in
            their bodies share.
    """

    __slots__ = ("body", "encoded", "headers", "method", "origin", "target")

    def __init__(
        self, method: str, origin: Origin, target: str, headers: Fields = (), body: tuple[Segment, ...] = ()
    ) -> None:
        self.method: str = method
        self.origin: Origin = origin
        self.target: str = target
        self.headers: Fields = headers
        self.body: tuple[Segment, ...] = body
        self.encoded: list[bytes] = []

    def with_body(self, body: tuple[Segment, ...]) -> Request:
        """The same request with another body."""
        request = Request(self.method, self.origin, self.target, self.headers, body)
        request.encoded = self.encoded
        return request

    def __repr__(self) -> str:  # the headers hold the token
        return f"<Request {self.method} {self.origin}{redacted_urls(self.target)}>"

    @property
    def content_length(self) -> int | None:
        """The length of the body in bytes; None if that of a file is unknown: then it is sent chunked."""
        total = 0
        for segment in self.body:
            size = len(segment) if isinstance(segment, bytes) else segment.size
            if size is None:
                return None
            total += size
        return total

    @property
    def content(self) -> bytes:
        """The whole body.

        Raises:
            LocalProtocolError: a part of it is a `FilePart`.
        """
        return joined(self.body)

    @property
    def replayable(self) -> bool:
        """Whether the body can be sent again."""
        return all(isinstance(segment, bytes) or segment.replayable for segment in self.body)


class Head:
    """The status and the header fields of a response.

    Args:
        status: the status code.
        headers: the header fields in order.
        in_lower_case: whether all names are known to be in lower case, and the arguments to be of these types.

    Attributes:
        status: the status code.
        headers: the header fields in order, as received.
        first: the first value of each field, by lower-case name.

    Raises:
        LocalProtocolError: the status is no integer, or the headers are not pairs of text.
    """

    __slots__ = ("first", "headers", "status")

    def __init__(self, status: int, headers: Fields = (), *, in_lower_case: bool = False) -> None:
        self.status: int = status
        if in_lower_case:
            self.headers: Fields = headers
            self.first: Mapping[str, str] = dict(headers[::-1])
            return
        if not is_a(status, int):
            raise LocalProtocolError(f"the status of a response is an integer, and no {type(status).__qualname__}")
        self.headers = _fields(headers)
        self.first = {name.lower(): value for name, value in reversed(self.headers)}

    def __repr__(self) -> str:
        return f"<Head {self.status}>"

    def get(self, name: str) -> str | None:
        """The first value of a field; the name is in lower case."""
        return self.first.get(name)

    def get_all(self, name: str) -> list[str]:
        """All values of a field; the name is in lower case."""
        return [value for key, value in self.headers if key.lower() == name] if name in self.first else []

    def repeats(self, name: str) -> bool:
        """Whether a field occurs more than once; the name is in lower case."""
        return len(self.first) != len(self.headers) and len(self.get_all(name)) > 1


def _fields(given: object) -> Fields:
    """Header fields of another library, if that is what they are: its strings may be of a class of its own."""
    if isinstance(given, Iterable) and not isinstance(given, (Mapping, str)):
        fields = cast("Fields", tuple(cast("Iterable[object]", given)))
        if all(is_a(field, tuple, list) and [is_a(text, str) for text in field] == [True, True] for field in fields):
            return secret_response_fields(tuple((str(name), str(value)) for name, value in fields))
    raise LocalProtocolError("the headers of a response are pairs of text")


class Data:
    """Bytes of the body, transfer coding removed.

    Attributes:
        data: the bytes.
        ends_chunk: whether a chunk of the chunked coding ends with them. Only a stream of bare numbers needs to know:
            nothing else separates them.
    """

    __slots__ = ("data", "ends_chunk")

    def __init__(self, data: bytes, ends_chunk: bool = False) -> None:
        self.data: bytes = data
        self.ends_chunk: bool = ends_chunk


class Chunks:
    """Several complete chunks of the chunked coding: equivalent to one `Data` with ``ends_chunk`` for each.

    Attributes:
        pieces: the bytes of each chunk.
    """

    __slots__ = ("pieces",)

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self.pieces: Sequence[bytes] = pieces


class End:
    """The end of the response: its body is complete."""

    __slots__ = ()


class FailureKind(Enum):
    """Why an exchange failed before its response was complete."""

    CONNECT = "connect"
    """No connection could be made. Nothing was sent."""
    TLS = "tls"
    """The TLS handshake failed: a certificate was not accepted. Nothing was sent; trying again does not help."""
    PROXY = "proxy"
    """The proxy refused to connect or to forward. Nothing was sent; trying again does not help."""
    IDLE_CLOSED = "idle_closed"
    """A reused connection was closed before any byte of a response came."""
    DISCONNECTED = "disconnected"
    """The connection broke, or the peer closed it, before the response was complete."""
    PROTOCOL = "protocol"
    """The bytes received are not HTTP."""
    TIMEOUT = "timeout"
    """One of the step's timeouts expired."""

    @property
    def is_before_sending(self) -> bool:
        """Whether it happens before the request is sent."""
        return self in (FailureKind.CONNECT, FailureKind.TLS, FailureKind.PROXY)


class ConnectionFailed:
    """The exchange failed: no more of its response will come.

    A request that is not idempotent is sent again only if ``sent`` is False, so an adapter says that with proof only:
    no connection was made, or sending failed before the transport accepted a byte. What the peer sends afterwards is no
    proof: not the end of the stream, not a reset (``ECONNRESET``), and not a reset after the end of the stream. A peer
    may close its side, read the request, and reset the connection before its kernel acknowledges what was read.

    Attributes:
        kind: what failed.
        reason: the same in words, for the message of the exception.
        sent: whether the peer may have read any of the request. False for every kind before sending.
        cause: the exception behind it, which becomes the ``__cause__`` of ours.

    Raises:
        LocalProtocolError: `kind` is no `FailureKind`.
    """

    __slots__ = ("cause", "kind", "reason", "sent")

    def __init__(
        self, kind: FailureKind, reason: str, *, sent: bool = True, cause: BaseException | None = None
    ) -> None:
        if not is_a(kind, FailureKind):
            raise LocalProtocolError(f"what failed is a FailureKind, and no {type(kind).__qualname__}")
        self.kind: FailureKind = kind
        self.reason: str = reason
        self.sent: bool = sent and not kind.is_before_sending
        self.cause: BaseException | None = cause

    @classmethod
    def no_response(cls) -> ConnectionFailed:
        """No byte of the response came within the timeout."""
        reason = "the server did not answer in time"
        return cls(FailureKind.TIMEOUT, reason, cause=TimeoutError(reason))

    @classmethod
    def no_connection(cls, seconds: float | None) -> ConnectionFailed:
        """No connection of the pool became free within so many seconds."""
        reason = f"no connection became free within {seconds:g} seconds"
        return cls(FailureKind.TIMEOUT, reason, sent=False, cause=TimeoutError(reason))


Received: TypeAlias = Head | Data | Chunks | End | ConnectionFailed
"""The events that an adapter passes to an exchange."""
