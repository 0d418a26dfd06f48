"""What is asked of an adapter, and what it may hand back: values only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from typing import Final, TypeAlias

from bento_proto._errors import LocalProtocolError
from bento_proto._frozen import Frozen
from bento_proto._types import Fields


class Origin(Frozen):
    """Where a connection goes (RFC 6454): what a credential belongs to, and what a pool is kept for.

    Attributes:
        scheme: ``"http"`` or ``"https"``.
        host: lower-case name or address, without brackets; it is also what the Host header says.
        port: the port, never implied.
        socket: the path of a Unix socket to connect to instead; else None.
    """

    scheme: str
    host: str
    port: int
    socket: str | None = None

    @property
    def authority(self) -> str:
        """Host and port as the Host header has them: a scheme's own port is left out."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS.get(self.scheme) else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"unix:{self.socket}" if self.socket else f"{self.scheme}://{self.authority}"


DEFAULT_PORTS: Final = {"http": 80, "https": 443}


class FilePart(Frozen):
    """A stretch of a request's body that only the adapter can read.

    Attributes:
        source: whatever the adapter reads from; the core never looks into it.
        size: its length in bytes, as the adapter measured it, or None if that can't be known.
        replayable: whether it can be read again from its start, for a retry or a redirect.
    """

    source: object
    size: int | None = None
    replayable: bool = True


Segment: TypeAlias = bytes | FilePart
"""A piece of a request's body."""


def joined(segments: Iterable[Segment]) -> bytes:
    """Segments in one piece.

    Raises:
        LocalProtocolError: one is a file.
    """
    pieces: list[bytes] = []
    for segment in segments:
        if isinstance(segment, FilePart):
            raise LocalProtocolError("a request with a file is sent segment by segment")
        pieces.append(segment)
    return b"".join(pieces)


class Request:
    """One HTTP request: everything an adapter needs to send it.

    Attributes:
        method: ``"GET"``, ``"POST"`` or ``"PUT"``.
        origin: where to send it.
        target: path and query, percent-encoded.
        headers: all fields but ``Host``, ``Content-Length`` and ``Transfer-Encoding``, which follow from the rest.
        body: the body's segments in order; empty for none.
        encoded: the head as a `bento_proto.http11.HTTP11Exchange` encoded it; requests that differ only in their
            bodies share it.
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
        return f"<Request {self.method} {self.origin}{self.target}>"

    @property
    def content_length(self) -> int | None:
        """The body's length in bytes; None if a file's can't be known, so that it goes in chunks."""
        total = 0
        for segment in self.body:
            size = len(segment) if isinstance(segment, bytes) else segment.size
            if size is None:
                return None
            total += size
        return total

    @property
    def content(self) -> bytes:
        """The body in one piece.

        Raises:
            LocalProtocolError: there is a file in it.
        """
        return joined(self.body)

    @property
    def replayable(self) -> bool:
        """Whether the same body can be sent again."""
        return all(isinstance(segment, bytes) or segment.replayable for segment in self.body)


class Head:
    """The status and the headers of an answer.

    Args:
        status: the three-digit status.
        headers: the fields in order.
        in_lower_case: whether all their names are known to be.

    Attributes:
        status: the three-digit status.
        headers: the fields in order, as they came.
        first: the first value of each field, by its lower-case name.
    """

    __slots__ = ("first", "headers", "status")

    def __init__(self, status: int, headers: Fields = (), *, in_lower_case: bool = False) -> None:
        self.status: int = status
        self.headers: Fields = headers
        backwards = headers[::-1]
        self.first: Mapping[str, str] = dict(
            backwards if in_lower_case else ((name.lower(), value) for name, value in backwards)
        )

    def __repr__(self) -> str:
        return f"<Head {self.status}>"

    def get(self, name: str) -> str | None:
        """The first value of a field, by its lower-case name."""
        return self.first.get(name)

    def get_all(self, name: str) -> list[str]:
        """Every value of a field, by its lower-case name."""
        return [value for key, value in self.headers if key.lower() == name] if name in self.first else []

    def repeats(self, name: str) -> bool:
        """Whether a field stands there more than once, by its lower-case name."""
        return len(self.first) != len(self.headers) and len(self.get_all(name)) > 1


class Data:
    """Bytes of the answer's body, transfer coding removed.

    Attributes:
        data: the bytes.
        ends_chunk: whether a chunk of the chunked coding ends with them. Only a stream of bare numbers looks at it,
            which have nothing else between them.
    """

    __slots__ = ("data", "ends_chunk")

    def __init__(self, data: bytes, ends_chunk: bool = False) -> None:
        self.data: bytes = data
        self.ends_chunk: bool = ends_chunk


class Chunks:
    """Whole chunks of the chunked coding, as many as came together: the same as a `Data` that ends a chunk for each.

    Attributes:
        pieces: their bytes.
    """

    __slots__ = ("pieces",)

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self.pieces: Sequence[bytes] = pieces


class End:
    """The answer's body is whole."""

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
    """What came is not HTTP."""
    TIMEOUT = "timeout"
    """One of the step's timeouts expired."""

    @property
    def is_before_sending(self) -> bool:
        """Whether it happens before the request is sent."""
        return self in (FailureKind.CONNECT, FailureKind.TLS, FailureKind.PROXY)


class ConnectionFailed:
    """The exchange failed: no more of its response will come.

    A request that is not idempotent is sent again only if ``sent`` is False, so an adapter says that with proof only:

    - No connection was made, or sending failed before the transport accepted a byte.
    - The peer closed the connection, and afterwards answered the request with a reset: its kernel does so for bytes
      that no process will read. On Linux, after ``recv`` has returned ``b""``, ``SO_ERROR`` becomes ``EPIPE`` within a
      round trip. A peer that read the request and then died leaves ``SO_ERROR`` 0.

    A reset alone (``ECONNRESET``) is no proof, nor is one long after the request, nor is an end of the stream by
    itself. Where the platform can't tell, ``sent`` stays True.

    Attributes:
        kind: what failed.
        reason: the same in words, for the message of the exception.
        sent: whether the peer may have read any of the request. False for every kind before sending.
        cause: the exception behind it, which becomes the ``__cause__`` of ours.
    """

    __slots__ = ("cause", "kind", "reason", "sent")

    def __init__(
        self, kind: FailureKind, reason: str, *, sent: bool = True, cause: BaseException | None = None
    ) -> None:
        self.kind: FailureKind = kind
        self.reason: str = reason
        self.sent: bool = sent and not kind.is_before_sending
        self.cause: BaseException | None = cause


Received: TypeAlias = Head | Data | Chunks | End | ConnectionFailed
"""What an adapter may hand to an exchange."""
