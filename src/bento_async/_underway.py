"""An exchange under way, wherever its answer comes from: reading it within its times, and handing it over."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from bento_proto import FailureKind

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Sequence

    from typing_extensions import Self

    from bento_proto import Exchange, Timeout

T = TypeVar("T")

TOO_LATE: Final = "the server did not answer in time"


class Underway(ABC, Generic[T]):
    """An exchange under way, which holds something until it is over or closed.

    Args:
        exchange: what is under way.
        timeout: how long to wait for what.
        ends: when the total of the timeout is up, on the event loop's clock.
        clock: that clock.

    Attributes:
        room: where the bytes of a file may come to lie that are received next, from its start, instead of in memory of
            their own: the item is a view of it then.
    """

    def __init__(self, exchange: Exchange[T], timeout: Timeout, ends: float, clock: Callable[[], float]) -> None:
        self.exchange: Exchange[T] = exchange
        self.timeout: Timeout = timeout
        self.ends: float = ends
        self._clock = clock
        self.room: memoryview | None = None
        self._early: list[T] = []  # items that came along with the head

    async def begin(self) -> None:
        """Send the request, and read what the exchange wants before it is handed over."""
        await self._send()
        while (self.exchange.head is None and not self._is_complete) or self.exchange.wants_body:
            self._early += await self._receive(until(self.timeout.receive, self.ends, self._clock))

    def hand_over(self) -> Self | None:
        """Itself, to be read further, if that is up to the caller; else, and if nothing more comes, it is closed."""
        is_streaming = self.exchange.is_streaming
        if not is_streaming or self._is_complete:
            self.close()
        return self if is_streaming else None

    @property
    def is_over(self) -> bool:
        """Whether there is nothing more to `receive`."""
        return self._is_complete and not self._early

    async def receive(self) -> Sequence[T]:
        """The next items, if any came; it lets go of what it holds with the last of them."""
        items: Sequence[T] = ()
        try:
            if self._early:
                items, self._early = self._early, []
            elif not self._is_complete:
                items = await self._receive(self._deadline)
        except BaseException as exc:
            self._lose(FailureKind.DISCONNECTED, "the wait for the answer was cancelled", exc)
            raise
        finally:
            if self._is_complete:
                self.close()
        return items

    @property
    def source(self) -> tuple[socket.socket, int] | None:
        """Where another thread may receive bytes of a file now, and how many at most; `passed` is to be told."""
        return None

    def passed(self, size: int) -> None:
        """Take note that so many bytes were received from the `source`, and are where they are to be."""

    @property
    def _deadline(self) -> float:
        """Until when to wait for what comes next."""
        return until(self.timeout.receive, self.ends, self._clock)

    @abstractmethod
    def close(self) -> None:
        """Want no more of it. Harmless when it is over."""

    @abstractmethod
    def abandon(self) -> None:
        """`close`, for the garbage collector, which may come in the midst of anything, in any thread."""

    @property
    @abstractmethod
    def _is_complete(self) -> bool:
        """Whether the exchange takes no more."""

    async def _send(self) -> None:
        """Send the request, within its times."""

    @abstractmethod
    async def _receive(self, deadline: float) -> Sequence[T]:
        """Wait for what comes next, and give it to the exchange, or that nothing came until the deadline."""

    @abstractmethod
    def _lose(self, loss: FailureKind, reason: str, cause: BaseException) -> None:
        """Let the exchange know that nothing more comes, unless it is over."""


def until(seconds: float | None, ends: float, clock: Callable[[], float]) -> float:
    """Until when a single wait may last, when all of them have an end."""
    return ends if seconds is None else min(clock() + seconds, ends)
