"""Sending one request until there is an answer: redirects, retries and the deadline, as flows."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from ._errors import BentoMLException, CallTimeout, ConnectError, ConnectionLost, RemoteProtocolError, Unauthorized
from ._exchange import Exchange, State
from ._flow import Flow, Step
from ._hooks import watching
from ._messages import Loss
from ._named import NamedTuple
from ._text import error_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._cookies import Cookies
    from ._hooks import Hooks
    from ._messages import Limits, Request, Timeout
    from ._outputs import Reader
    from ._progress import OnProgress
    from ._retry import RetryBudget, RetryPolicy
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


class Tried:
    """What has failed so far, of one call.

    Args:
        hooks: who is told of its requests.

    Attributes:
        watch: what tells them, if there are any.
        lines: one for each failure.
        sent: whether the server may have seen the request.
    """

    __slots__ = ("lines", "sent", "watch")

    def __init__(self, hooks: tuple[Hooks, ...]) -> None:
        self.watch: Watch | None = watching(hooks) if hooks else None
        self.lines: list[str] = []
        self.sent: bool = False

    def note(self, exchange: Exchange[object], error: BentoMLException) -> None:
        """Add a failure, and tell it to its error."""
        self.lines.append(error_line(error))
        self.sent = self.sent or exchange.head is not None or (exchange.lost is not None and exchange.lost.sent)
        error.attempts = tuple(self.lines)
        if isinstance(error, (ConnectError, ConnectionLost, CallTimeout)):
            error.sent = self.sent


def attempt(request: Request, reader: Reader[T], terms: Terms, now: float) -> Flow[Exchange[T]]:
    """Send a request, follow redirects and try again as the terms allow, to the first exchange that was accepted.

    Raises:
        BentoMLException: there was none; its ``attempts`` tell of each.
    """
    return attempts(request, reader, terms, now, terms.deadline(now), raising=True)


def attempts(
    request: Request, reader: Reader[T], terms: Terms, now: float, deadline: float | None, *, raising: bool = False
) -> Flow[Exchange[T]]:
    """The same; what goes wrong is the ``error`` of the exchange that is returned, unless it is to be raised.

    Returns:
        The last exchange, which knows how many ``seconds`` all of it took.
    """
    tried, began = Tried(terms.hooks), now
    failures, delay = 0, 0.0
    while True:
        exchange, now = yield from once(request, reader, terms, now, deadline, delay, tried)
        exchange.seconds = now - began
        error = exchange.error
        if error is None or exchange.is_handed_over:
            exchange.attempts = tuple(tried.lines)
            terms.budget.earn()
            return exchange
        failures += 1
        wait = terms.retries.wait(exchange, failures, terms.chance)
        if wait is None or (deadline is not None and now + wait >= deadline) or not terms.budget.spend():
            if raising:
                raise error
            return exchange
        if tried.watch is not None:
            tried.watch.retry(wait, tried.lines[-1])
        delay = wait


def once(
    request: Request,
    reader: Reader[T],
    terms: Terms,
    now: float,
    deadline: float | None,
    delay: float = 0.0,
    tried: Tried | None = None,
) -> Flow[tuple[Exchange[T], float]]:
    """Send a request once, following redirects; what goes wrong is the ``error`` of the exchange that is returned.

    A kept-alive connection that turns out to be closed only means that it takes another one, and a 401 may mean that
    it takes another token.

    Returns:
        The last exchange, and what the clock read after it.
    """
    tried = tried or Tried(terms.hooks)
    watch = tried.watch
    redirects, fresh, renewed = 0, False, False
    while True:
        timeout = terms.timeout if deadline is None else terms.timeout.within(deadline - now - delay)
        late = timeout.total is not None and timeout.total <= 0
        going_out = request if watch is None or late else watch.request(request, delay)
        exchange = _exchange(terms.cookies.added(going_out, now), reader, terms, watch)
        if late:
            exchange.error = CallTimeout(f"no answer within {terms.timeout.total:g} seconds")
        elif watch is None:
            now = yield Step(exchange, timeout, delay, fresh)
        else:
            now = yield from watch.step(Step(exchange, timeout, delay, fresh), now)
        if exchange.head is not None:
            terms.cookies.take(request.origin, request.target, exchange.head, now)
        delay = 0.0
        again = None
        if exchange.state is State.MOVED:
            redirects += 1
            again = _moved(request, exchange, redirects)
        if watch is not None and not late:
            watch.answer(exchange)
        if exchange.error is not None and not exchange.is_handed_over:
            tried.note(exchange, exchange.error)
            if exchange.lost is not None and exchange.lost.loss is Loss.STALE and not fresh and request.replayable:
                fresh, again = True, request
            elif isinstance(exchange.error, Unauthorized) and not renewed and not redirects and request.replayable:
                renewed, again = True, terms.renew(request)
        if again is None:
            return exchange, now
        if watch is not None and exchange.error is not None:
            watch.retry(0.0, tried.lines[-1])
        request = again


def _exchange(request: Request, reader: Reader[T], terms: Terms, watch: Watch | None) -> Exchange[T]:
    exchange = Exchange(request, reader, terms.limits)
    if watch is not None or terms.on_progress is not None:
        exchange.measure(terms.on_progress)
    return exchange


def _moved(request: Request, exchange: Exchange[object], redirects: int) -> Request | None:
    """The request that a redirect asks for; None if it has to be the error of its exchange."""
    most = exchange.limits.redirects
    try:
        if redirects > most:
            raise RemoteProtocolError(f"the server redirects more than {most} times")
        from ._redirect import redirected  # few meet one

        return redirected(request, exchange.head)
    except BentoMLException as error:
        exchange.error = error
        return None
