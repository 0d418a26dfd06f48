"""Sending one request until a response is accepted: redirects, retries, renewed tokens and the deadline."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from bento_proto._frozen import Frozen
from bento_proto._text import error_line
from bento_proto.errors import (
    BentoMLException,
    CallTimeout,
    ConnectError,
    ConnectionLost,
    RemoteProtocolError,
    Unauthorized,
)
from bento_proto.exchange._exchange import Exchange, State
from bento_proto.http._messages import FailureKind

from ._authorization import Authorization
from ._congestion import is_overload
from ._flow import Flow, Step
from ._hook_dispatcher import HookDispatcher
from ._redirect import redirected
from ._retry import retry_after_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final

    from bento_proto.exchange._body import Reader
    from bento_proto.exchange._progress import OnProgress
    from bento_proto.http._cookies import Cookies
    from bento_proto.http._credentials import Credential
    from bento_proto.http._limits import Limits, Timeout
    from bento_proto.http._messages import Request
    from bento_proto.observe._hooks import Hooks

    from ._admission import Admission, AdmissionQueue
    from ._retry import RetryBudget, RetryPolicy

T = TypeVar("T")

_HINT: Final = (
    "; not sent again, since the server may have processed it: an endpoint that may be repeated is declared by "
    "RetryPolicy(idempotent=True), or by an Idempotency-Key header"
)

_NO_BUDGET: Final = "; not sent again, as the client has used up its budget of {:g} retries: RetryPolicy(budget=...)"


class CallContext(Frozen):
    """The settings of one call.

    Attributes:
        timeout: how long to wait for what.
        retries: what is sent again.
        limits: how much the server may send.
        cookies: where the cookies of responses are kept.
        budget: how many retries the client has left.
        random: returns a random number from 0 to 1.
        renew: makes the same request with another token, after a 401; or None if there is none.
        hooks: called for each request.
        on_progress: called with the progress of the bodies.
        credential: the credential, if it is to be asked for each request that is sent.
        queue: where the call waits for its turn, if its policy is `adaptive <RetryPolicy.adaptive>`.
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
    credential: Credential | None = None
    queue: AdmissionQueue | None = None

    def deadline(self, now: float) -> float | None:
        """When the total timeout of what begins now expires; None if there is none."""
        return None if self.timeout.total is None else now + self.timeout.total


def send_request(
    request: Request,
    reader: Reader[T],
    context: CallContext,
    now: float,
    deadline: float | None = None,
    *,
    delay: float = 0.0,
    raising: bool = True,
) -> Flow[Exchange[T]]:
    """Send a request, follow redirects, and send it again as the context allows, until a response is accepted.

    Args:
        request: what to send.
        reader: how to read the response.
        context: the settings of the call.
        now: the time.
        deadline: when the total timeout expires, if that is not reckoned from now.
        delay: how long to wait before the first attempt, in seconds.
        raising: whether to raise the error of the last exchange, or to leave it there.

    Returns:
        The last exchange, which knows how many seconds all of it took.

    Raises:
        BentoMLException: no response was accepted; its ``attempts`` have a line for each failed one.
    """
    queue, total = context.queue, context.timeout.total
    deadline = now + total if deadline is None and total is not None else deadline
    wanted = [hooks for hooks in context.hooks if hooks.enabled is None or hooks.enabled()]
    dispatcher = HookDispatcher(tuple(wanted)) if wanted else None
    log: AttemptLog | None = None
    admission = None if queue is None else queue.join(context.retries, context.timeout, now, deadline)
    began, fresh = now, False
    while True:
        delay = delay or (0.0 if admission is None else admission.delay(now))
        timeout = context.timeout if deadline is None else context.timeout.within(deadline - now - delay)
        exchange = Exchange(request, reader, context.limits)
        if timeout.total is not None and timeout.total <= 0:
            exchange.error = CallTimeout(f"no response within {context.timeout.total:g} seconds")
        else:
            if context.cookies.kept or dispatcher is not None:
                exchange.request = _outgoing(request, context, dispatcher, delay, now)
            if dispatcher is not None or context.on_progress is not None:
                exchange.measure(context.on_progress)
            credential = context.credential
            authorization = None if credential is None else _authorization(exchange, credential, log)
            step = Step(exchange, timeout, delay, fresh, authorization)
            if admission is None and dispatcher is None:
                now = yield step
            else:
                now = yield from _carry_out(step, now, admission, dispatcher)
        exchange.elapsed = now - began
        if exchange.head is not None and "set-cookie" in exchange.head.first:
            context.cookies.take(request.origin, request.target, exchange.head, now)
        if exchange.state is State.DONE and log is None and dispatcher is None:  # as nearly all calls end
            break
        log = log or AttemptLog(request, dispatcher, admission)
        again = log.after(request, exchange, context, now, deadline)
        if again is None:
            if raising and exchange.error is not None and not exchange.is_streaming:
                raise exchange.error
            break
        request, delay, fresh = again, log.delay, log.fresh
    if exchange.error is None or exchange.is_streaming:
        exchange.attempts = () if log is None else tuple(log.lines)
        if context.budget.spent:
            context.budget.earn()
    return exchange


def _carry_out(step: Step, now: float, admission: Admission | None, dispatcher: HookDispatcher | None) -> Flow[float]:
    """Yield a step that hooks or the limit have to know of; return the time after it."""
    if admission is not None:
        return admission.carry_out(step, now, dispatcher)
    assert dispatcher is not None
    return dispatcher.step(step, now)


def _outgoing(
    request: Request, context: CallContext, dispatcher: HookDispatcher | None, delay: float, now: float
) -> Request:
    """The request with the headers of hooks, and with cookies."""
    if dispatcher is not None:
        request = dispatcher.request(request, delay)
    return context.cookies.added(request, now) if context.cookies.kept else request


def _authorization(exchange: Exchange[object], credential: Credential, log: AttemptLog | None) -> Authorization | None:
    """What adds the credential when the request is sent; None after a redirect to another origin."""
    if log is None:
        return Authorization(exchange, credential)
    return None if log.left else Authorization(exchange, credential, log.refused)


class AttemptLog:
    """The failed attempts of one call, and what to send next.

    Args:
        first: the request of the call.
        dispatcher: calls the hooks, if there are any.
        admission: waits for the turn of each attempt, if they have to.

    Attributes:
        lines: one for each failure.
        sent: whether the server may have read the request.
        delay: how long to wait before the next request, in seconds.
        fresh: whether that needs a new connection.
        refused: whether the last attempt ended with a 401, after which the credential is renewed.
        left: whether a redirect led to another origin, so that no credential is added to what follows.
    """

    def __init__(self, first: Request, dispatcher: HookDispatcher | None, admission: Admission | None) -> None:
        self.lines: list[str] = []
        self.sent: bool = False
        self.delay: float = 0.0
        self.fresh: bool = False
        self.refused: bool = False
        self.left: bool = False
        self._first = first
        self._dispatcher = dispatcher
        self._admission = admission
        self._failures = 0
        self._redirects = 0
        self._renewed = False

    def after(
        self, request: Request, exchange: Exchange[object], context: CallContext, now: float, deadline: float | None
    ) -> Request | None:
        """The request to send after an attempt; None if that was the last."""
        self.refused = False
        again = self._redirected(request, exchange) if exchange.state is State.REDIRECTED else None
        if self._dispatcher is not None and exchange.state is not State.WAITING:  # it was sent
            self._dispatcher.response(exchange)
        if again is not None or exchange.error is None or exchange.is_streaming:
            return again
        self._note(exchange, exchange.error)
        again = self._repeated(request, exchange, exchange.error, context, now, deadline)
        if again is not None and self._dispatcher is not None:
            self._dispatcher.retry(self.delay, self.lines[-1])
        return again

    def _redirected(self, request: Request, exchange: Exchange[object]) -> Request | None:
        self._redirects += 1
        self.delay = 0.0
        most = exchange.limits.redirects
        try:
            if self._redirects > most:
                raise RemoteProtocolError(f"the server redirects more than {most} times")
            following = redirected(request, exchange.head)
        except BentoMLException as error:
            exchange.error = error
            return None
        self.left = self.left or following.origin != request.origin
        return following

    def _note(self, exchange: Exchange[object], error: BentoMLException) -> None:
        self.lines.append(error_line(error))
        self.sent = self.sent or exchange.head is not None or (exchange.failure is not None and exchange.failure.sent)
        error.attempts = tuple(self.lines)
        if isinstance(error, (ConnectError, ConnectionLost, CallTimeout)):
            error.sent = self.sent
        from bento_proto.exchange._failures import explain  # loaded with the first failure

        explain(error, exchange.request, exchange.head, exchange.elapsed)

    def _repeated(
        self,
        request: Request,
        exchange: Exchange[object],
        error: BentoMLException,
        context: CallContext,
        now: float,
        deadline: float | None,
    ) -> Request | None:
        self.delay = 0.0
        if self._is_idle_closed(exchange, context.retries):
            self.fresh = True
            return request
        if isinstance(error, Unauthorized) and not self._renewed and not self._redirects and request.replayable:
            self._renewed = True
            credential = context.credential
            renewed = context.renew(request) if credential is None else credential.renewed(request, exchange.request)
            if renewed is not None:
                self.refused = True
                return renewed
        error.retry_after = retry_after_of(exchange)
        error.retryable = context.retries.allows(exchange)
        if self._admission is not None and is_overload(error):
            sent = exchange.head is not None or exchange.failure is None or exchange.failure.sent
            wait = self._admission.again(error, sent, now)
        else:
            wait = self._pause(exchange, error, context, now, deadline)
        if wait is None or (deadline is not None and now + wait >= deadline):
            repeatable = context.retries.is_repeatable(exchange.request)
            if isinstance(error, ConnectionLost) and error.sent and request.replayable and not repeatable:
                error.message += _HINT
            return None
        self.delay, self.fresh, self.left, self._redirects, self._renewed = wait, False, False, 0, False
        return self._first

    def _pause(
        self,
        exchange: Exchange[object],
        error: BentoMLException,
        context: CallContext,
        now: float,
        deadline: float | None,
    ) -> float | None:
        """The seconds to wait before the next attempt; None if there is none."""
        self._failures += 1
        policy = context.retries
        wait = policy.pause(exchange, self._failures, context.random) if error.retryable else None
        if wait is None or (deadline is not None and now + wait >= deadline):
            return wait
        if context.budget.spend(policy.budget, now):
            if self._admission is not None:
                self._admission.due = now + wait
            return wait
        error.message += _NO_BUDGET.format(policy.budget)
        return None

    def _is_idle_closed(self, exchange: Exchange[object], retries: RetryPolicy) -> bool:
        """Whether the server closed an idle connection, so that the request may go out on a new one at once.

        If the server may have read the request nonetheless, that counts as an attempt; GET and HEAD have one for it.
        """
        failure, request = exchange.failure, exchange.request
        if failure is None or failure.kind is not FailureKind.IDLE_CLOSED or self.fresh or not request.replayable:
            return False
        if not failure.sent:
            return True
        if retries.is_safe(request) or (retries.is_declared(request) and self._failures + 1 < retries.attempts):
            self._failures += 1
            return True
        return False
