"""The order and the times of connection attempts to a host's addresses: RFC 8305, "Happy Eyeballs"."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Hashable, Iterable
from typing import Final, Generic, TypeVar

from ._url import is_ipv4

AddressT = TypeVar("AddressT")

STAGGER: Final = 0.25
"""Connection Attempt Delay (RFC 8305, section 5): seconds between the starts of two attempts."""


def is_address(host: str) -> bool:
    """Whether a host is an IP address, which no resolver has to be asked for."""
    return ":" in host or is_ipv4(host)


class ConnectionRace(Generic[AddressT]):
    """Connection attempts to the addresses of one host, of which the first that succeeds is used.

    Start an attempt for each address that `start` returns. Call it again when the clock reads `next_at`, and after
    each attempt that is reported by `fail`, until an attempt succeeds or the race `is_lost`. It reads no clock itself.

    Args:
        addresses: each address with its family, in the order of preference, as ``getaddrinfo`` returns them. The
            families take turns, beginning with that of the first address; duplicates are dropped.
        now: what the clock reads.

    Attributes:
        next_at: what the clock reads when the next attempt is due; infinite when none is left.
    """

    __slots__ = ("_left", "_running", "next_at")

    def __init__(self, addresses: Iterable[tuple[Hashable, AddressT]], now: float) -> None:
        by_family: dict[Hashable, dict[AddressT, None]] = {}
        for family, address in addresses:
            by_family.setdefault(family, {})[address] = None
        ranked = [(rank, address) for queue in by_family.values() for rank, address in enumerate(queue)]
        ranked.sort(key=lambda pair: pair[0])  # stable: within a rank the families keep their order
        self._left = deque(address for _, address in ranked)
        self._running = 0
        self.next_at: float = now if self._left else math.inf

    def __repr__(self) -> str:
        return f"<ConnectionRace: {self._running} attempts, {len(self._left)} addresses left>"

    @property
    def is_lost(self) -> bool:
        """Whether no attempt is left, neither running nor to be started."""
        return not self._left and not self._running

    def start(self, now: float) -> AddressT | None:
        """The address of an attempt that is due; None if none is due yet, or none is left."""
        if now < self.next_at or not self._left:
            return None
        self._running += 1
        address = self._left.popleft()
        self.next_at = now + STAGGER if self._left else math.inf
        return address

    def fail(self, now: float) -> None:
        """Report that an attempt failed: the next one is due at once."""
        self._running -= 1
        if self._left:
            self.next_at = now
