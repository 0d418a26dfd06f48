"""An exchange as HTTP/1.1 bytes, so that an adapter needs nothing but something to send bytes to and receive them from.

h11 writes the request's head and reads the answer's, and the chunked coding; bodies of known length pass through.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Generic, TypeVar

import h11

from ._errors import LocalProtocolError
from ._exchange import State
from ._messages import Data, End, FilePart, Head, Loss, Lost
from ._outputs import Delivery

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ._exchange import Exchange
    from ._messages import Segment
    from ._proxy import Proxy

T = TypeVar("T")

__all__ = ("Wire",)

_READ: Final = 1 << 16  # larger buffers cost more than they save
_READ_FILE: Final = 1 << 18
_READ_HEAD: Final = 1 << 10  # what comes behind the head may be compressed
_READ_COMPRESSED: Final = 1 << 10
_JOINED: Final = 1 << 16  # what is smaller goes out in one piece with what comes before it; more is not worth a copy


class Wire(Generic[T]):
    """One exchange on one connection.

    Send all of `segments`, hand everything that arrives to `receive`, and ``b""`` when the peer has closed, until
    `is_over` or, for a stream, until nobody wants more of it. If the connection breaks instead, say so by `broken`.
    An answer may come before all is sent; once `is_over`, there is no point in sending the rest.

    Args:
        exchange: what to carry out. What the server does wrong becomes its ``error``.
        reused: whether the connection has served an exchange before.
        proxy: the proxy that the connection leads to, if it is to pass the request on: `Route.forwarder`.

    Raises:
        LocalProtocolError: the request can't be said in HTTP/1.1.
    """

    def __init__(self, exchange: Exchange[T], *, reused: bool = False, proxy: Proxy | None = None) -> None:
        self._exchange = exchange
        self._reused = reused
        self._proxy = proxy
        self._interims_left = exchange.limits.interim
        self._parser = h11.Connection(h11.CLIENT, max_incomplete_event_size=exchange.limits.head)
        self._chunked = exchange.request.content_length is None
        self._head = self._encode_head()
        self._unread = 0  # how much of what came lies behind the last head
        self._sent = False
        self._answered = False
        self._keeps_alive = False
        self._over = False
        # How the body of the answer ends: after so many bytes; None when the parser or the close of the peer says so.
        self._left: int | None = None
        self._until_close = False

    def __repr__(self) -> str:
        return f"<Wire {self._exchange!r}>"

    @property
    def is_over(self) -> bool:
        """Whether the exchange takes no more events."""
        return self._over or self._exchange.state in (State.DONE, State.FAILED, State.MOVED)

    @property
    def wants_data(self) -> bool:
        """Whether to read on before the exchange is handed back to its flow."""
        return not self.is_over and (self._exchange.head is None or self._exchange.wants_body)

    @property
    def is_reusable(self) -> bool:
        """Whether the connection can serve another exchange: both sides are through with this one, and keep it."""
        return self._over and self._sent and self._keeps_alive

    @property
    def appetite(self) -> int:
        """The most bytes to hand to `receive` at a time: few where each may become a thousand, or many small items."""
        if self._exchange.head is None:
            return _READ_HEAD
        if self._exchange.is_compressed:
            return _READ_COMPRESSED
        return _READ_FILE if self._exchange.delivery is Delivery.FILE else _READ

    # --- sending

    def segments(self) -> Iterator[Segment]:
        """What to send, in order: bytes as they are, and files, each block of which is to go through `frame`."""
        body = self._exchange.request.body
        chunked = self._chunked
        waiting = self._head
        for segment in body:
            if isinstance(segment, FilePart):
                if waiting:
                    yield waiting
                yield segment
                waiting = b""
            elif len(segment) > _JOINED:
                yield waiting + (b"%x\r\n" % len(segment) if chunked else b"")
                yield segment
                waiting = b"\r\n" if chunked else b""
            elif segment:
                waiting += self.frame(segment)
        if chunked:
            waiting += b"0\r\n\r\n"
        if waiting:
            yield waiting
        self._sent = True

    def frame(self, block: bytes) -> bytes:
        """A block of a file as it goes over the wire: as it is, or as a chunk if the body's length is not known."""
        return b"%x\r\n%b\r\n" % (len(block), block) if self._chunked and block else block

    def _encode_head(self) -> bytes:
        request = self._exchange.request
        length = request.content_length
        headers = [("host", request.origin.authority), *request.headers]
        if length is None:
            headers.append(("transfer-encoding", "chunked"))
        elif length or request.method in ("POST", "PUT", "PATCH"):
            headers.append(("content-length", str(length)))
        target = request.target
        if self._proxy is not None:
            target = f"{request.origin}{target}"
            headers += self._proxy.headers
        try:
            return (
                self._parser.send(
                    h11.Request(
                        method=request.method,
                        target=target,
                        headers=[(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers],
                    )
                )
                or b""
            )
        except (h11.LocalProtocolError, UnicodeEncodeError) as exc:
            raise LocalProtocolError("the request's method, target or headers can't be sent in HTTP/1.1") from exc

    # --- receiving

    def receive(self, data: bytes) -> Sequence[T]:
        """Take what arrived, or ``b""`` once the peer has closed; return the items that are whole."""
        if self.is_over:
            if data:
                self._keeps_alive = False  # nobody asked for that
            return ()
        self._answered = self._answered or bool(data)
        if not data:
            return self._closed()
        if self._exchange.head is None or (self._left is None and not self._until_close):
            return self._parse(data)
        return self._body(data)

    def _parse(self, data: bytes) -> Sequence[T]:
        items: list[T] = []
        try:
            self._parser.receive_data(data)
            self._unread += len(data)
            while not self.is_over:
                event = self._parser.next_event()
                if isinstance(event, h11.Data):
                    items += self._exchange.receive(Data(bytes(event.data), event.chunk_end))
                elif isinstance(event, h11.Response):
                    self._measure_head()
                    self._begin(event)
                    if self._left is not None or self._until_close:
                        return self._body(bytes(self._parser.trailing_data[0]))
                elif isinstance(event, h11.InformationalResponse):
                    self._measure_head()
                    self._interims_left -= 1
                    if self._interims_left < 0:
                        self._lose(Loss.GARBAGE, "the server sends interim answers without end")
                    elif event.status_code == 101:
                        self._lose(Loss.GARBAGE, "the server switches to another protocol")
                elif isinstance(event, h11.EndOfMessage):
                    self._keeps_alive = self._keeps_alive and not self._parser.trailing_data[0]
                    items += self._end()
                else:  # NEED_DATA
                    return items
        except h11.RemoteProtocolError as exc:
            self._lose(Loss.GARBAGE, f"the server does not speak HTTP/1.1: {exc}", exc)
        return items

    def _measure_head(self) -> None:
        """Hold a head that came as a whole to the limit, which the parser holds only those to that came in pieces."""
        rest = len(self._parser.trailing_data[0])
        size, self._unread = self._unread - rest, rest
        if size > self._exchange.limits.head:
            raise h11.RemoteProtocolError("the head is over its limit", error_status_hint=431)

    def _begin(self, event: h11.Response) -> None:
        if event.status_code == 407 and self._proxy is not None:
            self._lose(Loss.UNTRUSTED, self._proxy.unauthorized)
            return
        headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in event.headers)
        head = Head(event.status_code, headers)
        close = any("close" in value.lower() for value in head.get_all("connection"))
        length, coding = head.get("content-length"), head.get("transfer-encoding")
        # Both at once: the second counts, but who knows what else was mixed up (RFC 9112 section 6.3).
        self._keeps_alive = event.http_version == b"1.1" and not close and not (length and coding)
        # In the order of that section; the parser has refused what contradicts itself.
        if self._exchange.request.method == "HEAD" or event.status_code in (204, 304):
            self._left = 0
        elif coding is None:
            self._left = int(length) if length is not None else None
            self._until_close = length is None
        self._exchange.receive(head)

    def _body(self, data: bytes) -> Sequence[T]:
        if self._left is None:
            return self._exchange.receive(Data(data)) if data and not self.is_over else ()
        if len(data) > self._left:
            data = data[: self._left]
            self._keeps_alive = False
        self._left -= len(data)
        if self.is_over:
            self._over = self._left == 0  # a redirect without a body leaves the connection as good as new
            return ()
        items = self._exchange.receive(Data(data)) if data else ()
        if self._left or self.is_over:
            return items
        return [*items, *self._end()] if items else self._end()

    def _end(self) -> Sequence[T]:
        self._over = True
        return () if self.is_failed else self._exchange.receive(End())

    @property
    def is_failed(self) -> bool:
        """Whether the exchange has an error, or is a redirect."""
        return self._exchange.state in (State.FAILED, State.MOVED)

    def _closed(self) -> Sequence[T]:
        self._keeps_alive = False
        if self._until_close:
            return self._end()
        self.broken("the server closed the connection before the answer was whole")
        return ()

    # --- breaking off

    def broken(self, reason: str, cause: BaseException | None = None) -> None:
        """Say that the connection broke, or that the peer closed it while it was idle.

        Args:
            reason: what happened, for people.
            cause: the exception behind it.
        """
        stale = self._reused and not self._answered
        self._lose(Loss.STALE if stale else Loss.CUT, reason, cause)

    def timed_out(self, reason: str, cause: BaseException | None = None) -> None:
        """Say that a time of the step ran out, once a byte may have been sent."""
        self._lose(Loss.TIMEOUT, reason, cause)

    def _lose(self, loss: Loss, reason: str, cause: BaseException | None = None) -> None:
        self._keeps_alive = False
        if not self.is_over:
            self._exchange.receive(Lost(loss, reason, cause=cause))
