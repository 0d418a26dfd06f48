"""Many calls of one endpoint."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from typing import TYPE_CHECKING, Final, Generic, TypeVar

import anyio
from anyio import CancelScope, Event

from bento_proto.batch import arguments_of

from ._loop import Loop

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from types import TracebackType

    from anyio.abc import TaskGroup
    from typing_extensions import Self

    from bento_proto import Value
    from bento_proto.batch import BatchState, Outcome

    Call = Callable[[Sequence[object], Mapping[str, object]], Awaitable[object]]
    Inputs = Iterator[object] | AsyncIterator[object]

T_co = TypeVar("T_co", covariant=True)

_PATIENCE: Final = 1.0  # seconds for inputs to clean up


class AsyncBatch(Generic[T_co]):
    """The results of many calls, as they are asked for: an asynchronous iterator, and a context manager that ends it.

    Inputs are taken on the event loop, at most twice as many ahead of the results as there are calls at a time. The
    calls are made in a task of the batch's own, which begins with the first result that is asked for. Leaving early,
    by ``async with`` or `close`, cancels them and waits until they are gone; so does a wait for a result that is
    cancelled. Inputs that are an asynchronous generator are closed then. A batch that is dropped, as by ``break`` out
    of an ``async for`` over ``client.map(...)`` itself, cancels them when Python notices, which is at once unless
    something else refers to it.
    """

    def __init__(
        self, call: Call, inputs: Iterable[Value] | AsyncIterable[Value], concurrency: int, window: BatchState
    ) -> None:
        self._call = call
        self._inputs: Inputs = aiter(inputs) if isinstance(inputs, AsyncIterable) else iter(inputs)
        self._concurrency = concurrency
        self._window = window
        self._closed = False
        self._crew: _Crew | None = None

    def __del__(self) -> None:
        crew: _Crew | None = getattr(self, "_crew", None)
        if crew is not None:
            crew.abandon()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T_co:
        """The next result.

        Raises:
            StopAsyncIteration: there are no more.
            BentoMLException, TypeError, ValueError, OSError: a call failed, with ``on_error="raise"``; what was under
                way is cancelled.
            Exception: the next input could not be had.
        """
        return (await self._outcome()).result

    def outcomes(self) -> AsyncIterator[Outcome[T_co]]:
        """The same results, each with its input and that one's number: an iterator in place of this one."""
        return _Outcomes(self._outcome)

    async def _outcome(self) -> Outcome[T_co]:
        if self._crew is None and not self._closed:
            self._crew = _Crew(self._call, self._inputs, self._concurrency, self._window)
        try:
            while self._crew is not None and not self._closed:
                self._window.tell()
                outcome = self._window.take()
                if outcome is not None:
                    self._crew.go_on()
                    return outcome
                if self._window.is_over:
                    raise StopAsyncIteration
                await self._crew.news()
            raise StopAsyncIteration
        except BaseException:
            await self.close()
            raise

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Want no more of it. Harmless when it is over."""
        self._closed = True
        if self._crew is not None:
            await self._crew.dismiss()

    aclose = close
    """The same, by the name that `contextlib.aclosing` knows."""


class _Outcomes(Generic[T_co]):
    """No generator: that would have to be closed by who leaves it early."""

    def __init__(self, following: Callable[[], Awaitable[Outcome[T_co]]]) -> None:
        self._following = following

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Outcome[T_co]:
        return await self._following()


class _Crew:
    """The tasks of a batch. They do not know the batch, so that it can be dropped.

    Their task group is entered and left by a task of its own, so that no cancel scope spans what the caller does
    between two results.

    Args:
        call: makes a call.
        inputs: what it is called with.
        most: how many calls there may be at a time.
        window: says which.
    """

    def __init__(self, call: Call, inputs: Inputs, most: int, window: BatchState) -> None:
        self._call = call
        self._inputs = inputs
        self._window = window
        self._places = anyio.Semaphore(most)
        self._scope = CancelScope()
        self._has_begun = False
        self._over = Event()
        self._room = Event()
        self._news = Event()
        self._loop = Loop()
        self._loop.spawn(self._run)

    def go_on(self) -> None:
        """There may be room for another input."""
        self._room.set()

    async def news(self) -> None:
        """Wait until something has happened."""
        await self._news.wait()
        self._news = Event()

    async def dismiss(self) -> None:
        """Cancel what is under way, and wait until it is gone."""
        self._scope.cancel()
        if self._has_begun:  # else it never will: the loop may end before
            with CancelScope(shield=True):
                await self._over.wait()

    def abandon(self) -> None:
        """Cancel what is under way, from any thread, and wait for nothing."""
        if not self._over.is_set():
            self._loop.call_soon(self._scope.cancel)

    async def _run(self) -> None:
        if self._scope.cancel_called:
            return
        self._has_begun = True
        try:
            with self._scope:
                async with anyio.create_task_group() as calls:
                    while not self._window.has_ended:
                        if self._window.wants_input:
                            await self._places.acquire()  # here, as trio starts tasks in any order
                            await self._take_input(calls)
                        else:
                            await self._room.wait()
                            self._room = Event()
        finally:
            aclose: Callable[[], Awaitable[object]] | None = getattr(self._inputs, "aclose", None)
            if aclose is not None:  # of a generator, which is mostly made for the batch: nobody else has it
                with anyio.move_on_after(_PATIENCE, shield=True):
                    await aclose()
            self._over.set()
            self._news.set()

    async def _take_input(self, calls: TaskGroup) -> None:
        if self._window.has_ended:  # by an error, meanwhile
            return
        try:
            given = await anext(self._inputs) if isinstance(self._inputs, AsyncIterator) else next(self._inputs)
        except (StopIteration, StopAsyncIteration):
            self._window.end()
            self._news.set()
        except Exception as exc:  # noqa: BLE001 - it is raised when it is its turn
            self._window.end(exc)
            self._news.set()
        else:
            calls.start_soon(self._make, self._window.start(given), given)

    async def _make(self, number: int, given: object) -> None:
        try:
            result = await self._call(*arguments_of(given))
        except Exception as exc:  # noqa: BLE001 - the batch says what becomes of it
            self._window.fail(number, exc)
            self._room.set()  # it may be that there is to be no more
        else:
            self._window.finish(number, result)
        self._places.release()
        self._news.set()
