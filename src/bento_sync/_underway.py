"""An exchange under way, wherever its answer comes from: reading it, and handing it over."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from bento_proto import Exchange

T = TypeVar("T")


class Underway(ABC, Generic[T]):
    """An exchange under way, which holds something until it is closed.

    Args:
        exchange: what is under way.

    Attributes:
        room: where the bytes of a file may come to lie that are received next, from its start, instead of in memory of
            their own: the item is a view of it then.
    """

    def __init__(self, exchange: Exchange[T]) -> None:
        self.exchange: Exchange[T] = exchange
        self.room: memoryview | None = None
        self._early: list[T] = []  # items that came along with the head

    def items(self) -> Generator[T, None, None]:
        """The rest of the answer, as it arrives; closes when it is over.

        Raises:
            BentoMLException: the answer breaks off, after what came.
        """
        try:
            yield from self._early
            while not self._is_over:
                yield from self._receive()
        finally:
            self.close()
        if self.exchange.error is not None:
            raise self.exchange.error

    @abstractmethod
    def close(self) -> None:
        """Want no more of it. Harmless when it is over."""

    @property
    @abstractmethod
    def _is_over(self) -> bool:
        """Whether the exchange takes no more."""

    @abstractmethod
    def _receive(self) -> Sequence[T]:
        """Wait for what comes next, and give it to the exchange."""
