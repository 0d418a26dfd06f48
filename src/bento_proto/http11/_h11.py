"""h11, for the answers that are not plain: it is loaded with the first of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import h11

if TYPE_CHECKING:
    from typing import TypeAlias

    Event: TypeAlias = "type[h11.NEED_DATA | h11.PAUSED] | h11.Event"


class Parser:
    """h11's parser, for the answer to one request.

    Args:
        method: the request's, which is all that matters to how its answer is read.
        limit: the most bytes that a head may have.
        head: that of the answer, if it has been read already: what comes next is behind it.
    """

    def __init__(self, method: str, limit: int, head: bytes = b"") -> None:
        self._limit = limit
        self._connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=limit)
        # It proposes no switch to another protocol.
        self._connection.send(h11.Request(method=method, target="/", headers=[("host", "any")]))
        self._unread = 0  # how much of what came lies behind the last head
        if head:
            self.feed(head)
            self.next()

    def feed(self, data: bytes) -> None:
        """Take what came."""
        self._connection.receive_data(data)
        self._unread += len(data)

    def next(self) -> Event:
        """What comes next.

        Raises:
            h11.RemoteProtocolError: it is not HTTP/1.1.
        """
        return self._connection.next_event()

    @property
    def rest(self) -> bytes:
        """What came behind that."""
        return bytes(self._connection.trailing_data[0])

    def is_small(self) -> bool:
        """Whether the head that came now keeps to the limit: h11 holds only those to it that come in pieces."""
        rest = len(self._connection.trailing_data[0])
        size, self._unread = self._unread - rest, rest
        return size <= self._limit
