"""What is asked of an adapter, and what it may hand back: values only."""

from __future__ import annotations

from enum import Enum

from ._errors import LocalProtocolError
from ._typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Final, TypeAlias

Fields: TypeAlias = "tuple[tuple[str, str], ...]"
"""Header fields in order; a name may stand several times."""


class Origin(NamedTuple):
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


class FilePart(NamedTuple):
    """A stretch of a request's body that only the adapter can read.

    Attributes:
        source: whatever the adapter reads from; the core never looks into it.
        size: its length in bytes, as the adapter measured it, or None if that can't be known.
        replayable: whether it can be read again from its start, for a retry or a redirect.
    """

    source: object
    size: int | None = None
    replayable: bool = True


Segment: TypeAlias = "bytes | FilePart"


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
        encoded: what a `Wire <bento_proto.http11.Wire>` made of all but the body; requests that differ in nothing else
            share it.
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


class Complete:
    """An answer that came as a whole: the same as a `Head`, a `Data` and an `End`, at once.

    Attributes:
        head: its head.
        body: its body, transfer coding removed.
    """

    __slots__ = ("body", "head")

    def __init__(self, head: Head, body: bytes) -> None:
        self.head: Head = head
        self.body: bytes = body

    @property
    def parts(self) -> tuple[Head | Data | End, ...]:
        """The events that come to the same."""
        return (self.head, Data(self.body), End()) if self.body else (self.head, End())


class Loss(Enum):
    """How an exchange was lost."""

    CONNECT = "connect"
    """No connection was made: nothing was sent."""
    UNTRUSTED = "untrusted"
    """The server's certificate does not hold, or a proxy lets nothing pass: nothing was sent, and waiting is no use."""
    STALE = "stale"
    """A kept-alive connection turned out to be closed before any byte of an answer came."""
    CUT = "cut"
    """The connection broke, or closed too early."""
    GARBAGE = "garbage"
    """What came is not HTTP."""
    TIMEOUT = "timeout"
    """A time of the step's `Timeout` ran out."""


class Lost:
    """The exchange came to no end.

    Attributes:
        loss: how.
        reason: the adapter's words for it.
        sent: whether the server may have seen the request.
        cause: the exception behind it, which becomes the ``__cause__`` of ours.
    """

    __slots__ = ("cause", "loss", "reason", "sent")

    def __init__(self, loss: Loss, reason: str, *, sent: bool = True, cause: BaseException | None = None) -> None:
        self.loss: Loss = loss
        self.reason: str = reason
        self.sent: bool = sent and loss not in (Loss.CONNECT, Loss.UNTRUSTED)
        self.cause: BaseException | None = cause


Received: TypeAlias = "Head | Data | Chunks | End | Lost"
"""What an adapter may hand to an exchange."""


# What systems wait for is counted in milliseconds with 31 bits: no single wait of theirs is longer than 24 days.
_ENDLESS: Final = 2_000_000.0


class Timeout(NamedTuple):
    """How long to wait for what, in seconds; None for as long as it takes.

    Attributes:
        connect: for a connection, TLS included.
        send: for the server to take the next block of the request.
        receive: for the next bytes of the answer.
        pool: for a free place in the connection pool.
        total: for the whole call, retries and redirects included; a stream's until its end. Finding the Service, on
            first use, has as long for itself.
    """

    connect: float | None = 30.0
    send: float | None = 30.0
    receive: float | None = 30.0
    pool: float | None = 30.0
    total: float | None = None

    @classmethod
    def of(cls, value: Timeout | float | None) -> Timeout:
        """A number means that many seconds for each single wait, as in BentoML's client; None means no limit.

        So do the infinite and whatever is too long for a system to wait.

        Raises:
            ValueError: a time is negative or not a number.
        """
        timeout = value if isinstance(value, Timeout) else cls(value, value, value, value)
        if any(seconds is not None and not seconds >= 0 for seconds in timeout):
            raise ValueError(f"a timeout must be a number of seconds from 0 up, or None: {value!r}")
        return cls(*(seconds if seconds is not None and seconds <= _ENDLESS else None for seconds in timeout))

    def within(self, remaining: float | None) -> Timeout:
        """The same with no single wait longer than what remains of a total."""
        if remaining is None or remaining > _ENDLESS:
            return self
        connect, send, receive, pool = (remaining if s is None else min(s, remaining) for s in self[:4])
        return Timeout(connect, send, receive, pool, remaining)

    def after(self, seconds: float) -> Timeout:
        """What is left of it for a step that began so many seconds ago: no single wait is longer than its total."""
        return self if self.total is None else self.within(max(self.total - seconds, 0.0))


class Limits(NamedTuple):
    """How much an answer may hold, so that no server can exhaust the client's memory. Sizes are bytes.

    Attributes:
        schema: of ``/schema.json``.
        body: of a result held in memory: JSON, text, bytes, an image. Files go to disk and are not counted.
        item: of one item of a stream.
        error: of an error's body; what is beyond is not read.
        head: of an answer's head, and of the head of one chunk.
        interim: how many interim answers (status 1xx) may come before one.
        redirects: how many redirects one call follows.
        connections: how many connections a client has to one origin at a time; further calls queue.
        idle: how many of these stay open, for some seconds, while no call uses them. Threads that are done with theirs
            at the very same moment may leave some more.
    """

    schema: int = 16 << 20
    body: int = 512 << 20
    item: int = 64 << 20
    error: int = 1 << 20
    head: int = 1 << 16
    interim: int = 16
    redirects: int = 10
    connections: int = 100
    idle: int = 100
