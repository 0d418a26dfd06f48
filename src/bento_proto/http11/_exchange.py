"""One exchange as the bytes of HTTP/1.1, so that an adapter only has to send and receive bytes.

Responses in the usual form are parsed by `_fast_path`. Any other is handed to h11 from its first byte on; h11 is not
loaded before.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from bento_proto import exchange, http
from bento_proto._types import as_bytes, as_view, is_a
from bento_proto.errors import LocalProtocolError
from bento_proto.exchange._body import ResultKind
from bento_proto.exchange._exchange import State
from bento_proto.http._messages import ConnectionFailed, Data, End, FailureKind, FilePart, Head, Segment, joined
from bento_proto.http._proxy import no_tls
from bento_proto.http._redaction import SecretBytes

from ._fast_path import ChunkReader, foreign, may_become_plain, read_head, request_head

if TYPE_CHECKING:
    from ._h11 import Parser

T = TypeVar("T")
Block = TypeVar("Block", bound="bytes | memoryview")

_READ: Final = 1 << 16  # larger buffers cost more than they save
_READ_FILE: Final = 1 << 18
_READ_HEAD: Final = 1 << 10  # what follows the head may be compressed
_READ_COMPRESSED: Final = 1 << 10
_ALERT: Final = "_ALERT_"  # in the reason of an `ssl.SSLError`, such as TLSV13_ALERT_CERTIFICATE_REQUIRED
_END: Final = End()
_JOINED: Final = 1 << 16  # smaller pieces are sent together with what precedes them; larger ones are not worth a copy


class HTTP11Exchange(Generic[T]):
    """One exchange on one connection.

    Send all of `segments`. Pass everything that is received to `receive`, and ``b""`` when the peer has closed, until
    `is_over` or, for a stream, until the caller stops. If the connection fails instead, call `connection_lost`. A
    response may come before everything is sent; once `is_over`, the rest need not be sent.

    Args:
        exchange: what to carry out. What the server does wrong becomes its ``error``.
        reused: whether the connection has served an exchange before.
        proxy: the proxy that forwards the request, if the connection leads to one: `Route.forwarder`.

    Raises:
        LocalProtocolError: the request can't be expressed in HTTP/1.1, or the exchange has begun before.
    """

    def __init__(
        self, exchange: exchange.Exchange[T], *, reused: bool = False, proxy: http.Proxy | None = None
    ) -> None:
        if exchange.state is not State.WAITING:
            raise LocalProtocolError(f"the exchange has begun before: it is in state {exchange.state.value!r}")
        self._exchange = exchange
        self._reused = reused
        self._proxy = proxy
        self._interims_left = exchange.limits.interim
        length = exchange.request.content_length
        self._chunked = length is None
        self._head = request_head(exchange.request, length, proxy)
        self._held = bytearray()  # the beginning of the response's head
        self._chunks: ChunkReader | None = None
        self._parser: Parser | None = None
        if exchange.request.method == "CONNECT":  # its responses are framed differently
            self._open_parser()
        self._begun = self._sent = False
        self._has_response = False
        self._keeps_alive = False
        self._over = False
        # How the response's body ends: after so many bytes; None if chunks or the end of the connection say so.
        self._left: int | None = None
        self._until_close = False

    def __repr__(self) -> str:
        return f"<HTTP11Exchange {self._exchange!r}>"

    @property
    def is_over(self) -> bool:
        """Whether the exchange takes no more events."""
        return self._exchange.is_over

    @property
    def wants_data(self) -> bool:
        """Whether to read on before the flow is resumed."""
        return self._exchange.wants_data

    @property
    def is_reusable(self) -> bool:
        """Whether the connection can serve another exchange: request and response are complete, and it persists."""
        return self._over and self._sent and self._keeps_alive

    @property
    def max_read(self) -> int:
        """How many bytes to pass to `receive` at most: fewer for the head and for compressed bodies."""
        if self._exchange.head is None:
            return _READ_HEAD
        if self._exchange.is_compressed:
            return _READ_COMPRESSED
        return _READ_FILE if self._exchange.result_kind is ResultKind.FILE else _READ

    @property
    def accepts_memoryview(self) -> bool:
        """Whether `receive` takes a ``memoryview`` of a buffer that is reused. The item that it returns is one too."""
        exchange = self._exchange
        return (
            exchange.result_kind is ResultKind.FILE
            and (self._left is not None or self._until_close)
            and not exchange.is_compressed
            and exchange.recorder is None  # which may keep the data
        )

    @property
    def max_direct_read(self) -> int:
        """How many bytes of a file may be moved from the connection to their destination without `receive`."""
        return self._left or 0 if self.accepts_memoryview and not self._exchange.is_over else 0

    def direct_read(self, size: int) -> None:
        """Count bytes that were moved without `receive`.

        Raises:
            LocalProtocolError: they are more than `max_direct_read`, or none; nothing changed.
        """
        max_direct_read = self.max_direct_read
        if not is_a(size, int) or not 0 < size <= max_direct_read:
            raise LocalProtocolError(f"{size!r} bytes can't be read directly: max_direct_read is {max_direct_read}")
        self._exchange.count(size)
        self._left = max_direct_read - size
        if not self._left:
            self._end()

    # --- sending

    def small_request(self) -> bytes | None:
        """All of `segments` in one piece, if that is small; else None, and nothing has changed.

        Raises:
            LocalProtocolError: the request was sent before.
        """
        exchange = self._exchange
        if self._begun:
            raise LocalProtocolError("the request was sent before: an exchange is carried out once")
        body = exchange.request.body
        if exchange.upload is None and len(body) == 1 and isinstance(body[0], bytes) and len(body[0]) <= _JOINED:
            self._begun = self._sent = True
            return SecretBytes(self._head + body[0])
        size = 0
        for segment in body:
            if isinstance(segment, FilePart):
                return None
            size += len(segment)
        return self.data_to_send() if size <= _JOINED else None

    def segments(self) -> Iterator[Segment]:
        """What to send, in order: bytes as they are, and files, each block of which is passed through `frame`.

        Raises:
            LocalProtocolError: the request was sent before, or has begun to be.
        """
        if self._begun:
            raise LocalProtocolError("the request was sent before: an exchange is carried out once")
        self._begun = True
        return self._segments()

    def _segments(self) -> Iterator[Segment]:
        body, meter = self._exchange.request.body, self._exchange.upload
        chunked = self._chunked
        waiting = self._head
        if meter is not None and body:
            meter.start(self._exchange.request.content_length)
        for segment in body:
            if isinstance(segment, FilePart):
                if waiting:
                    yield SecretBytes(waiting)
                yield segment
                waiting = b""
            elif len(segment) > _JOINED:
                yield SecretBytes(waiting + (b"%x\r\n" % len(segment) if chunked else b""))
                yield from (segment,) if meter is None else meter.sending(segment)
                waiting = b"\r\n" if chunked else b""
            elif segment:
                waiting += self.frame(segment)
        if chunked:
            waiting += b"0\r\n\r\n"
        if waiting:
            yield SecretBytes(waiting)
        if meter is not None and body:
            meter.finish()
        self._sent = True

    def data_to_send(self) -> bytes:
        """All of `segments` as one bytes object.

        Raises:
            LocalProtocolError: one of them is a file, or the request was sent before.
        """
        return SecretBytes(joined(self.segments()))

    def frame(self, block: Block) -> bytes | Block:
        """A block of a file as it is sent: unchanged, or as a chunk if the length of the body is not known."""
        if self._exchange.upload is not None:
            self._exchange.upload.send(len(block))
        return b"".join((b"%x\r\n" % len(block), block, b"\r\n")) if self._chunked and block else block

    # --- receiving

    def receive(self, data: bytes | bytearray | memoryview) -> Sequence[T]:
        """Take received bytes, or ``b""`` when the peer has closed; return the items that they complete.

        If a function of the caller raises meanwhile, such as a recorder, the exchange is closed: bytes are lost.

        Raises:
            LocalProtocolError: the data is not bytes, or data is being taken, and nothing changed; or the exchange's
                recorder raised.
        """
        received = data if type(data) is bytes else self._as_bytes(data)
        if self._exchange.is_busy:
            raise LocalProtocolError("the exchange is taking other data")
        if self._exchange.is_over:
            if received:
                self._keeps_alive = False  # the peer sent more than the response
            return ()
        try:
            if not received:
                return self._closed()
            self._has_response = True
            if self._exchange.head is not None and (self._left is not None or self._until_close):
                return self._body(received)  # type: ignore[arg-type]  # slices of either type
            assert isinstance(received, bytes)  # accepts_memoryview is False
            if self._parser is not None:
                return self._parse(self._parser, received)
            if self._chunks is not None:
                return self._read_chunks(self._chunks, received)
            return self._begin(received)
        except BaseException:
            self._keeps_alive = False
            self._exchange.close()
            raise

    def _as_bytes(self, data: bytes | bytearray | memoryview) -> bytes | memoryview:
        received = as_view(data) if self.accepts_memoryview else as_bytes(data)
        if received is None:
            raise LocalProtocolError(f"what is received is bytes, and no {type(data).__qualname__}")
        return received

    def _begin(self, data: bytes) -> Sequence[T]:
        """Take the first bytes of a response, or what follows them, until its head is complete."""
        limit, held = self._exchange.limits.head, self._held
        if held or b"\r\n\r\n" not in data:
            seen = len(held)
            held += data
            if len(held) <= limit and may_become_plain(held, seen):
                return ()
            data = bytes(held)
        opening = read_head(data)
        if opening is None or opening[1] > limit:
            self._held = bytearray()
            return self._parse_from_start(data)
        head, size = opening
        rest = data[size:]
        if not self._frame(head):
            return ()
        self._exchange.receive(head)
        if self._left is not None:
            return self._body(rest)
        self._held, data = bytearray(data[:size]), rest  # for h11, should a chunk need it
        self._chunks = ChunkReader()
        return self._read_chunks(self._chunks, data)

    def _read_chunks(self, chunks: ChunkReader, data: bytes) -> Sequence[T]:
        items: list[T] = []
        for piece in chunks.feed(data):
            if not self.is_over:
                items += self._exchange.receive(piece)
        if self.is_over:
            return items
        if chunks.is_broken:
            self._fail(FailureKind.PROTOCOL, "the server does not speak HTTP/1.1: a chunk is longer than it says")
        elif chunks.is_over:
            self._keeps_alive = self._keeps_alive and not chunks.rest
            items += self._end()
        elif chunks.rest is not None:
            parser = self._open_parser(bytes(self._held))
            self._held, self._chunks = bytearray(), None
            items += self._parse(parser, chunks.rest)
        return items

    def _parse_from_start(self, data: bytes) -> Sequence[T]:
        if sent := foreign(data):
            self._fail(FailureKind.PROTOCOL, f"the server does not speak HTTP/1.1: it sent {sent}")
            return ()
        return self._parse(self._open_parser(), data)

    def _open_parser(self, head: bytes = b"") -> Parser:
        from ._h11 import Parser

        self._parser = Parser(self._exchange.request.method, self._exchange.limits.head, head)
        return self._parser

    def _parse(self, parser: Parser, data: bytes) -> Sequence[T]:
        import h11

        from ._h11 import told

        items: list[T] = []
        handled = sys.exc_info()[1]
        try:
            parser.feed(data)
            while not self.is_over:
                event = parser.next()
                if isinstance(event, h11.Data):
                    items += self._exchange.receive(Data(bytes(event.data), event.chunk_end))
                elif isinstance(event, h11.Response):
                    fields = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in event.headers)
                    head = Head(event.status_code, fields)
                    if self._frame(head, event.http_version):
                        self._exchange.receive(head)
                    if self._left is not None or self._until_close:
                        return self._body(parser.rest)
                elif isinstance(event, h11.InformationalResponse):
                    self._interims_left -= 1
                    if self._interims_left < 0:
                        self._fail(FailureKind.PROTOCOL, "the server sends interim responses without end")
                elif isinstance(event, h11.EndOfMessage):
                    self._keeps_alive = self._keeps_alive and not parser.rest
                    items += self._end()
                else:  # NEED_DATA
                    return items
        except h11.RemoteProtocolError as exc:
            self._fail(FailureKind.PROTOCOL, f"the server does not speak HTTP/1.1: {told(exc, handled)}", exc)
        return items

    def _frame(self, head: Head, version: bytes = b"1.1") -> bool:
        """Find out how the body is framed, and whether the connection persists. False if the proxy refused."""
        if head.status == 407 and self._proxy is not None:
            self._fail(FailureKind.PROXY, self._proxy.unauthorized)
            return False
        first = head.first
        close = "connection" in first and any("close" in value.lower() for value in head.get_all("connection"))
        length, coding = first.get("content-length"), first.get("transfer-encoding")
        # With both, Transfer-Encoding overrides, and the connection ought to be closed (RFC 9112 section 6.3).
        self._keeps_alive = version == b"1.1" and not close and not (length and coding)
        # In the order of that section; contradictions have been refused before.
        if self._exchange.request.method == "HEAD" or head.status in (204, 304):
            self._left = 0
        elif coding is None:
            self._left = int(length) if length is not None else None
            self._until_close = length is None
        return True

    def _body(self, data: bytes) -> Sequence[T]:
        exchange, left = self._exchange, self._left
        if left is None:
            return exchange.receive(Data(data)) if data and not exchange.is_over else ()
        if len(data) > left:
            data = data[:left]
            self._keeps_alive = False
        self._left = left = left - len(data)
        needs_no_body = exchange.is_over
        if needs_no_body:
            self._over = left == 0  # after a redirect without a body the connection can be reused
            return ()
        items = exchange.receive(Data(data)) if data else ()
        if left:
            return items
        self._over = True
        if exchange.is_over:
            return items
        ending = exchange.receive(_END)
        return [*items, *ending] if items else ending

    def _end(self) -> Sequence[T]:
        self._over = True
        return () if self._exchange.is_over else self._exchange.receive(_END)

    def _closed(self) -> Sequence[T]:
        self._keeps_alive = False
        if self._until_close:
            return self._end()
        self.connection_lost("the server closed the connection before the response was complete")
        return ()

    # --- breaking off

    def failed(self, error: Exception, *, sending: bool = False, sent: bool = True) -> None:
        """The connection raised an error: `timed_out` if it is a `TimeoutError`, else `connection_lost`.

        A `BlockingIOError` is a timeout, too: a socket raises it whose timeout is 0, as none of a total may be left.

        Args:
            error: the exception.
            sending: whether it was raised while the request was sent.
            sent: as for `connection_lost`.
        """
        if isinstance(error, (TimeoutError, BlockingIOError)):
            what = "take the request" if sending else "answer"
            self.timed_out(f"the server did not {what} in time", error, sent=sent)
        else:
            self.connection_lost(f"the connection broke: {error}", error, sent=sent)

    def connection_lost(self, reason: str, cause: BaseException | None = None, *, sent: bool = True) -> None:
        """The connection broke, or the peer closed it.

        Args:
            reason: what happened, for people.
            cause: the exception behind it. A TLS alert, an `ssl.SSLError`, in place of the first response is a failure
                of TLS: with TLS 1.3, servers check the client's certificate after the handshake.
            sent: see `ConnectionFailed`: False only with proof that the peer read nothing of the request. It is taken
                for True once a byte of a response has come.
        """
        kind = FailureKind.DISCONNECTED
        if not self._has_response:
            if self._reused:
                kind = FailureKind.IDLE_CLOSED
            elif _ALERT in str(getattr(cause, "reason", "")):
                kind, reason = FailureKind.TLS, no_tls(self._exchange.request.origin, cause)
        self._fail(kind, reason, cause, sent=sent or self._has_response)

    def timed_out(self, reason: str, cause: BaseException | None = None, *, sent: bool = True) -> None:
        """One of the step's timeouts expired. The arguments are those of `connection_lost`."""
        self._fail(FailureKind.TIMEOUT, reason, cause, sent=sent or self._has_response)

    def _fail(self, kind: FailureKind, reason: str, cause: BaseException | None = None, *, sent: bool = True) -> None:
        if not self.is_over:
            self._exchange.receive(ConnectionFailed(kind, reason, sent=sent, cause=cause))
        self._keeps_alive = False
