"""What becomes of a request that was not answered: redirects, another connection, another token, another attempt."""

from __future__ import annotations

from ._errors import BentoMLException, CallTimeout, ConnectError, ConnectionLost, RemoteProtocolError, Unauthorized
from ._messages import Loss
from ._redirect import redirected
from ._text import error_line
from ._typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._exchange import Exchange
    from ._messages import Request
    from ._operations import Terms
    from ._watch import Watch


class Tried:
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

    def __init__(self, first: Request, watch: Watch | None) -> None:
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
        self, request: Request, exchange: Exchange[object], terms: Terms, now: float, deadline: float | None
    ) -> Request | None:
        """The request to send after one that failed; None if that was the last."""
        assert exchange.error is not None
        self._note(exchange, exchange.error)
        again = self._repeated(request, exchange, exchange.error, terms, now, deadline)
        if again is not None and self._watch is not None:
            self._watch.retry(self.delay, self.lines[-1])
        return again

    def _repeated(
        self,
        request: Request,
        exchange: Exchange[object],
        error: BentoMLException,
        terms: Terms,
        now: float,
        deadline: float | None,
    ) -> Request | None:
        lost, self.delay = exchange.lost, 0.0
        if lost is not None and lost.loss is Loss.STALE and not self.fresh and request.replayable:
            self.fresh = True
            return request
        if isinstance(error, Unauthorized) and not self._renewed and not self._redirects and request.replayable:
            self._renewed = True
            renewed = terms.renew(request)
            if renewed is not None:
                return renewed
        self._failures += 1
        wait = terms.retries.wait(exchange, self._failures, terms.chance)
        if wait is None or (deadline is not None and now + wait >= deadline) or not terms.budget.spend():
            return None
        self.delay, self.fresh, self._redirects, self._renewed = wait, False, 0, False
        return self._first

    def _note(self, exchange: Exchange[object], error: BentoMLException) -> None:
        """Add a failure, and tell it to its error."""
        self.lines.append(error_line(error))
        self.sent = self.sent or exchange.head is not None or (exchange.lost is not None and exchange.lost.sent)
        error.attempts = tuple(self.lines)
        if isinstance(error, (ConnectError, ConnectionLost, CallTimeout)):
            error.sent = self.sent
