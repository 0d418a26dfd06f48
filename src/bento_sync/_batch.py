"""Many calls of one endpoint, made in threads."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Iterator
from queue import SimpleQueue
from types import TracebackType
from typing import Final, Generic, TypeAlias, TypeVar

from bento_proto import LocalProtocolError, Value
from bento_proto.batch import BaseBatch, BatchState, Outcome, arguments_of

T_co = TypeVar("T_co", covariant=True)

_PATIENCE: Final = 1.0  # seconds for threads to notice that they are stopped; one that is connecting may not

Call: TypeAlias = Callable[..., object]


class Batch(BaseBatch, Generic[T_co]):
    """The results of many calls, as they are asked for: an iterator, and a context manager that ends it.

    Inputs are taken in the thread that iterates, at most twice as many ahead of it as there are calls at a time; the
    calls are made in threads. Several threads may iterate: each result goes to one of them. Leaving early, by ``with``
    or `close`, stops the calls that are under way: their connections close, and no thread stays. A batch that is
    dropped is stopped by Python: at once, unless something else refers to it.
    """

    def __init__(self, call_until: Callable[[Stop], Call], inputs: Iterable[Value], state: BatchState) -> None:
        self._inputs: Iterator[object] = iter(inputs)
        self._stop = Stop()
        self._crew = _Crew(call_until(self._stop), self._stop, state)
        self._taking = threading.Lock()  # held by the thread that takes an input
        self._closed = False
        # What stops it does not know it, nor do its threads, so that it can be dropped.
        self._end = weakref.finalize(self, self._crew.end)

    def _shown(self) -> tuple[BatchState, str]:
        return self._crew.state, "iterate over it"

    def __iter__(self) -> Batch[T_co]:
        return self

    def __next__(self) -> T_co:
        """The next result.

        Raises:
            StopIteration: there are no more.
            BentoMLException, TypeError, ValueError, OSError: a call failed, with ``on_error="raise"``; what was under
                way is stopped.
            LocalProtocolError: this is a forked child, and the batch its parent's.
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
        if self._stop.is_of_another_process:
            raise LocalProtocolError("the batch belongs to the parent of this process: make one here")
        crew, state = self._crew, self._crew.state
        try:
            while not self._closed:
                if state.wants_input and self._taking.acquire(blocking=False):
                    try:
                        self._take_input()
                    finally:
                        self._taking.release()
                state.tell()
                with crew.changed:
                    crew.dispatch()
                    outcome = crew.take()
                    if outcome is not None:
                        return outcome
                    if state.is_over:
                        break
                    if not state.wants_input or self._taking.locked():
                        crew.changed.wait(min(state.wait(time.monotonic()), threading.TIMEOUT_MAX))
            raise StopIteration
        except BaseException:
            self.close()
            raise

    def _take_input(self) -> None:
        state = self._crew.state
        try:
            given = next(self._inputs)
        except StopIteration:
            state.end()
        except Exception as exc:  # noqa: BLE001 - it is raised when it is its turn
            state.end(exc)
        else:
            with self._crew.changed:
                state.start(given)

    def __enter__(self) -> Batch[T_co]:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Stop the calls that are under way. Idempotent."""
        self._closed = True
        self._end.detach()
        if self._stop.is_of_another_process:
            return
        self._crew.end()
        ends = time.monotonic() + _PATIENCE
        with self._crew.changed:
            self._crew.changed.notify_all()
        for thread in list(self._crew.threads):
            thread.join(max(0.0, ends - time.monotonic()))


class _Crew:
    """The threads of a batch. They do not refer to it.

    Args:
        call: makes a call.
        stop: stops the calls.
        state: says which call is due.

    Attributes:
        state: guarded by `changed`.
        changed: notified when a call is over.
        threads: those that were started.
    """

    def __init__(self, call: Call, stop: Stop, state: BatchState) -> None:
        self.state: BatchState = state
        self.changed: threading.Condition = threading.Condition(threading.RLock())
        self.threads: list[threading.Thread] = []
        self._call = call
        self._stop = stop
        self._jobs: SimpleQueue[tuple[int, object] | None] = SimpleQueue()
        self._error: BaseException | None = None

    def dispatch(self) -> None:
        """Have the calls made that are due."""
        while (job := self.state.due(time.monotonic())) is not None:
            self._jobs.put(job)
            if len(self.threads) < self.state.running:
                thread = threading.Thread(target=self._run, name=f"bento-batch-{len(self.threads)}", daemon=True)
                thread.start()
                self.threads.append(thread)

    def take(self) -> Outcome[Value] | None:
        """The next result, if it is there."""
        if self._error is not None:
            raise self._error
        return self.state.take()

    def end(self) -> None:
        """Stop the calls and the threads."""
        if not self._stop.is_of_another_process:
            self._stop.set()
            for _ in range(len(self.threads) + 1):  # one may be about to be noted
                self._jobs.put(None)

    def _run(self) -> None:
        """Make calls, until there is no more work."""
        while not self._stop.is_set and (job := self._jobs.get()) is not None:
            while job is not None:
                job = self._make(*job)

    def _make(self, number: int, given: object) -> tuple[int, object] | None:
        """Make a call; return the next one that is due."""
        result, error = None, None
        try:
            args, kwargs = arguments_of(given)
            result = self._call(*args, **kwargs)
        except BaseException as exc:  # noqa: BLE001 - raised, or dealt with, by who takes the results
            error = exc
        with self.changed:
            if error is None:
                self.state.finish(number, result, time.monotonic())
            elif isinstance(error, Exception):
                self.state.fail(number, error, time.monotonic())
            else:  # it was stopped; or, such as SystemExit, is raised where the results are asked for
                self.state.drop(number)
                self._error = error
            self.changed.notify_all()
            return None if self._stop.is_set else self.state.due(time.monotonic())


class Stopped(BaseException):
    """The call was stopped: no failure, so that nothing takes it for one."""


class Stop:
    """Stops calls that other threads make, once and for all: those that wait for a server are woken.

    A call that is connecting, or waits for a free connection, ends when that does.
    """

    def __init__(self) -> None:
        self.is_set: bool = False
        self._process = os.getpid()
        self._lock = threading.RLock()  # a batch may be dropped amid anything, such as `watch` in the same thread
        self._sockets: set[socket.socket] = set()
        self._running = threading.Lock()  # held until the calls are stopped
        self._running.acquire()

    @property
    def is_of_another_process(self) -> bool:
        """Whether this is a forked child: the calls are its parent's, and so are their sockets."""
        return self._process != os.getpid()

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
