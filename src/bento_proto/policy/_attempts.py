"""Sending one request until there is an answer: redirects, retries and the deadline, as flows."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from bento_proto._errors import (
    BentoMLException,
    CallTimeout,
    ConnectError,
    ConnectionLost,
    RemoteProtocolError,
    Unauthorized,
)
from bento_proto._frozen import Frozen
from bento_proto._text import error_line
from bento_proto.exchange._exchange import Exchange, State
from bento_proto.http._messages import FailureKind

from ._flow import Flow, Step
from ._hook_dispatcher import watching
from ._redirect import redirected

if TYPE_CHECKING:
    from collections.abc import Callable

    from bento_proto.exchange._body import ReaderFactory
    from bento_proto.exchange._progress import OnProgress
    from bento_proto.http._cookies import Cookies
    from bento_proto.http._limits import Limits, Timeout
    from bento_proto.http._messages import Request
    from bento_proto.observe._hooks import Hooks

    from ._hook_dispatcher import HookDispatcher
    from ._retry import RetryBudget, RetryPolicy

T = TypeVar("T")


class CallContext(Frozen):
    """What holds for one call.

    Attributes:
        timeout: how long to wait for what.
        retries: what is tried again.
        limits: how much the server may send.
        cookies: where the answers' cookies are kept.
        budget: what retries the client has left.
        random: returns a random number from 0 to 1.
        renew: makes the same request with another token, after a 401; or None if there is none.
        hooks: who is told of the requests.
        on_progress: who is told how far their bodies, and those of the answers, have come.
    """

    timeout: Timeout
    retries: RetryPolicy
    limits: Limits
    cookies: Cookies
    budget: RetryBudget
    random: Callable[[], float]
    renew: Callable[[Request], Request | None]
    hooks: tuple[Hooks, ...] = ()
    on_progress: OnProgress | None = None

    def deadline(self, now: float) -> float | None:
        """When the total of the timeout is up, if it has one, for what begins now."""
        return None if self.timeout.total is None else now + self.timeout.total


def send_request(
    request: Request,
    reader: ReaderFactory[T],
    context: CallContext,
    now: float,
    deadline: float | None = None,
    *,
    delay: float = 0.0,
    raising: bool = True,
) -> Flow[Exchange[T]]:
    """Send a request, follow redirects and try again as the context allows, until a response is accepted.

    A kept-alive connection that turns out to be closed only means that an attempt takes another one, and a 401 may mean
    that it takes another token.

    Args:
        request: what to send.
        reader: how to read the answer.
        context: what holds for it.
        now: what the clock reads.
        deadline: when to give up.
        delay: how long to wait before the first attempt.
        raising: whether to raise the error.

    Returns:
        The last exchange, which knows how many ``seconds`` all of it took.
    """
    watch = watching(context.hooks) if context.hooks else None
    tried: AttemptLog | None = None
    began, fresh = now, False
    while True:
        timeout = context.timeout if deadline is None else context.timeout.within(deadline - now - delay)
        late = timeout.total is not None and timeout.total <= 0
        going_out = request if watch is None or late else watch.request(request, delay)
        going_out = context.cookies.added(going_out, now) if context.cookies.kept else going_out
        exchange = Exchange(going_out, reader, context.limits)
        if watch is not None or context.on_progress is not None:
            exchange.measure(context.on_progress)
        if late:
            exchange.error = CallTimeout(f"no answer within {context.timeout.total:g} seconds")
        elif watch is None:
            now = yield Step(exchange, timeout, delay, fresh)
        else:
            now = yield from watch.step(Step(exchange, timeout, delay, fresh), now)
        exchange.elapsed = now - began
        if exchange.head is not None and "set-cookie" in exchange.head.first:
            context.cookies.take(request.origin, request.target, exchange.head, now)
        again = None
        if exchange.state is State.REDIRECTED:
            tried = tried or AttemptLog(request, watch)
            again = tried.moved(request, exchange)
        if watch is not None and not late:
            watch.answer(exchange)
        if again is None:
            if exchange.error is None or exchange.is_streaming:
                exchange.attempts = () if tried is None else tuple(tried.lines)
                if context.budget.spent:
                    context.budget.earn()
                return exchange
            tried = tried or AttemptLog(request, watch)
            again = tried.again(request, exchange, context, now, deadline)
            if again is None and raising:
                raise exchange.error
            if again is None:
                return exchange
        assert tried is not None
        request, delay, fresh = again, tried.delay, tried.fresh


class AttemptLog:
    """What has failed so far, of one call, and what to send instead.

    Args:
        first: the request of the call.
        watch: whom to tell of another request.

    Attributes:
        lines: one for each failure.
        sent: whether the server may have seen the request.
        delay: how long to wait before the next request, in seconds.
        fresh: whether that needs a new connection.
    """

    def __init__(self, first: Request, watch: HookDispatcher | None) -> None:
        self.lines: list[str] = []
        self.sent: bool = False
        self.delay: float = 0.0
        self.fresh: bool = False
        self._first = first
        self._watch = watch
        self._failures = 0
        self._redirects = 0
        self._renewed = False

    def moved(self, request: Request, exchange: Exchange[object]) -> Request | None:
        """The request that a redirect asks for; None if it has to be the error of its exchange."""
        self._redirects += 1
        self.delay = 0.0
        most = exchange.limits.redirects
        try:
            if self._redirects > most:
                raise RemoteProtocolError(f"the server redirects more than {most} times")
            return redirected(request, exchange.head)
        except BentoMLException as error:
            exchange.error = error
            return None

    def again(
        self, request: Request, exchange: Exchange[object], context: CallContext, now: float, deadline: float | None
    ) -> Request | None:
        """The request to send after one that failed; None if that was the last."""
        assert exchange.error is not None
        self._note(exchange, exchange.error)
        again = self._repeated(request, exchange, exchange.error, context, now, deadline)
        if again is not None and self._watch is not None:
            self._watch.retry(self.delay, self.lines[-1])
        return again

    def _repeated(
        self,
        request: Request,
        exchange: Exchange[object],
        error: BentoMLException,
        context: CallContext,
        now: float,
        deadline: float | None,
    ) -> Request | None:
        lost, self.delay = exchange.failure, 0.0
        if lost is not None and lost.kind is FailureKind.IDLE_CLOSED and not self.fresh and request.replayable:
            self.fresh = True
            return request
        if isinstance(error, Unauthorized) and not self._renewed and not self._redirects and request.replayable:
            self._renewed = True
            renewed = context.renew(request)
            if renewed is not None:
                return renewed
        self._failures += 1
        wait = context.retries.wait(exchange, self._failures, context.random)
        if wait is None or (deadline is not None and now + wait >= deadline) or not context.budget.spend():
            return None
        self.delay, self.fresh, self._redirects, self._renewed = wait, False, 0, False
        return self._first

    def _note(self, exchange: Exchange[object], error: BentoMLException) -> None:
        """Add a failure, and tell it to its error."""
        self.lines.append(error_line(error))
        self.sent = self.sent or exchange.head is not None or (exchange.failure is not None and exchange.failure.sent)
        error.attempts = tuple(self.lines)
        if isinstance(error, (ConnectError, ConnectionLost, CallTimeout)):
            error.sent = self.sent
