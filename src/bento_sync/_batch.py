"""Many calls of one endpoint, made in threads."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Iterator
from queue import SimpleQueue
from types import TracebackType
from typing import Final, Generic, TypeAlias, TypeVar

from bento_proto import Value
from bento_proto.batch import BatchState, Outcome, arguments_of

T_co = TypeVar("T_co", covariant=True)

_PATIENCE: Final = 1.0  # seconds for threads to notice that they are stopped; one that is connecting may not

Call: TypeAlias = Callable[..., object]
Work: TypeAlias = "SimpleQueue[tuple[int, object] | None]"
Ends: TypeAlias = "SimpleQueue[tuple[int, object, BaseException | None] | None]"


class Batch(Generic[T_co]):
    """The results of many calls, as they are asked for: an iterator, and a context manager that ends it.

    Inputs are taken in the thread that iterates, at most twice as many ahead of it as there are calls at a time; the
    calls are made in threads. Leaving early, by ``with`` or `close`, stops the calls that are under way: their
    connections close, and no thread stays. A batch that is dropped is stopped by Python: at once, unless something else
    refers to it.
    """

    def __init__(
        self, call_until: Callable[[Stop], Call], inputs: Iterable[Value], concurrency: int, state: BatchState
    ) -> None:
        self._inputs: Iterator[object] = iter(inputs)
        self._state = state
        self._concurrency = concurrency
        self._stop = Stop()
        self._call = call_until(self._stop)
        self._threads: list[threading.Thread] = []
        self._work: Work = SimpleQueue()
        self._ends: Ends = SimpleQueue()
        self._closed = False
        # What stops it does not know it, nor do its threads, so that it can be dropped.
        self._end = weakref.finalize(self, _end, self._stop, self._work, self._ends, concurrency)

    def __iter__(self) -> Batch[T_co]:
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
        state = self._state
        try:
            while not self._closed:
                self._collect(wait=False)
                if state.wants_input:
                    self._feed()
                outcome = state.take()
                if outcome is not None:
                    return outcome
                if state.is_over:
                    break
                if not state.wants_input:
                    self._collect(wait=True)
            raise StopIteration
        except BaseException:
            self.close()
            raise

    def _feed(self) -> None:
        """Take an input and have it called."""
        self._state.tell()
        try:
            given = next(self._inputs)
        except StopIteration:
            self._state.end()
            self._state.tell()
        except Exception as exc:  # noqa: BLE001 - it is raised when it is its turn
            self._state.end(exc)
        else:
            self._work.put((self._state.start(given), given))
            if len(self._threads) < self._concurrency:
                name = f"bento-batch-{len(self._threads)}"
                arguments = (self._call, self._stop, self._work, self._ends)
                thread = threading.Thread(target=_run, name=name, args=arguments, daemon=True)
                thread.start()
                self._threads.append(thread)

    def _collect(self, *, wait: bool) -> None:
        """Take the ends of calls that are there; if there are none and it is to wait, the next one."""
        while wait or not self._ends.empty():
            end = self._ends.get()
            if end is None:  # the batch was closed
                return
            number, result, error = end
            if error is None:
                self._state.finish(number, result)
            elif isinstance(error, Exception):
                self._state.fail(number, error)
            else:  # such as SystemExit, raised by a hook
                raise error
            self._state.tell()
            wait = False

    def __enter__(self) -> Batch[T_co]:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Stop the calls that are under way. Idempotent."""
        self._closed = True
        self._end.detach()
        _end(self._stop, self._work, self._ends, self._concurrency)
        ends = time.monotonic() + _PATIENCE
        for thread in list(self._threads):
            thread.join(max(0.0, ends - time.monotonic()))


def _end(stop: Stop, work: Work, ends: Ends, threads: int) -> None:
    """Stop the calls and the threads, and wake who waits for them."""
    stop.set()
    ends.put(None)
    for _ in range(threads):
        work.put(None)


def _run(call: Call, stop: Stop, work: Work, ends: Ends) -> None:
    """Make calls, until there is no more work."""
    while not stop.is_set and (given := work.get()) is not None:
        try:
            args, kwargs = arguments_of(given[1])
            ends.put((given[0], call(*args, **kwargs), None))
        except Stopped:
            return
        except BaseException as exc:  # noqa: BLE001 - raised, or dealt with, by who takes the results
            ends.put((given[0], None, exc))
        del given


class Stopped(Exception):
    """The call was stopped."""


class Stop:
    """Stops calls that other threads make, once and for all: those that wait for a server are woken.

    A call that is connecting, or waits for a free connection, ends when that does.
    """

    def __init__(self) -> None:
        self.is_set: bool = False
        self._lock = threading.RLock()  # a batch may be dropped amid anything, such as `watch` in the same thread
        self._sockets: set[socket.socket] = set()
        self._running = threading.Lock()  # held until the calls are stopped
        self._running.acquire()

    def set(self) -> None:
        """Stop the calls."""
        with self._lock:
            if not self.is_set:
                self.is_set = True
                self._running.release()
            for sock in tuple(self._sockets):
                with contextlib.suppress(OSError):  # the other side may have been faster
                    # Not that of a TLS socket, which would change under the thread that reads from it.
                    socket.socket.shutdown(getattr(sock, "socket", sock), socket.SHUT_RDWR)

    def sleep(self, seconds: float) -> None:
        """Wait; raise `Stopped` if the calls are stopped before or meanwhile."""
        if self._running.acquire(timeout=seconds):
            self._running.release()
            raise Stopped

    def watch(self, sock: socket.socket) -> None:
        """Note that a call uses a socket from now on; raise `Stopped` if the calls are stopped."""
        with self._lock:
            self._sockets.add(sock)
            if self.is_set:
                raise Stopped

    def forget(self, sock: socket.socket) -> None:
        """Note that the call does not use it any more: another call may."""
        with self._lock:
            self._sockets.discard(sock)
