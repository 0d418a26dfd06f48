"""h11, for responses that are not of the usual form. It is loaded with the first of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import h11

from bento_proto.http._redaction import forget_frames

if TYPE_CHECKING:
    from typing import Final, TypeAlias

    H11Event: TypeAlias = "type[h11.NEED_DATA | h11.PAUSED] | h11.Event"


_FED: Final = 1 << 14  # bytes at a time: h11 copies what it has left for each event that is measured
_LINE: Final = r"(illegal header line)(?:: (?:bytearray\()?b?['\"]([-!#$%&'*+.^_`|~0-9A-Za-z]+:))?.*"


def told(error: h11.RemoteProtocolError, handled: BaseException | None) -> str:
    """What h11 says is wrong, without the values of header fields, which may be secrets.

    The error itself says the same from now on, and has no traceback, in which they would stand, too; what was handled
    before, by the caller, keeps its own.
    """
    reason = re.sub(_LINE, _named, str(error))
    error.args = (reason,)
    forget_frames(error, handled)
    return reason


def _named(line: re.Match[str]) -> str:
    return f"{line[1]} {line[2]}" if line[2] else line[1]


class Parser:
    """h11's parser, for the response to one request.

    h11 limits only what comes in pieces. So that no split of the data changes what is accepted, what each event took
    is measured here, too.

    Args:
        method: the request's method, all that the framing of the response depends on.
        limit: how many bytes may have a head, the line before a chunk, or what follows the last chunk.
        head: the response's head, if it was parsed already: the data begins behind it.
    """

    def __init__(self, method: str, limit: int, head: bytes = b"") -> None:
        self._limit = limit
        self._connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=limit)
        # The request has no Upgrade, so that h11 accepts no switch of protocols.
        self._connection.send(h11.Request(method=method, target="/", headers=[("host", "any")]))
        self._waiting = bytearray()  # received, and not yet given to h11
        self._unread = 0  # bytes given to it since the last event
        self._footer = 0  # bytes of the CR LF behind the last chunk
        if head:
            self.feed(head)
            self.next()

    def feed(self, data: bytes) -> None:
        """Take received bytes."""
        self._waiting += data

    def next(self) -> H11Event:
        """The next event.

        Raises:
            h11.RemoteProtocolError: the data is not HTTP/1.1, or over the limit.
        """
        event = self._connection.next_event()
        while event is h11.NEED_DATA and self._waiting:
            data = bytes(self._waiting[:_FED])
            del self._waiting[:_FED]
            self._connection.receive_data(data)
            self._unread += len(data)
            event = self._connection.next_event()
        if isinstance(event, h11.Event):
            self._measure(event)
        return event

    @property
    def rest(self) -> bytes:
        """The bytes behind the last event."""
        return bytes(self._connection.trailing_data[0] + self._waiting)

    def _measure(self, event: h11.Event) -> None:
        rest = len(self._connection.trailing_data[0])
        size, self._unread = self._unread - rest, rest
        size -= self._footer
        self._footer = 0
        if isinstance(event, h11.Data):
            size -= len(event.data)
            self._footer = 2 if event.chunk_end else 0
        if size > self._limit:
            is_head = isinstance(event, (h11.Response, h11.InformationalResponse))
            raise h11.RemoteProtocolError(f"the {'head' if is_head else 'framing of a chunk'} is over its limit")
