"""h11, for responses that are not of the usual form. It is loaded with the first of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import h11

if TYPE_CHECKING:
    from typing import TypeAlias

    H11Event: TypeAlias = "type[h11.NEED_DATA | h11.PAUSED] | h11.Event"


class Parser:
    """h11's parser, for the response to one request.

    Args:
        method: the request's method, all that the framing of the response depends on.
        limit: how many bytes a head may have.
        head: the response's head, if it was parsed already: the data begins behind it.
    """

    def __init__(self, method: str, limit: int, head: bytes = b"") -> None:
        self._limit = limit
        self._connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=limit)
        # The request has no Upgrade, so that h11 accepts no switch of protocols.
        self._connection.send(h11.Request(method=method, target="/", headers=[("host", "any")]))
        self._unread = 0  # bytes received since the last head
        if head:
            self.feed(head)
            self.next()

    def feed(self, data: bytes) -> None:
        """Take received bytes."""
        self._connection.receive_data(data)
        self._unread += len(data)

    def next(self) -> H11Event:
        """The next event.

        Raises:
            h11.RemoteProtocolError: the data is not HTTP/1.1.
        """
        return self._connection.next_event()

    @property
    def rest(self) -> bytes:
        """The bytes behind the last event."""
        return bytes(self._connection.trailing_data[0])

    def is_small(self) -> bool:
        """Whether the last head is within the limit, which h11 checks only for heads that come in pieces."""
        rest = len(self._connection.trailing_data[0])
        size, self._unread = self._unread - rest, rest
        return size <= self._limit
