"""An asynchronous call as an object: what it is in the hands of whoever drives coroutines and generators."""

from __future__ import annotations

import copy
from collections.abc import AsyncGenerator, Coroutine, Generator
from types import TracebackType
from typing import Any, cast

import pytest

from bento_proto.session import AsyncCall, BaseAsyncStream, Following, ValueCall, thrown


class Suspend:
    """What suspends a coroutine, as an event loop's future does."""

    def __await__(self) -> Generator[str, object, object]:
        return (yield "suspended")


async def value() -> object:
    try:
        return await Suspend()
    except KeyError:
        return "caught"


async def items() -> AsyncGenerator[int, None]:
    yield 1
    yield 2


async def opened() -> AsyncGenerator[int, None]:
    return items()


def stream(coroutine: Coroutine[Any, Any, Any]) -> AsyncCall[Any, int]:
    return AsyncCall("f", coroutine)


def run(coroutine: Coroutine[Any, Any, Any]) -> object:
    """The result of a coroutine that never suspends."""
    with pytest.raises(StopIteration) as caught:
        coroutine.send(None)
    return cast("object", caught.value.value)


def test_a_call_is_driven_as_its_coroutine() -> None:
    call = ValueCall("f", value())
    assert (repr(call), call.__name__, call.__qualname__) == ("<ValueCall of f: await it>", "f", "f")
    assert call.cr_frame is not None
    assert call.send(None) == "suspended"
    with pytest.raises(StopIteration) as caught:
        call.send("x")
    assert caught.value.value == "x"
    call = ValueCall("f", value())
    call.send(None)
    with pytest.raises(StopIteration) as caught:
        call.throw(KeyError)
    assert caught.value.value == "caught"
    with pytest.raises(RuntimeError, match="already awaited"):
        call.send(None)
    with pytest.raises(AttributeError, match="'ValueCall' object has no attribute 'value'"):
        call.value  # noqa: B018
    call.close()
    assert copy.copy(call).__name__ == "f"


def test_a_call_with_one_result_is_no_stream() -> None:
    async def enter(call: Any) -> None:
        async with call:
            pass

    async def iterate(call: Any) -> None:
        async for _ in call:
            pass

    for use in (enter, iterate):
        with pytest.raises(TypeError, match=r"f\(\) is no stream"):
            use(ValueCall("f", value())).send(None)
    for method in ("__anext__", "__aenter__"):
        use_it: Coroutine[Any, Any, Any] = getattr(stream(value()), method)()
        assert use_it.send(None) == "suspended"
        with pytest.raises(TypeError, match=r"f\(\) is no stream"):
            use_it.send(None)
    call = ValueCall("f", value())
    run(call.__aexit__(None, None, None))
    call.close()


def test_a_stream_is_iterated_over() -> None:
    call = stream(opened())
    assert call.__aiter__() is call
    assert (run(call.__anext__()), run(call.asend(None))) == (1, 2)
    with pytest.raises(StopAsyncIteration):
        call.__anext__().send(None)
    run(call.aclose())
    with pytest.raises(StopAsyncIteration):
        call.__anext__().send(None)

    async def enter() -> int:
        async with stream(opened()) as inner:
            return await anext(inner)

    assert run(enter()) == 1


def test_a_stream_is_closed() -> None:
    call = stream(opened())
    run(call.aclose())  # nothing was sent, and nobody is warned
    run(call.aclose())
    with pytest.raises(StopAsyncIteration):
        call.__anext__().send(None)
    call = stream(opened())
    run(call.__anext__())
    with pytest.raises(LookupError):
        call.athrow(LookupError).send(None)
    call = stream(value())
    call.send(None)
    with pytest.raises(RuntimeError, match=r"f\(\) is being awaited"):
        call.aclose().send(None)
    call.close()


def test_what_is_thrown() -> None:
    error = KeyError("x")
    traceback: TracebackType | None = None
    try:
        raise ValueError
    except ValueError as exc:
        traceback = exc.__traceback__
    assert thrown(error) is error
    assert thrown(KeyError, error) is error
    assert (type(thrown(KeyError)), thrown(KeyError).args, thrown(KeyError, "x").args) == (KeyError, (), ("x",))
    assert thrown(error, None, traceback).__traceback__ is traceback
    with pytest.raises(TypeError, match="must derive from BaseException"):
        thrown("x")  # type: ignore[arg-type]


class Counting(BaseAsyncStream[int]):
    """A stream of 1, 2 and so on."""

    number = 0
    is_closed = False

    async def __anext__(self) -> int:
        self.number += 1
        return self.number

    async def aclose(self) -> None:
        self.is_closed = True


def test_leaving_a_stream_closes_it() -> None:
    async def first_two() -> tuple[list[int], bool]:
        async with (given := Counting()) as counting:
            assert counting is given
            found = [await anext(counting), await counting.asend(None)]
        return found, given.is_closed

    assert run(first_two()) == ([1, 2], True)


def test_an_iterator_over_what_a_function_returns_goes_on_after_it_was_left() -> None:
    source = items()
    following = Following(source.__anext__)

    async def first_and_rest() -> list[int]:
        async for item in following:
            return [item, *[rest async for rest in following]]
        return []

    with pytest.raises(StopIteration) as stop:
        first_and_rest().send(None)
    assert stop.value.value == [1, 2]
