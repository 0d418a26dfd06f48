"""Batches: how far inputs are taken ahead, the order of results, and errors."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bento_proto import Progress, Value
from bento_proto.batch import BatchState, OnError, Outcome, arguments_of


class Broken(Exception):
    """What a call raises in these tests."""


def window(
    inputs: object = None, concurrency: int = 2, *, ordered: bool = True, on_error: OnError = "raise"
) -> BatchState:
    return BatchState(inputs, concurrency, ordered, on_error, None)


def drained(of: BatchState) -> list[Outcome[Value]]:
    return list(iter(of.take, None))


def handed_over(of: BatchState) -> tuple[int, Value, Value] | None:
    outcome = of.take()
    return None if outcome is None else (outcome.number, outcome.input, outcome.result)


# --- one by one


def test_inputs_ahead_are_at_most_twice_the_concurrency() -> None:
    on = window(concurrency=3)
    for number in range(6):
        assert on.wants_input
        assert on.start(f"input {number}") == number
    assert not on.wants_input
    on.finish(1, "one")
    assert (on.take(), on.wants_input) == (None, False), "it is not the turn of that one"
    on.finish(0, "zero")
    assert not on.wants_input, "what is not handed over counts"
    assert handed_over(on) == (0, "input 0", "zero")
    assert on.wants_input


def test_results_as_they_arrive() -> None:
    on = window(ordered=False)
    for number in range(4):
        on.start(number)
    on.finish(2, "c")
    on.finish(0, "a")
    assert [outcome.result for outcome in drained(on)] == ["c", "a"]


def test_the_end_of_a_batch() -> None:
    on = window()
    on.start("x")
    on.end()
    assert (on.wants_input, on.has_ended, on.is_over) == (False, True, False)
    on.finish(0, 1)
    assert [on.is_over, handed_over(on), on.is_over] == [False, (0, "x", 1), True]
    empty = window()
    empty.end()
    assert (empty.take(), empty.is_over) == (None, True)


# --- errors


def failing(on_error: OnError, *, ordered: bool = True) -> BatchState:
    on = window(ordered=ordered, on_error=on_error)
    for number in range(4):
        on.start(number)
    on.fail(1, Broken())
    on.finish(2, "c")
    on.finish(0, "a")
    return on


@pytest.mark.parametrize("ordered", [True, False])
def test_an_error_ends_the_batch_after_earlier_results(ordered: bool) -> None:
    on = failing("raise", ordered=ordered)
    assert (on.wants_input, on.has_ended) == (False, True)
    if ordered:
        assert handed_over(on) == (0, 0, "a")
    with pytest.raises(Broken):
        on.take()


def test_errors_returned_as_results() -> None:
    on = failing("return")
    first, second, third = drained(on)
    assert (first.error, third.error) == (None, None)
    assert isinstance(second.error, Broken)
    assert on.wants_input


def test_errors_skipped() -> None:
    assert [outcome.result for outcome in drained(failing("skip"))] == ["a", "c"]
    assert repr(next(iter(drained(failing("skip"))))).endswith(", result='a')")
    assert [outcome.result for outcome in drained(failing("skip", ordered=False))] == ["c", "a"]


@pytest.mark.parametrize("on_error", ["raise", "return", "skip"])
def test_an_exception_of_the_inputs_is_raised_after_earlier_results(on_error: OnError) -> None:
    on = window(on_error=on_error)
    on.start("x")
    on.end(Broken())
    assert (on.take(), on.is_over) == (None, False)
    on.finish(0, "a")
    assert handed_over(on) == (0, "x", "a")
    assert not on.is_over
    with pytest.raises(Broken):
        on.take()
    assert on.is_over


def test_invalid_arguments() -> None:
    for concurrency in (0, -1):
        with pytest.raises(ValueError, match="concurrency must be at least 1"):
            window(concurrency=concurrency)
    with pytest.raises(ValueError, match="on_error can be 'raise', 'return' or 'skip', not 'ignore'"):
        window(on_error="ignore")  # type: ignore[arg-type]


# --- progress


def test_progress() -> None:
    told: list[Progress] = []
    on = BatchState(["a", "b"], 2, True, "return", told.append)
    on.tell()
    on.tell()
    on.start("a")
    on.tell()
    on.fail(on.start("b"), Broken())
    on.tell()
    on.finish(0, 1)
    on.tell()
    assert told == [Progress(0, 2, "batch"), Progress(1, 2, "batch"), Progress(2, 2, "batch")]


def test_a_total_known_at_the_end() -> None:
    on = window(iter("ab"))
    on.tell()
    on.finish(on.start("a"), 1)
    assert on.progress == Progress(1, None, "batch")
    on.end()
    assert on.progress == Progress(1, 1, "batch")
    broken = window([1, 2, 3])
    broken.end(Broken())
    assert broken.progress == Progress(0, 3, "batch")


# --- in any order


@given(
    count=st.integers(0, 40),
    concurrency=st.integers(1, 5),
    ordered=st.booleans(),
    on_error=st.sampled_from(("raise", "return", "skip")),
    broken=st.sets(st.integers(0, 40)),
    seed=st.integers(0, 2**32),
)
def test_any_order_of_events(
    count: int, concurrency: int, ordered: bool, on_error: OnError, broken: set[int], seed: int
) -> None:
    chance = random.Random(seed)
    on = window(concurrency=concurrency, ordered=ordered, on_error=on_error)
    inputs, under_way, taken = iter(range(count)), set[int](), list[Outcome[Value]]()
    arrived: list[int] = []
    raised = None
    while not on.is_over and raised is None:
        choices = ["take"] + ["start"] * on.wants_input + ["finish"] * bool(under_way)
        doing = chance.choice(choices)
        if doing == "start":
            try:
                under_way.add(on.start(next(inputs)))
            except StopIteration:
                on.end()
        elif doing == "finish":
            number = chance.choice(sorted(under_way))
            under_way.remove(number)
            arrived.append(number)
            if number in broken:
                on.fail(number, Broken(number))
            else:
                on.finish(number, -number)
        else:
            try:
                outcome = on.take()
            except Broken as error:
                raised = error.args[0]
            else:
                taken += [outcome] if outcome else []
        assert len(arrived) + len(under_way) - len(taken) <= 2 * concurrency + len(broken)
    numbers = [outcome.number for outcome in taken]
    expected: Sequence[int] = sorted(arrived) if ordered else arrived
    if on_error == "raise":
        failed = [number for number in expected if number in broken]
        assert raised == (failed[0] if failed else None)
        expected = expected[: expected.index(failed[0])] if failed else expected
    elif on_error == "skip":
        expected = [number for number in expected if number not in broken]
    assert numbers == expected
    for outcome in taken:
        assert outcome.input == outcome.number
        assert (outcome.error is not None) == (outcome.number in broken)
        assert outcome.error is not None or outcome.result == -outcome.number
    if raised is None:
        assert len(arrived) == count


def flow(on: BatchState, inputs: Iterator[int]) -> Iterator[int]:
    """As an adapter uses it, with calls that are over at once, the last one first."""
    under_way: list[int] = []
    while not on.is_over:
        while on.wants_input:
            try:
                under_way.append(on.start(next(inputs)))
            except StopIteration:
                on.end()
        while under_way:
            number = under_way.pop()
            on.finish(number, number)
        for outcome in drained(on):
            yield outcome.number


@pytest.mark.parametrize(("ordered", "count"), [(True, 1_000_000), (False, 100_000)])
def test_memory_does_not_grow_with_the_inputs(ordered: bool, count: int) -> None:
    import tracemalloc

    on = window(concurrency=8, ordered=ordered)
    running = flow(on, iter(range(count)))
    last = 10_000  # measuring them all would take a while
    assert sum(1 for _ in itertools.islice(running, count - last)) == count - last
    tracemalloc.start()
    try:
        assert sum(1 for _ in running) == last
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 200_000
    assert on.progress.done == count


# --- inputs


def test_arguments_of_an_input() -> None:
    assert arguments_of({"a": 1}) == arguments_of(MappingProxyType({"a": 1})) == ((), {"a": 1})
    assert arguments_of((1, "x")) == ((1, "x"), {})
    assert arguments_of(()) == ((), {})
    for single in ("text", b"bytes", [1, 2], 7, None):
        assert arguments_of(single) == ((single,), {})
