"""Recording the exchanges of a client with a real Service."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bento_proto import exchange
from bento_proto._frozen import Frozen
from bento_proto._types import JSON
from bento_proto.http._messages import Chunks, ConnectionFailed, Data, End, Head, Received

from ._recording import event_entry, request_entry, written


class Recorder:
    """Records the exchanges of clients, as their ``recorder=``, for a `Replay`.

    Credentials are omitted: the only header of a request that is recorded is its Content-Type, and values in responses
    and queries whose names sound like a secret are hidden. Bodies are recorded unchanged.

    The whole body of each request is in memory while it is recorded, files included.

    Args:
        url: the URL of the Service, as information for the replay.
        limit: how many bytes of one body are recorded. A longer request is recognised by its digest; a longer response
            can't be replayed.
    """

    def __init__(self, url: str = "", *, limit: int = 1 << 20) -> None:
        self._url = url
        self._limit = limit
        self._exchanges: list[_Noted] = []

    def watch(self, exchange: exchange.Exchange[object], body: bytes, clock: Callable[[], float]) -> None:
        """Record an exchange that is about to begin: the method of an `ExchangeRecorder`."""
        exchange.request.body = (body,) if body else ()  # its source may be readable only once
        noted = _Noted(request_entry(exchange.request, body, self._limit), self._limit, clock)
        self._exchanges.append(noted)
        exchange.recorder = noted.note

    def text(self) -> str:
        """The recording so far, as the text of a file."""
        return written(self._url, [(noted.request, noted.answer) for noted in self._exchanges])


class _Piece(Frozen):
    when: float
    event: Head | Data | End | ConnectionFailed
    size: int = 0  # of the data, which may be more than is kept


class _Noted:
    def __init__(self, request: JSON, limit: int, clock: Callable[[], float]) -> None:
        self.request: JSON = request
        self._limit = limit
        self._clock = clock
        self._begun = clock()
        self._pieces: list[_Piece] = []
        self._framed = False  # whether the pieces of the body are without meaning

    def note(self, event: Received) -> None:
        now = self._clock() - self._begun
        if isinstance(event, Head):
            self._framed = event.get("content-length") is not None or event.get("transfer-encoding") is not None
        if isinstance(event, Chunks):
            for piece in event.pieces:
                self._add(now, Data(piece, ends_chunk=True))
        elif isinstance(event, Data):
            self._add(now, event)
        else:
            self._pieces.append(_Piece(now, event))

    def _add(self, now: float, data: Data) -> None:
        """Record a piece of the body, joined to the one before if both are of one chunk."""
        last = self._pieces.pop()
        size = last.size + len(data.data)
        if self._framed and isinstance(last.event, Data) and not last.event.ends_chunk:
            kept = last.event.data if size > self._limit else last.event.data + data.data
            self._pieces.append(_Piece(last.when, Data(kept, data.ends_chunk), size))
        else:
            self._pieces += (last, _Piece(now, data, len(data.data)))

    @property
    def answer(self) -> Sequence[JSON]:
        before = 0.0
        events: list[JSON] = []
        for piece in self._pieces:
            said = event_entry(piece.event) if piece.size <= self._limit else {"left_out": piece.size}
            events.append({"after": round(piece.when - before, 4), **said})
            before = piece.when
        return events
