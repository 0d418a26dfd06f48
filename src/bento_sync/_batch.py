"""Many calls of one endpoint."""

from __future__ import annotations

import queue
import threading
import time
import weakref
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from bento_proto.batch import arguments_of

from ._stop import Stop, Stopped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from types import TracebackType

    from typing_extensions import Self

    from bento_proto import Value
    from bento_proto.batch import BatchState, Outcome

T_co = TypeVar("T_co", covariant=True)

_PATIENCE: Final = 1.0  # seconds for threads to notice that they are stopped; one that is connecting may not


class Batch(Generic[T_co]):
    """The results of many calls, as they are asked for: an iterator, and a context manager that ends it.

    Inputs are taken in the thread that iterates, at most twice as many ahead of it as there are calls at a time; the
    calls are made in threads. Leaving early, by ``with`` or `close`, stops the calls that are under way: their
    connections close, and no thread stays. One that is dropped stops when Python notices, which is at once unless
    something else refers to it.
    """

    def __init__(self, call: Call, inputs: Iterable[Value], concurrency: int, window: BatchState) -> None:
        self._inputs: Iterator[object] = iter(inputs)
        self._window = window
        self._workers = _Workers(call, concurrency)
        self._closed = False
        self._stopped_when_dropped = weakref.finalize(self, self._workers.stop)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> T_co:
        """The next result.

        Raises:
            StopIteration: there are no more.
            BentoMLException, TypeError, ValueError, OSError: a call failed, with ``on_error="raise"``; what was under
                way is stopped.
            Exception: the next input could not be had.
        """
        return self._outcome().result

    def outcomes(self) -> Iterator[Outcome[T_co]]:
        """The same results, each with its input and that one's number: an iterator in place of this one."""
        while True:
            try:
                outcome = self._outcome()
            except StopIteration:
                return
            yield outcome

    def _outcome(self) -> Outcome[T_co]:
        try:
            while not self._closed:
                self._collect(wait=False)
                if self._window.wants_input:
                    self._feed()
                outcome = self._window.take()
                if outcome is not None:
                    return outcome
                if self._window.is_over:
                    raise StopIteration
                if not self._window.wants_input:
                    self._collect(wait=True)
            raise StopIteration
        except BaseException:
            self.close()
            raise

    def _feed(self) -> None:
        self._window.tell()
        try:
            given = next(self._inputs)
        except StopIteration:
            self._window.end()
            self._window.tell()
        except Exception as exc:  # noqa: BLE001 - it is raised when it is its turn
            self._window.end(exc)
        else:
            self._workers.give(self._window.start(given), given)

    def _collect(self, *, wait: bool) -> None:
        """Take the ends of calls; if there are none, wait for one of them if that is wanted."""
        for number, result, error in self._workers.ends(wait=wait):
            if error is None:
                self._window.finish(number, result)
            else:
                self._window.fail(number, error)
            self._window.tell()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Want no more of it. Harmless when it is over."""
        self._closed = True
        self._stopped_when_dropped.detach()
        self._workers.stop()
        self._workers.join()


if TYPE_CHECKING:
    Call = Callable[[Sequence[object], Mapping[str, object], Stop], object]
    End = tuple[int, object, Exception | None]


class _Workers:
    """The threads of a batch, as many as there is work for. They do not know the batch, so that it can be dropped.

    Args:
        call: makes a call.
        most: how many threads there may be.
    """

    def __init__(self, call: Call, most: int) -> None:
        self._call = call
        self._most = most
        self._stop = Stop()
        self._threads: list[threading.Thread] = []
        self._work: queue.SimpleQueue[tuple[int, object] | None] = queue.SimpleQueue()
        self._ends: queue.SimpleQueue[End | None] = queue.SimpleQueue()

    def give(self, number: int, given: object) -> None:
        """Have a call made."""
        self._work.put((number, given))
        if len(self._threads) < self._most:
            thread = threading.Thread(target=self._run, name=f"bento-batch-{len(self._threads)}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def ends(self, *, wait: bool) -> Iterator[End]:
        """The ends of calls that are there."""
        while wait or not self._ends.empty():
            end = self._ends.get()
            if end is None:  # they are stopped
                return
            wait = False
            yield end

    def stop(self) -> None:
        """Stop the calls, and the threads, and wake who waits for them."""
        self._stop.set()
        self._ends.put(None)
        for _ in range(self._most):
            self._work.put(None)

    def join(self) -> None:
        """Wait until the threads are gone."""
        ends = time.monotonic() + _PATIENCE
        for thread in list(self._threads):
            thread.join(max(0.0, ends - time.monotonic()))

    def _run(self) -> None:
        while not self._stop.is_set:
            work = self._work.get()
            if work is None:
                return
            number, given = work
            try:
                self._ends.put((number, self._call(*arguments_of(given), self._stop), None))
            except Stopped:
                return
            except Exception as exc:  # noqa: BLE001 - the batch says what becomes of it
                self._ends.put((number, None, exc))
            del work, given
