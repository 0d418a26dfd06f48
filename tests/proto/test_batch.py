"""Batches: how far inputs are taken ahead, the order of results, and errors."""

from __future__ import annotations

import itertools
import math
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
    return BatchState(inputs, concurrency, ordered, on_error)


def started(of: BatchState, given: object) -> int:
    """An input is taken, and its call made at once."""
    number = of.start(given)
    assert of.due(0.0) == (number, given)
    return number


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
    assert [on.due(0.0) for _ in range(4)] == [(0, "input 0"), (1, "input 1"), (2, "input 2"), None]
    assert (on.running, on.wait(0.0)) == (3, math.inf)
    on.finish(1, "one")
    assert (on.wait(0.0), on.due(0.0)) == (0.0, (3, "input 3"))
    assert (on.take(), on.wants_input) == (None, False), "it is not the turn of that one"
    on.finish(0, "zero")
    assert not on.wants_input, "what is not handed over counts"
    assert handed_over(on) == (0, "input 0", "zero")
    assert on.wants_input


def test_results_as_they_arrive() -> None:
    on = window(concurrency=4, ordered=False)
    for number in range(4):
        started(on, number)
    on.finish(2, "c")
    on.finish(0, "a")
    assert [outcome.result for outcome in drained(on)] == ["c", "a"]


def test_the_end_of_a_batch() -> None:
    on = window()
    started(on, "x")
    on.end()
    assert (on.wants_input, on.has_ended, on.is_idle, on.is_over) == (False, True, False, False)
    on.finish(0, 1)
    assert [on.is_idle, on.is_over, handed_over(on), on.is_over] == [True, False, (0, "x", 1), True]
    empty = window()
    empty.end()
    assert (empty.take(), empty.is_over) == (None, True)


# --- errors


def failing(on_error: OnError, *, ordered: bool = True) -> BatchState:
    on = window(concurrency=4, ordered=ordered, on_error=on_error)
    for number in range(4):
        started(on, number)
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
    started(on, "x")
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
        with pytest.raises(ValueError, match="concurrency must be at least 1, or 'auto'"):
            window(concurrency=concurrency)
    with pytest.raises(ValueError, match="ahead must be at least 1"):
        BatchState([], ahead=0)
    with pytest.raises(ValueError, match="max_errors must be at least 0"):
        BatchState([], max_errors=-1)
    with pytest.raises(ValueError, match="start must be at least 0"):
        BatchState([], first=-1)
    with pytest.raises(ValueError, match="on_error can be 'raise', 'return' or 'skip', not 'ignore'"):
        window(on_error="ignore")  # type: ignore[arg-type]


@pytest.mark.parametrize("ordered", [True, False])
@pytest.mark.parametrize("on_error", ["return", "skip"])
def test_so_many_errors_end_the_batch(on_error: OnError, ordered: bool) -> None:
    on = BatchState(None, 4, ordered, on_error, max_errors=1)
    for number in range(6):
        on.start(number)
    for _ in range(4):
        on.due(0.0)
    on.fail(0, Broken("first"))
    on.start("x")
    on.finish(1, "b")
    on.fail(2, Broken("second"))
    assert (on.has_ended, on.due(0.0)) == (True, None)
    on.fail(3, Broken("third"))
    outcomes: list[Outcome[Value]] = []
    with pytest.raises(Broken, match="second") as caught:
        outcomes.extend(iter(on.take, None))
    assert vars(caught.value)["__notes__"] == ["it ends the batch, as 3 calls failed"]


def test_calls_before_the_one_that_failed_are_still_made() -> None:
    on = window(concurrency=2)
    for number in range(4):
        on.start(number)
    assert [on.due(0.0), on.due(0.0)] == [(0, 0), (1, 1)]
    on.finish(0, "a")
    assert on.due(0.0) == (2, 2)
    on.fail(2, Broken("third"))
    assert (on.due(0.0), on.is_idle) == (None, False)
    on.fail(1, Broken("second"))
    assert (on.due(0.0), on.is_idle) == (None, True)
    assert handed_over(on) == (0, 0, "a")
    with pytest.raises(Broken, match="second"):
        on.take()


def test_inputs_before_the_start_are_dropped() -> None:
    on = BatchState(list("abcd"), 4, first=2)
    for letter in "abcd":
        on.start(letter)
    assert [on.due(0.0), on.due(0.0), on.due(0.0)] == [(2, "c"), (3, "d"), None]
    on.finish(3, "D")
    on.finish(2, "C")
    assert [each.number for each in drained(on)] == [2, 3]
    assert on.progress == Progress(4, 4, "batch")


def test_inputs_ahead_as_many_as_asked_for() -> None:
    on = BatchState(None, 2, ahead=7)
    while on.wants_input:
        on.start("x")
    assert sum(1 for _ in iter(lambda: on.due(0.0), None)) == 2
    assert on.start("y") == 7


def test_there_are_no_more_calls_than_connections() -> None:
    assert BatchState(None, 400, connections=100).concurrency == 100


def test_a_call_that_was_stopped() -> None:
    on = window()
    on.start("x")
    on.due(0.0)
    on.drop(0)
    on.drop(0)
    assert on.running == 0


# --- progress


def test_progress() -> None:
    told: list[Progress] = []
    on = BatchState(["a", "b"], 2, True, "return", told.append)
    on.tell()
    on.tell()
    started(on, "a")
    on.tell()
    on.fail(started(on, "b"), Broken())
    on.tell()
    on.finish(0, 1)
    on.tell()
    assert told == [Progress(0, 2, "batch"), Progress(1, 2, "batch"), Progress(2, 2, "batch")]


def test_a_total_known_at_the_end() -> None:
    on = window(iter("ab"))
    on.tell()
    on.finish(started(on, "a"), 1)
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
def test_any_order_of_events(  # noqa: C901 - events of every kind
    count: int, concurrency: int, ordered: bool, on_error: OnError, broken: set[int], seed: int
) -> None:
    chance = random.Random(seed)
    on = window(concurrency=concurrency, ordered=ordered, on_error=on_error)
    inputs, under_way, taken = iter(range(count)), set[int](), list[Outcome[Value]]()
    arrived: list[int] = []
    raised = None
    while not on.is_over and raised is None:
        choices = ["take", "due"] + ["start"] * on.wants_input + ["finish"] * bool(under_way)
        doing = chance.choice(choices)
        if doing == "start":
            try:
                on.start(next(inputs))
            except StopIteration:
                on.end()
        elif doing == "due":
            job = on.due(0.0)
            under_way |= set() if job is None else {job[0]}
            assert len(under_way) == on.running <= concurrency
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
                on.start(next(inputs))
            except StopIteration:
                on.end()
        while (job := on.due(0.0)) is not None:
            under_way.append(job[0])
        while under_way:
            number = under_way.pop()
            on.finish(number, number)
        for outcome in drained(on):
            yield outcome.number


@pytest.mark.no_cover  # a million inputs take long enough without it
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
