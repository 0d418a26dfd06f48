"""Many calls of one endpoint, made in threads."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
import weakref
from queue import SimpleQueue
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from bento_proto.batch import arguments_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
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

    def __init__(
        self,
        method_until: Callable[[Stop], Callable[..., object]],
        inputs: Iterable[Value],
        concurrency: int,
        state: BatchState,
    ) -> None:
        self._inputs: Iterator[object] = iter(inputs)
        self._state = state
        self._workers = _Workers(method_until, concurrency)
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
                if self._state.wants_input:
                    self._feed()
                outcome = self._state.take()
                if outcome is not None:
                    return outcome
                if self._state.is_over:
                    raise StopIteration
                if not self._state.wants_input:
                    self._collect(wait=True)
            raise StopIteration
        except BaseException:
            self.close()
            raise

    def _feed(self) -> None:
        self._state.tell()
        try:
            given = next(self._inputs)
        except StopIteration:
            self._state.end()
            self._state.tell()
        except Exception as exc:  # noqa: BLE001 - it is raised when it is its turn
            self._state.end(exc)
        else:
            self._workers.give(self._state.start(given), given)

    def _collect(self, *, wait: bool) -> None:
        """Take the ends of calls; if there are none, wait for one of them if that is wanted."""
        for number, result, error in self._workers.ends(wait=wait):
            if error is None:
                self._state.finish(number, result)
            elif isinstance(error, Exception):
                self._state.fail(number, error)
            else:  # such as SystemExit, raised by a hook: nothing to go on after
                raise error
            self._state.tell()

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


class Stopped(Exception):
    """The call was stopped."""


class Stop:
    """Stops calls that other threads make, once and for all: those that wait for a server are woken.

    A call that is connecting, or waits for a free connection, ends when that does. Nothing here waits for a lock that
    another method holds: a batch may be dropped, and so stopped, in any thread and amid anything.

    Attributes:
        is_set: whether the calls are stopped.
    """

    def __init__(self) -> None:
        self.is_set: bool = False
        self._sockets: set[socket.socket] = set()
        self._running = threading.Lock()
        self._running.acquire()

    def set(self) -> None:
        """Stop the calls."""
        self.is_set = True
        with contextlib.suppress(RuntimeError):  # it is released already
            self._running.release()
        for sock in tuple(self._sockets):
            with contextlib.suppress(OSError):  # the other side may have been faster
                # Not that of a TLS socket, which would change under the thread that reads from it.
                socket.socket.shutdown(getattr(sock, "socket", sock), socket.SHUT_RDWR)

    def sleep(self, seconds: float) -> None:
        """Wait.

        Raises:
            Stopped: the calls are stopped, before or meanwhile.
        """
        if self._running.acquire(timeout=seconds):
            self._running.release()
            raise Stopped

    def watch(self, sock: socket.socket) -> None:
        """Note that a call uses a socket from now on.

        Raises:
            Stopped: the calls are stopped.
        """
        self._sockets.add(sock)
        if self.is_set:
            raise Stopped

    def forget(self, sock: socket.socket) -> None:
        """Note that the call does not use it any more."""
        self._sockets.discard(sock)


class _Workers:
    """The threads of a batch, as many as there is work for. They do not know the batch, so that it can be dropped.

    Args:
        method_until: gives what is called, until it is stopped.
        most: how many threads there may be.
    """

    def __init__(self, method_until: Callable[[Stop], Callable[..., object]], most: int) -> None:
        self._stop = Stop()
        self._method = method_until(self._stop)
        self._most = most
        self._threads: list[threading.Thread] = []
        self._work: SimpleQueue[tuple[int, object] | None] = SimpleQueue()
        self._ends: SimpleQueue[tuple[int, object, BaseException | None] | None] = SimpleQueue()

    def give(self, number: int, given: object) -> None:
        """Have a call made."""
        self._work.put((number, given))
        if len(self._threads) < self._most:
            thread = threading.Thread(target=self._run, name=f"bento-batch-{len(self._threads)}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def ends(self, *, wait: bool) -> Iterator[tuple[int, object, BaseException | None]]:
        """The ends of calls that are there; if there are none and it is to wait, the next one."""
        while wait or not self._ends.empty():
            end = self._ends.get()
            if end is None:  # they are stopped
                return
            wait = False
            yield end

    def stop(self) -> None:
        """Stop the calls and the threads, and wake who waits for them."""
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
                args, kwargs = arguments_of(given)
                self._ends.put((number, self._method(*args, **kwargs), None))
            except Stopped:
                return
            except BaseException as exc:  # noqa: BLE001 - raised, or dealt with, by who takes the results
                self._ends.put((number, None, exc))
            del work, given
