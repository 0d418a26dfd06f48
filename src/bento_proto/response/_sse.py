"""Server-sent events, as the HTML standard parses them (section 9.2.6)."""

from __future__ import annotations

import codecs
import re
from typing import TYPE_CHECKING

from bento_proto._frozen import Frozen
from bento_proto._text import pile
from bento_proto.errors import LimitExceeded
from bento_proto.exchange._body import ResultKind, ended

if TYPE_CHECKING:
    from typing import Final

# Only these end a line; str.splitlines would also split at U+0085, U+2028 and others, which are text here.
_LINE_END: Final = re.compile(r"\r\n|\n|\r")


class ServerSentEvent(Frozen):
    """One event of a stream.

    Attributes:
        data: its data lines, joined by newlines.
        event: its type; ``"message"`` if the server gave none.
        id: the last id of the stream, of this event or an earlier one; empty if there was none.
        retry: the reconnection time in milliseconds that came with the event, or None.
    """

    data: str
    event: str = "message"
    id: str = ""
    retry: int | None = None


class EventStreamDecoder:
    """Decodes a body into events. An event that the end of the stream cuts off is dropped, as the standard requires.

    Args:
        limit: how many characters one event may have.
    """

    result_kind = ResultKind.ITEMS

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._text = codecs.getincrementaldecoder("utf-8")("replace")  # the standard's "UTF-8 decode"
        self._started = False
        self._line: list[str] = []  # the pieces of an incomplete line
        self._after_cr = False
        self._size = 0
        self._id = ""
        self._reset()

    def _reset(self) -> None:
        self._data: list[str] = []
        self._event = ""
        self._retry: int | None = None
        self._size = 0

    def feed(self, data: bytes) -> list[ServerSentEvent]:
        """The events that these bytes complete."""
        text = self._text.decode(data)
        if text and not self._started:
            self._started = True
            text = text.removeprefix("\ufeff")
        if self._after_cr and text:
            text = text.removeprefix("\n")  # the second half of a CR LF
            self._after_cr = False
        self._after_cr = self._after_cr or text.endswith("\r")
        *lines, rest = _LINE_END.split(text)
        events: list[ServerSentEvent] = []
        try:
            for line in lines:
                self._hold(line)
                whole = "".join(self._line)
                self._line.clear()
                self._take(whole, events)
            self._hold(rest)
        except LimitExceeded as exc:
            exc.items = events
            ended(self, exc)
            raise
        return events

    def boundary(self) -> list[ServerSentEvent]:
        """Nothing: chunks have no meaning here."""
        return []

    def finish(self) -> list[ServerSentEvent]:
        """Nothing: without a blank line behind it, data is not an event."""
        return []

    def _hold(self, piece: str) -> None:
        self._size += len(piece)
        if self._size > self._limit:
            raise LimitExceeded(f"an event of the stream is over {self._limit} characters")
        if piece:
            pile(self._line, piece)

    def _take(self, line: str, events: list[ServerSentEvent]) -> None:
        if not line:
            if self._data:
                data = "".join(self._data)[:-1]
                events.append(ServerSentEvent(data, self._event or "message", self._id, self._retry))
            self._reset()
            return
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            pile(self._data, value + "\n")
        elif name == "event":
            self._event = value
        elif name == "id" and "\0" not in value:
            self._id = value
        elif name == "retry" and value.isascii() and value.isdigit():
            self._retry = int(value[:12])
