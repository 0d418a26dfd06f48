"""The state of a batch: which input may be taken, and which result may be returned. No threads, no tasks."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sized
from typing import Generic, Literal, TypeAlias, TypeVar, cast

from ._types import Value
from .exchange._progress import OnProgress, Progress

T_co = TypeVar("T_co", covariant=True)

OnError: TypeAlias = Literal["raise", "return", "skip"]
"""What becomes of a failed call of a batch: its error ends the batch, is returned as its result, or is skipped."""

_AHEAD = 2  # inputs taken for each concurrent call, so that a finished one need not wait for the caller


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


class BatchState:
    """The inputs of a batch whose results are not returned yet.

    Take an input while `wants_input` and call `start`; when its call is over, call `finish` or `fail`; at the end of
    the inputs, call `end`. `take` returns the results. An instance is not thread-safe.

    Args:
        inputs: the inputs; only their length is used, if they have one.
        concurrency: the number of concurrent calls; at most twice as many inputs are taken ahead of the caller.
        ordered: whether the results come in the order of the inputs, or as the calls finish.
        on_error: what becomes of a call that fails.
        on_progress: called by `tell` with the number of calls that are over.

    Raises:
        ValueError: `concurrency` or `on_error` is not valid.
    """

    def __init__(
        self, inputs: object, concurrency: int, ordered: bool, on_error: OnError, on_progress: OnProgress | None
    ) -> None:
        if concurrency < 1:
            raise ValueError(f"concurrency must be at least 1, not {concurrency!r}")
        if on_error not in ("raise", "return", "skip"):
            raise ValueError(f"on_error can be 'raise', 'return' or 'skip', not {on_error!r}")
        self._size = _AHEAD * concurrency
        self._ordered = ordered
        self._on_error = on_error
        self._on_progress = on_progress
        self._total = len(inputs) if isinstance(inputs, Sized) else None
        self._told: Progress | None = None
        self._started = self._done = self._next = 0
        self._ended = False
        self._inputs: dict[int, object] = {}  # of calls that are not over
        self._ready: dict[int, Outcome[Value]] = {}
        self._arrived: deque[int] = deque()  # the numbers of ready results, in the order of their arrival
        self._failed: set[int] = set()
        self._broken: BaseException | None = None

    @property
    def wants_input(self) -> bool:
        """Whether another input may be taken."""
        return not self._ended and len(self._inputs) + len(self._ready) < self._size

    @property
    def has_ended(self) -> bool:
        """Whether no more inputs are taken."""
        return self._ended

    @property
    def is_over(self) -> bool:
        """Whether all results have been returned."""
        return self._ended and not self._inputs and not self._ready and self._broken is None

    @property
    def progress(self) -> Progress:
        """The number of calls that are over."""
        return Progress(self._done, self._total, "batch")

    def tell(self) -> None:
        """Report the progress, if it has changed."""
        if self._on_progress is not None and self.progress != self._told:
            self._told = self.progress
            self._on_progress(self._told)

    def start(self, given: object) -> int:
        """An input was taken. Returns its number."""
        number = self._started
        self._started += 1
        self._inputs[number] = given
        return number

    def finish(self, number: int, result: object) -> None:
        """A call returned."""
        self._done += 1
        self._ready[number] = Outcome(number, self._inputs.pop(number), result)
        if not self._ordered:
            self._arrived.append(number)

    def fail(self, number: int, error: Exception) -> None:
        """A call failed."""
        self.finish(number, error)
        self._failed.add(number)
        if self._on_error == "raise":
            self._ended = True

    def end(self, error: BaseException | None = None) -> None:
        """There are no more inputs; or taking the next one raised `error`, which `take` raises in its turn."""
        self._ended = True
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
            if outcome.number not in self._failed or self._on_error == "return":
                self._failed.discard(outcome.number)
                return outcome
            self._failed.discard(outcome.number)
            if self._on_error == "raise":
                raise cast("Exception", outcome.result)

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


__all__ = ("BatchState", "OnError", "Outcome", "arguments_of")
