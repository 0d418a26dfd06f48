"""Sending one request until there is an answer: redirects, retries and the deadline, as flows."""

from __future__ import annotations

from ._errors import CallTimeout
from ._exchange import Exchange, State
from ._flow import Flow, Step
from ._hooks import watching
from ._typing import TYPE_CHECKING, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._cookies import Cookies
    from ._hooks import Hooks
    from ._messages import Limits, Request, Timeout
    from ._outputs import Reader
    from ._progress import OnProgress
    from ._retry import RetryBudget, RetryPolicy
    from ._tried import Tried
    from ._watch import Watch

T = TypeVar("T")


class Terms(NamedTuple):
    """What holds for one call.

    Attributes:
        timeout: how long to wait for what.
        retries: what is tried again.
        limits: how much the server may send.
        cookies: where the answers' cookies are kept.
        budget: what retries the client has left.
        chance: gives a number from 0 to 1.
        renew: makes the same request with another token, after a 401; or None if there is none.
        hooks: who is told of the requests.
        on_progress: who is told how far their bodies, and those of the answers, have come.
    """

    timeout: Timeout
    retries: RetryPolicy
    limits: Limits
    cookies: Cookies
    budget: RetryBudget
    chance: Callable[[], float]
    renew: Callable[[Request], Request | None]
    hooks: tuple[Hooks, ...] = ()
    on_progress: OnProgress | None = None

    def deadline(self, now: float) -> float | None:
        """When the total of the timeout is up, if it has one, for what begins now."""
        return None if self.timeout.total is None else now + self.timeout.total


def attempt(request: Request, reader: Reader[T], terms: Terms, now: float) -> Flow[Exchange[T]]:
    """Send a request, follow redirects and try again as the terms allow, to the first exchange that was accepted.

    Raises:
        BentoMLException: there was none; its ``attempts`` tell of each.
    """
    return attempts(request, reader, terms, now, terms.deadline(now), raising=True)


def attempts(
    request: Request,
    reader: Reader[T],
    terms: Terms,
    now: float,
    deadline: float | None,
    *,
    delay: float = 0.0,
    raising: bool = False,
) -> Flow[Exchange[T]]:
    """The same; what goes wrong is the ``error`` of the exchange that is returned, unless it is to be raised.

    A kept-alive connection that turns out to be closed only means that an attempt takes another one, and a 401 may mean
    that it takes another token.

    Args:
        request: what to send.
        reader: how to read the answer.
        terms: what holds for it.
        now: what the clock reads.
        deadline: when to give up.
        delay: how long to wait before the first attempt.
        raising: whether to raise the error.

    Returns:
        The last exchange, which knows how many ``seconds`` all of it took.
    """
    watch = watching(terms.hooks) if terms.hooks else None
    tried: Tried | None = None
    began, fresh = now, False
    while True:
        timeout = terms.timeout if deadline is None else terms.timeout.within(deadline - now - delay)
        late = timeout.total is not None and timeout.total <= 0
        going_out = request if watch is None or late else watch.request(request, delay)
        going_out = terms.cookies.added(going_out, now) if terms.cookies.kept else going_out
        exchange = Exchange(going_out, reader, terms.limits)
        if watch is not None or terms.on_progress is not None:
            exchange.measure(terms.on_progress)
        if late:
            exchange.error = CallTimeout(f"no answer within {terms.timeout.total:g} seconds")
        elif watch is None:
            now = yield Step(exchange, timeout, delay, fresh)
        else:
            now = yield from watch.step(Step(exchange, timeout, delay, fresh), now)
        exchange.seconds = now - began
        if exchange.head is not None and "set-cookie" in exchange.head.first:
            terms.cookies.take(request.origin, request.target, exchange.head, now)
        again = None
        if exchange.state is State.MOVED:
            tried = tried or _tried(request, watch)
            again = tried.moved(request, exchange)
        if watch is not None and not late:
            watch.answer(exchange)
        if again is None:
            if exchange.error is None or exchange.is_handed_over:
                exchange.attempts = () if tried is None else tuple(tried.lines)
                terms.budget.earn()
                return exchange
            tried = tried or _tried(request, watch)
            again = tried.again(request, exchange, terms, now, deadline)
            if again is None and raising:
                raise exchange.error
            if again is None:
                return exchange
        assert tried is not None
        request, delay, fresh = again, tried.delay, tried.fresh


def _tried(request: Request, watch: Watch | None) -> Tried:
    from ._tried import Tried  # few calls have use for it

    return Tried(request, watch)
