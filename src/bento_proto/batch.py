"""The state of a batch: which input may be taken, and which result may be returned. No threads, no tasks."""

from __future__ import annotations

import heapq
import math
from collections import deque
from collections.abc import Iterable, Mapping, Sized
from typing import Final, Generic, Literal, TypeAlias, TypeVar, cast

from ._types import Value, is_a
from .errors import BentoMLException, ConnectError, ConnectionLost, LocalProtocolError
from .exchange._progress import OnProgress, Progress
from .policy._congestion import ConcurrencySearch, CongestionControl, Slot, is_overload
from .policy._retry import NEVER, RefusalCount, RetryPolicy

T_co = TypeVar("T_co", covariant=True)

OnError: TypeAlias = Literal["raise", "return", "skip"]
"""What becomes of a failed call of a batch: its error ends the batch, is returned as its result, or is skipped."""

Concurrency: TypeAlias = int | Literal["auto"]
"""How many calls there are at a time; ``"auto"`` finds out how many the Service has use for."""

_AHEAD: Final = 2  # inputs taken for each concurrent call, so that a finished one need not wait for the caller


class Outcome(Generic[T_co]):
    """The result of one input of a batch.

    Attributes:
        number: the index of the input, from 0.
        input: the input.
        result: the result; or the exception, with ``on_error="return"``.
    """

    __slots__ = ("input", "number", "result")

    def __init__(self, number: int, given: Value, result: T_co) -> None:
        self.number: int = number
        self.input: Value = given
        self.result: T_co = result

    def __repr__(self) -> str:
        return f"Outcome(number={self.number}, input={self.input!r}, result={self.result!r})"

    @property
    def error(self) -> Exception | None:
        """The exception of the call, if it failed."""
        return self.result if isinstance(self.result, Exception) else None


class BaseBatch:
    """How a batch looks, at a prompt and in a notebook. A subclass says its state, and what to do with it."""

    def _shown(self) -> tuple[BatchState, str]:
        raise NotImplementedError

    def __repr__(self) -> str:
        state, use = self._shown()
        return state.text(self, use)

    def _repr_html_(self) -> str:
        """What a notebook shows: how far the batch is."""
        from .html import card  # few look at it

        state, use = self._shown()
        progress = state.progress
        bar = "" if progress.total is None else f'<progress value="{progress.done}" max="{progress.total}"></progress>'
        return card(type(self).__name__, state.text(self, use).partition(": ")[2].rstrip(">"), body=bar)


class BatchState:
    """The inputs of a batch whose results are not returned yet.

    Take an input while `wants_input` and call `start`; at the end of the inputs, call `end`. Make each call that is
    `due`; when it is over, call `finish`, `fail` or `drop`, and ask for what is due again. `take` returns the results.
    A call that the Service refused is due again, when its `CongestionControl` allows. An instance is not thread-safe.

    Args:
        inputs: the inputs; only their length is used, if they have one.
        concurrency: the most concurrent calls; ``"auto"`` to find out how many, up to `connections`.
        ordered: whether the results come in the order of the inputs, or as the calls finish.
        on_error: what becomes of a call that fails.
        on_progress: called by `tell` with the number of calls that are over.
        ahead: how many inputs are taken ahead of the results; by default twice the concurrency.
        max_errors: how many calls may fail before the next one that does ends the batch; None for any number.
        first: the number of the first input that is called; those before it are taken and dropped.
        connections: how many connections the client may have.
        retries: says which failed calls are sent again, and how often.
        control: the limit that the batches of a client share.

    Raises:
        ValueError: an argument is not valid.
    """

    def __init__(
        self,
        inputs: object,
        concurrency: Concurrency = 8,
        ordered: bool = True,
        on_error: OnError = "raise",
        on_progress: OnProgress | None = None,
        *,
        ahead: int | None = None,
        max_errors: int | None = None,
        first: int = 0,
        connections: int = 100,
        retries: RetryPolicy = NEVER,
        control: CongestionControl | None = None,
    ) -> None:
        if concurrency != "auto" and not concurrency >= 1:
            raise ValueError(f"concurrency must be at least 1, or 'auto', not {concurrency!r}")
        if on_error not in ("raise", "return", "skip"):
            raise ValueError(f"on_error can be 'raise', 'return' or 'skip', not {on_error!r}")
        for name, value, least in (("ahead", ahead, 1), ("max_errors", max_errors, 0), ("start", first, 0)):
            if value is not None and value < least:
                raise ValueError(f"{name} must be at least {least}, not {value!r}")
        self._search = ConcurrencySearch(connections) if concurrency == "auto" else None
        self._most = connections if concurrency == "auto" else min(concurrency, connections)
        self._ahead = ahead
        self._ordered = ordered
        self._on_error = on_error
        self._max_errors = 0 if on_error == "raise" else math.inf if max_errors is None else max_errors
        self._on_progress = on_progress
        self._total = len(inputs) if isinstance(inputs, Sized) else None
        self._retries = retries
        self._control = control if retries.attempts > 1 else None
        self._told: Progress | None = None
        self._started = self._done = self._errors = 0
        self._first = self._next = first
        self._ended = False
        self._has_all = False
        self._inputs: dict[int, object] = {}  # of calls that are not over
        self._waiting: list[tuple[int, int]] = []  # a heap: how often each was sent in vain, and its number
        self._running: dict[int, Slot | None] = {}
        self._refusals: dict[int, RefusalCount] = {}  # of calls that are not over
        self._ready: dict[int, Outcome[Value]] = {}
        self._arrived: deque[int] = deque()  # the numbers of ready results, in the order of their arrival
        self._failed: set[int] = set()
        self._fatal = math.inf  # the number of the call whose error ends the batch
        self._broken: BaseException | None = None

    @property
    def concurrency(self) -> int:
        """The most concurrent calls at present."""
        return self._most if self._search is None else self._search.value

    @property
    def running(self) -> int:
        """The number of calls under way."""
        return len(self._running)

    @property
    def wants_input(self) -> bool:
        """Whether another input may be taken."""
        ahead = _AHEAD * self.concurrency if self._ahead is None else self._ahead
        return not self._ended and len(self._inputs) + len(self._ready) < ahead

    @property
    def has_ended(self) -> bool:
        """Whether no more inputs are taken."""
        return self._ended

    @property
    def is_idle(self) -> bool:
        """Whether no more calls are made, and none is under way."""
        return self._ended and not self._waiting and not self._running

    @property
    def is_over(self) -> bool:
        """Whether all results have been returned."""
        return self._ended and not self._inputs and not self._ready and self._broken is None

    @property
    def progress(self) -> Progress:
        """The number of calls that are over."""
        return Progress(self._done, self._total, "batch")

    def text(self, batch: object, use: str) -> str:
        """The ``repr`` of a batch: how far it is, and what to do with it."""
        of = "" if self._total is None else f" of {self._total}"
        return f"<{type(batch).__name__}: {self._done}{of} calls done; {'over' if self.is_over else use}>"

    def tell(self) -> None:
        """Report the progress, if it has changed."""
        if self._on_progress is not None and self.progress != self._told:
            self._told = self.progress
            self._on_progress(self._told)

    def start(self, given: object) -> int:
        """An input was taken. Returns its number. If an error has ended the batch meanwhile, no call is made for it.

        Raises:
            LocalProtocolError: `end` was called; nothing changed.
        """
        if self._has_all:
            raise LocalProtocolError("the batch takes no more inputs")
        number = self._started
        self._started += 1
        if number < self._first or self._ended:
            self._done += 1
        else:
            self._inputs[number] = given
            heapq.heappush(self._waiting, (0, number))
        return number

    def due(self, now: float) -> tuple[int, object] | None:
        """The number and the input of a call that is to be made now; None if there is none."""
        if self.wait(now) > 0:
            return None
        _, number = heapq.heappop(self._waiting)
        self._running[number] = None if self._control is None else self._control.begin(self)
        return number, self._inputs[number]

    def wait(self, now: float) -> float:
        """How many seconds may pass before a call becomes due; `math.inf` if another must end, or an input come."""
        if not self._waiting or len(self._running) >= self.concurrency:
            return math.inf
        return 0.0 if self._control is None else self._control.wait(self, now)

    def finish(self, number: int, result: object, now: float = 0.0) -> None:
        """A call returned.

        Raises:
            LocalProtocolError: it is not under way; nothing changed.
        """
        running, slot = len(self._running), self._ended_call(number)
        if self._search is not None:
            self._search.end(running, now)
        if slot is not None and self._control is not None:
            self._control.accept(slot)
        self._end_call(number, result)

    def fail(self, number: int, error: Exception, now: float = 0.0) -> None:
        """A call failed: it is over, or due again.

        Raises:
            LocalProtocolError: it is not under way, or the error is no exception; nothing changed.
        """
        if not is_a(error, Exception):
            raise LocalProtocolError(f"a call fails with an exception, and not with {error!r}")
        slot = self._ended_call(number)
        if slot is not None and self._control is not None:
            if is_overload(error):
                assert isinstance(error, BentoMLException)
                self._control.refuse(slot, now, self._retries.waited_for(error.retry_after))
                if self._is_repeated(number, error, self._control, now):
                    return
            elif isinstance(error, BentoMLException) and error.error_code is not None:
                self._control.accept(slot)
            else:
                self._control.drop(slot)
        self._end_call(number, error)
        self._failed.add(number)
        self._errors += 1
        if self._errors > self._max_errors:
            self._ended = True
            self._fatal = min(self._fatal, number) if self._on_error == "raise" else number
            self._max_errors = math.inf if self._on_error != "raise" else 0
            self._waiting = [(tries, each) for tries, each in self._waiting if self._ordered and each < self._fatal]
            heapq.heapify(self._waiting)

    def drop(self, number: int) -> None:
        """A call was stopped, and its input is lost."""
        slot = self._running.pop(number, None)
        if slot is not None and self._control is not None:
            self._control.drop(slot)

    def _ended_call(self, number: int) -> Slot | None:
        if number not in self._running:
            raise LocalProtocolError(f"call {number!r} is not under way")
        return self._running.pop(number)

    def _is_repeated(self, number: int, error: BentoMLException, control: CongestionControl, now: float) -> bool:
        """Make the call due again, if its error allows that and the batch goes on."""
        refusals = self._refusals.setdefault(number, RefusalCount(control.accepted))
        sent = error.sent if isinstance(error, (ConnectError, ConnectionLost)) else True
        if number > self._fatal or not refusals.allows_repeating(error, sent, self._retries, control, now):
            return False
        heapq.heappush(self._waiting, (refusals.attempts, number))
        return True

    def _end_call(self, number: int, result: object) -> None:
        self._done += 1
        self._refusals.pop(number, None)
        self._ready[number] = Outcome(number, self._inputs.pop(number), result)
        if not self._ordered:
            self._arrived.append(number)

    def end(self, error: BaseException | None = None) -> None:
        """There are no more inputs; or taking the next one raised `error`, which `take` raises in its turn.

        Raises:
            LocalProtocolError: it was called before; nothing changed.
        """
        if self._has_all:
            raise LocalProtocolError("the batch takes no more inputs")
        self._ended = self._has_all = True
        self._broken = error
        self._total = self._started if error is None else self._total

    def take(self) -> Outcome[Value] | None:
        """The next result; None if none is ready.

        Raises:
            Exception: that of the call or the input whose turn it is. The batch is over then: cancel the other calls.
        """
        while True:
            outcome = self._pop()
            if outcome is None:
                if self._broken is not None and not self._inputs and not self._ready:
                    error, self._broken = self._broken, None
                    raise error
                return None
            if outcome.number not in self._failed:
                return outcome
            self._failed.discard(outcome.number)
            if self._on_error == "raise":
                raise cast("Exception", outcome.result)
            if outcome.number == self._fatal:
                error = cast("Exception", outcome.result)
                notes: list[str] = getattr(error, "__notes__", [])
                vars(error)["__notes__"] = [*notes, f"it ends the batch, as {self._errors} calls failed"]
                raise error
            if self._on_error == "return":
                return outcome

    def _pop(self) -> Outcome[Value] | None:
        if self._ordered:
            outcome = self._ready.pop(self._next, None)
            self._next += outcome is not None
            return outcome
        return self._ready.pop(self._arrived.popleft()) if self._arrived else None


def arguments_of(given: Value) -> tuple[tuple[Value, ...], dict[str, Value]]:
    """The arguments of the call for an input of a batch.

    A mapping becomes keyword arguments, a tuple positional ones, anything else the only argument.
    """
    if isinstance(given, Mapping):
        return (), dict(cast("Mapping[str, Value]", given))
    if isinstance(given, tuple):
        return tuple(cast("Iterable[Value]", given)), {}
    return (given,), {}


__all__ = ("BaseBatch", "BatchState", "Concurrency", "OnError", "Outcome", "arguments_of")
