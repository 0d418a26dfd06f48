"""Many calls of one endpoint."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar

import anyio
import anyio.lowlevel
from anyio import CancelScope, Event

from bento_proto import LocalProtocolError, Value
from bento_proto.batch import BaseBatch, BatchState, Outcome, arguments_of
from bento_proto.session import BaseAsyncStream, Following

from ._backends.auto import current_backend

if TYPE_CHECKING:
    from anyio.abc import TaskGroup

Call: TypeAlias = Callable[[Sequence[object], Mapping[str, object]], Awaitable[object]]
Inputs: TypeAlias = Iterator[object] | AsyncIterator[object]

T_co = TypeVar("T_co", covariant=True)

_PATIENCE: Final = 1.0  # seconds for inputs to clean up


class AsyncBatch(BaseBatch, BaseAsyncStream[T_co]):
    """The results of many calls, as they are asked for: an asynchronous generator, and a context manager that ends it.

    Inputs are taken on the event loop, at most twice as many ahead of the results as there are calls at a time. The
    calls are made in a task of the batch's own, which begins with the first result that is asked for. Leaving early,
    by ``async with`` or `close`, cancels them and waits until they are gone; so does a wait for a result that is
    cancelled. Inputs that are an asynchronous generator are closed then. A batch that is dropped, as by ``break`` out
    of an ``async for`` over ``client.map(...)`` itself, cancels them when Python notices, which is at once unless
    something else refers to it.
    """

    def __init__(self, call: Call, inputs: Iterable[Value] | AsyncIterable[Value], state: BatchState) -> None:
        self._call = call
        self._inputs: Iterator[object] | AsyncIterator[object] = (
            aiter(inputs) if isinstance(inputs, AsyncIterable) else iter(inputs)
        )
        self._state = state
        self._closed = False
        self._process = os.getpid()
        self._crew: _Crew | None = None

    def __del__(self) -> None:
        crew: _Crew | None = getattr(self, "_crew", None)
        if crew is not None:
            crew.abandon()

    def _shown(self) -> tuple[BatchState, str]:
        return self._state, "iterate over it with async for"

    async def __anext__(self) -> T_co:
        """The next result.

        Raises:
            StopAsyncIteration: there are no more.
            BentoMLException, TypeError, ValueError, OSError: a call failed, with ``on_error="raise"``; what was under
                way is cancelled.
            LocalProtocolError: this is a forked child, and the batch its parent's.
            BaseException: taking an input raised it.
        """
        return (await self._outcome()).result

    def outcomes(self) -> AsyncIterator[Outcome[T_co]]:
        """The same results, each with its input and that one's number: an iterator in place of this one."""
        return Following(self._outcome)

    async def _outcome(self) -> Outcome[T_co]:
        if self._process != os.getpid():
            raise LocalProtocolError("the batch belongs to the parent of this process: make one here")
        if self._crew is None and not self._closed:
            self._crew = _Crew(self._call, self._inputs, self._state)
        try:
            while (crew := self._crew) is not None and not self._closed:
                self._state.tell()
                outcome = self._state.take()
                crew.room.set()  # for another input: what failed may have been skipped
                if outcome is not None:
                    return outcome
                if self._state.is_over or crew.over.is_set():
                    raise crew.error or StopAsyncIteration
                await crew.news.wait()
            raise StopAsyncIteration
        except BaseException:
            await self.close()
            raise

    async def aclose(self) -> None:
        """Stop, and wait until nothing is under way. Idempotent."""
        self._closed = True
        if self._crew is not None:
            await self._crew.dismiss()

    close = aclose
    """The same, by the name that files and clients have."""


class _Crew:
    """The tasks of a batch. They do not refer to the batch, so that it can be dropped.

    Their task group is entered and left by a task of its own, so that no cancel scope spans what the caller does
    between two results.

    Args:
        call: makes a call.
        inputs: what it is called with.
        state: decides when.

    Attributes:
        room: set when there may be room for another input.
        news: set when something has happened, and replaced then.
        over: set when no task is left.
        error: what ended them early.
    """

    def __init__(self, call: Call, inputs: Inputs, state: BatchState) -> None:
        self.room: Event = Event()
        self.news: Event = Event()
        self.over: Event = Event()
        self.error: BaseException | None = None
        self._call = call
        self._inputs = inputs
        self._state = state
        self._due = Event()  # set when a call may be due
        self._scope = CancelScope()
        self._has_begun = False
        self._backend = current_backend()
        self._backend.spawn(self._run)

    async def dismiss(self) -> None:
        """Cancel what is under way, and wait until it is gone."""
        self._scope.cancel()
        if self._has_begun:  # else it never will: the loop may end before
            with CancelScope(shield=True):
                await self.over.wait()

    def abandon(self) -> None:
        """Cancel what is under way, from any thread, and wait for nothing."""
        if not self.over.is_set():
            self._backend.call_soon(self._scope.cancel)

    async def _run(self) -> None:
        if self._scope.cancel_called:
            return
        self._has_begun = True
        try:
            with self._scope:
                async with anyio.create_task_group() as calls:
                    calls.start_soon(self._dispatch, calls)
                    await self._take_inputs()  # here, as its errors are not those of a task group
        except BaseException as exc:
            self.error = exc
            if isinstance(exc, anyio.get_cancelled_exc_class()):
                raise
        finally:
            aclose: Callable[[], Awaitable[object]] | None = getattr(self._inputs, "aclose", None)
            if aclose is not None:  # of a generator, which is mostly made for the batch: nobody else has it
                with anyio.move_on_after(_PATIENCE, shield=True), suppress(Exception):
                    await aclose()
            self.over.set()
            self._tell()

    def _tell(self) -> None:
        """Wake who waits for a result, and what waits for room."""
        self.room.set()
        self._due.set()
        self.news.set()
        self.news = Event()

    async def _dispatch(self, calls: TaskGroup) -> None:
        """Have the calls made that are due."""
        state = self._state
        while not state.is_idle:
            self._due = Event()
            while (job := state.due(time.monotonic())) is not None:
                calls.start_soon(self._make, *job)
            with anyio.move_on_after(state.wait(time.monotonic())):
                await self._due.wait()

    async def _take_inputs(self) -> None:
        state, inputs = self._state, self._inputs
        while not state.has_ended:
            if not state.wants_input:
                self.room = Event()
                await self.room.wait()
                continue
            try:
                given = await anext(inputs) if isinstance(inputs, AsyncIterator) else next(inputs)
            except (StopIteration, StopAsyncIteration):
                state.end()
            except anyio.get_cancelled_exc_class():
                raise
            except BaseException as exc:  # noqa: BLE001 - it is raised when it is its turn, where results are asked for
                state.end(exc)
            else:
                if not state.has_ended:  # by an error, meanwhile
                    state.start(given)
                    self._due.set()
                    if not isinstance(inputs, AsyncIterator):
                        await anyio.lowlevel.checkpoint()
        self._tell()

    async def _make(self, number: int, given: object) -> None:
        state = self._state
        try:
            result = await self._call(*arguments_of(given))
        except Exception as exc:  # noqa: BLE001 - the batch says what becomes of it
            state.fail(number, exc, time.monotonic())
        else:
            state.finish(number, result, time.monotonic())
        finally:
            state.drop(number)  # if it was cancelled
            self._tell()
