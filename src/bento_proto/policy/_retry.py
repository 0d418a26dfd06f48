"""When a call is sent again, as arithmetic: no clock, no randomness, no waiting."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import ClassVar, Final

from bento_proto import exchange
from bento_proto._frozen import Frozen
from bento_proto._guesses import OF_RETRIES
from bento_proto.errors import BentoMLException
from bento_proto.http._dates import retry_after
from bento_proto.http._messages import FailureKind, Request

from ._congestion import CongestionControl, is_overload

_SAFE: Final = ("GET", "HEAD")
IDEMPOTENCY_KEY: Final = "idempotency-key"
_GATEWAY: Final = frozenset({502, 503, 504})
_NONE: Final = frozenset[int]()
_MOST_REFUSALS: Final = 100  # of one call, while others are accepted


class RetryPolicy(Frozen):
    """Which failed calls are sent again, how often, and after how long.

    Without any declaration, a call is sent again only if the server has not processed it: no connection could be made;
    the connection failed with proof that nothing was read; status 429; or status 503 with a ``Retry-After``. A lost
    connection that may have carried the request ends a POST, since the endpoint may have run.

    A request that is declared repeatable, by `idempotent` or by an ``Idempotency-Key`` header, is also sent again after
    a lost connection, a timeout, and the statuses 502, 503 and 504. GET and HEAD are repeated after a lost connection.

    Never sent again are a body that can be read only once, and a call whose stream has begun.

    Attributes:
        attempts: how often a call is sent at most; 1 for no retries. Not counted are redirects, the renewal of a token
            after a 401, and a request that provably was not read.
        backoff: seconds before the second attempt. Each further wait is twice as long, and each is shortened by up to a
            quarter at random.
        max_backoff: the longest such wait, in seconds.
        max_retry_after: the longest ``Retry-After`` that is waited for, in seconds; a longer one raises the error.
        idempotent: whether the endpoints called may be repeated.
        statuses: further statuses after which a call is sent again.
        exceptions: further exceptions after which a call is sent again, such as `ConnectionLost`.
        budget: how many retries all calls of a client may make without any success; `math.inf` for no bound. Each
            success and each second gives some back: see `RetryBudget`.
        max_outage: for how many seconds a batch sends refused calls again while the Service accepts none at all; with
            `adaptive` plain calls, too.
        retry_if: decides first, if it is given: it is called with the exception, and returns True to send again, False
            to raise, and None to leave it to the other rules.
        adaptive: whether plain calls adapt to the load of the Service, as batches always do: once it has refused one,
            all calls of the client share a limit of concurrent ones, each waits for its turn, and one that is refused
            waits again. See `CongestionControl`. A refusal is no attempt then, unless the Service may have processed
            the call, and takes nothing from the budget.
    """

    attempts: int = 3
    backoff: float = 0.25
    max_backoff: float = 8.0
    max_retry_after: float = 60.0
    idempotent: bool = False
    statuses: Collection[int] = _NONE
    exceptions: Collection[type[BentoMLException]] = ()
    retry_if: Callable[[BentoMLException], bool | None] | None = None
    budget: float = 20.0
    max_outage: float = 60.0
    adaptive: bool = False
    _guesses: ClassVar[Mapping[str, str]] = OF_RETRIES

    @classmethod
    def of(cls, value: RetryPolicy | int | None) -> RetryPolicy:
        """A number is the retries beyond the first attempt; None or 0 means none.

        Raises:
            ValueError: a number is negative, or the attempts are not whole.
        """
        policy = value if isinstance(value, RetryPolicy) else cls(attempts=1 + (value or 0))
        numbers = (policy.backoff, policy.max_backoff, policy.max_retry_after, policy.budget, policy.max_outage)
        if policy.attempts < 1 or min(numbers) < 0:
            raise ValueError(f"retries can't be negative: {value!r}")
        if policy.attempts % 1 != 0:
            raise ValueError(f"retries must be a whole number: {value!r}")
        return policy

    @staticmethod
    def is_safe(request: Request) -> bool:
        """Whether repeating the request changes nothing on the server."""
        return request.method in _SAFE

    def is_declared(self, request: Request) -> bool:
        """Whether the caller has said that the request may be repeated."""
        return self.idempotent or any(name == IDEMPOTENCY_KEY for name, _ in request.headers)

    def is_repeatable(self, request: Request) -> bool:
        """Whether the request may be sent again though the server may have processed it."""
        return self.is_safe(request) or self.is_declared(request)

    def wait(self, exchange: exchange.Exchange[object], failures: int, random: Callable[[], float]) -> float | None:
        """Seconds to wait before the next attempt; None if there is to be none.

        Args:
            exchange: the attempt that failed.
            failures: how many have failed, this one included.
            random: returns a random number from 0 to 1.
        """
        return self.pause(exchange, failures, random) if self.allows(exchange) else None

    def pause(self, exchange: exchange.Exchange[object], failures: int, random: Callable[[], float]) -> float | None:
        """The same after a failure that the policy `allows` to send again."""
        if failures >= self.attempts:
            return None
        backoff = min(self.max_backoff, self.backoff * 2.0 ** min(failures - 1, 99)) * (1 - random() / 4)
        asked = retry_after_of(exchange)
        if asked is None:
            return backoff
        return max(asked, backoff) if self.waited_for(asked) is not None else None

    def waited_for(self, retry_after: float | None) -> float | None:
        """The seconds of a ``Retry-After`` that are waited for; None if there are none, or too many."""
        return None if retry_after is None or retry_after > self.max_retry_after else retry_after

    def allows(self, exchange: exchange.Exchange[object]) -> bool:
        """Whether the request of a failed attempt may be sent again, if attempts are left."""
        error, head, request = exchange.error, exchange.head, exchange.request
        if error is None or not request.replayable:
            return False
        decision = None if self.retry_if is None else self.retry_if(error)
        if decision is not None:
            return decision
        if isinstance(error, tuple(self.exceptions)):
            return True
        if head is not None and head.status >= 400:  # an error response is one even if its body is cut
            refused = head.status == 429 or (head.status == 503 and retry_after_of(exchange) is not None)
            return refused or head.status in self.statuses or (head.status in _GATEWAY and self.is_declared(request))
        failure = exchange.failure
        if failure is None or failure.kind in (FailureKind.TLS, FailureKind.PROXY, FailureKind.PROTOCOL):
            return False
        if failure.kind is FailureKind.TIMEOUT:
            return self.is_declared(request)
        return (head is None and not failure.sent) or self.is_repeatable(request)


def retry_after_of(exchange: exchange.Exchange[object]) -> float | None:
    """The seconds that an error response asks to wait; None if there is none, or it does not say."""
    head = exchange.head
    return None if head is None or head.status < 400 else retry_after(head)


class BatchRetries(RetryPolicy):
    """The policy of the calls of a batch, which itself sends again what was refused: see `CongestionControl`."""

    def pause(self, exchange: exchange.Exchange[object], failures: int, random: Callable[[], float]) -> float | None:
        if exchange.error is not None and is_overload(exchange.error):
            return None
        return super().pause(exchange, failures, random)


def batch_retries(policy: RetryPolicy) -> RetryPolicy:
    """The policy of the calls of a batch that is made under another one."""
    policy = policy.replace(adaptive=False)  # the batch itself waits for its turn
    return BatchRetries(*(getattr(policy, field) for field in policy.__match_args__))


class RefusalCount:
    """How often one call was refused, which decides whether it is sent again.

    Args:
        accepted: how many calls of the client were accepted before it.
    """

    __slots__ = ("_accepted", "_refused", "attempts")

    def __init__(self, accepted: int) -> None:
        self._accepted = accepted
        self._refused = 0
        self.attempts: int = 0  # in which the Service may have processed it

    def allows_repeating(
        self, error: BentoMLException, sent: bool, retries: RetryPolicy, control: CongestionControl, now: float
    ) -> bool:
        """Count a refusal; return whether the call is sent again.

        Args:
            error: the refusal, of which `is_overload` is True.
            sent: whether the server may have read the request.
            retries: the retry policy of the call.
            control: the limit, which knows of the refusal.
            now: the time.
        """
        if not error.retryable or retries.attempts <= 1 or control.outage(now) > retries.max_outage:
            return False
        if error.retry_after is not None and retries.waited_for(error.retry_after) is None:
            return False
        if not sent or error.error_code in (429, 503):
            self._refused += 1
        else:
            self.attempts += 1
        if self.attempts >= retries.attempts:
            return False
        return self._refused < _MOST_REFUSALS or control.accepted <= self._accepted


class RetryBudget:
    """Bounds the retries of a client, so that they do not drown a Service that is in trouble.

    Each retry takes one from it, each success gives a tenth back, each second a whole one, and an empty budget allows
    no more.

    Attributes:
        spent: how many are missing.
    """

    __slots__ = ("_at", "spent")

    def __init__(self) -> None:
        self.spent: float = 0.0
        self._at = 0.0

    def spend(self, most: float, now: float) -> bool:
        """Take a retry; False if none is left.

        Args:
            most: how many there can be without any success.
            now: the time.
        """
        self.spent = max(0.0, self.spent - max(0.0, now - self._at))
        self._at = max(self._at, now)
        if self.spent > most - 1:
            return False
        self.spent += 1
        return True

    def earn(self) -> None:
        """Note a success."""
        self.spent = max(0.0, self.spent - 0.1)


NEVER: Final = RetryPolicy(attempts=1)
