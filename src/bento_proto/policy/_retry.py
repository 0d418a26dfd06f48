"""When a call is tried again, as arithmetic: no clock, no randomness, no waiting."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bento_proto._frozen import Frozen
from bento_proto.http._dates import retry_after
from bento_proto.http._messages import FailureKind

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final

    from bento_proto.exchange._exchange import Exchange

_ASKED: Final = frozenset({429, 503})
_REPEATED: Final = frozenset({429, 502, 503, 504})
_REPEATED_LOSSES: Final = frozenset({FailureKind.IDLE_CLOSED, FailureKind.DISCONNECTED, FailureKind.TIMEOUT})


class RetryPolicy(Frozen):
    """What is tried again, how often, and after how long.

    Always tried again: a connection that could not be made, since nothing was sent; a kept-alive connection that the
    server had closed, once and at once; a 429 or 503 with a ``Retry-After``. Whatever else may have been processed is
    tried again only if `idempotent` says that this does no harm. A body that can't be sent again never is, nor a stream
    that has begun.

    Attributes:
        attempts: the most times that a call is sent; 1 for no retries.
        backoff: seconds before the second attempt; each further wait is twice the one before, less up to a quarter of
            it by chance.
        max_backoff: the longest such wait.
        max_retry_after: the longest ``Retry-After`` that is obeyed; if the server asks for more, its error is raised.
        idempotent: whether the endpoints called may be repeated: then lost connections, timeouts of the answer and
            the statuses 429, 502, 503 and 504 are tried again as well.
    """

    attempts: int = 3
    backoff: float = 0.25
    max_backoff: float = 8.0
    max_retry_after: float = 60.0
    idempotent: bool = False

    @classmethod
    def of(cls, value: RetryPolicy | int | None) -> RetryPolicy:
        """A number is that many attempts beyond the first; None or 0 means none.

        Raises:
            ValueError: a negative number.
        """
        policy = value if isinstance(value, RetryPolicy) else cls(attempts=1 + (value or 0))
        if policy.attempts < 1 or min(policy.backoff, policy.max_backoff, policy.max_retry_after) < 0:
            raise ValueError(f"retries can't be negative: {value!r}")
        return policy

    def wait(self, exchange: Exchange[object], failures: int, random: Callable[[], float]) -> float | None:
        """How long to wait before the next attempt; None if there is to be none.

        Args:
            exchange: the attempt that failed.
            failures: how many have failed, this one included.
            random: returns a random number from 0 to 1.
        """
        if failures >= self.attempts or not exchange.request.replayable:
            return None
        backoff = min(self.max_backoff, self.backoff * 2.0 ** min(failures - 1, 99)) * (1 - random() / 4)
        head = exchange.head
        if head is None or head.status < 400:  # a refusal is one even if its body is cut
            loss = exchange.failure.kind if exchange.failure is not None else None
            return backoff if loss is FailureKind.CONNECT or (self.idempotent and loss in _REPEATED_LOSSES) else None
        asked = retry_after(head)
        if asked is not None and head.status in _ASKED:
            return max(asked, backoff) if asked <= self.max_retry_after else None
        return backoff if self.idempotent and head.status in _REPEATED else None


class RetryBudget:
    """What keeps the retries of a client from drowning a Service that is in trouble.

    Each takes one from it, each success gives a tenth back, and an empty budget allows no more.

    Args:
        most: how many retries there can be without any success.

    Attributes:
        spent: how many retries are missing from it.
    """

    __slots__ = ("_most", "spent")

    def __init__(self, most: float = 20.0) -> None:
        self._most = most
        self.spent: float = 0.0

    def spend(self) -> bool:
        """Take a retry; False if none is left."""
        if self.spent > self._most - 1:
            return False
        self.spent += 1
        return True

    def earn(self) -> None:
        """Note a success."""
        self.spent = max(0.0, self.spent - 0.1)


NEVER: Final = RetryPolicy(attempts=1)
