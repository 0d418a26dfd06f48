"""The limit of concurrent calls: what refusals and successes make of it, on simulated Services in virtual time."""

from __future__ import annotations

import heapq
import itertools
import math
import random
from collections.abc import Callable, Iterator
from typing import TypeAlias

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bento_proto import (
    BentoMLException,
    ConnectError,
    ConnectionLost,
    NotFound,
    RetryPolicy,
    ServiceUnavailable,
    TooManyRequests,
    UnprocessableEntity,
)
from bento_proto.batch import BatchState, OnError
from bento_proto.policy import ConcurrencySearch, CongestionControl
from bento_proto.policy._congestion import is_overload


def refused(retry_after: float | None = None) -> TooManyRequests:
    error = TooManyRequests("busy", error_code=429)
    error.retryable, error.retry_after = True, retry_after
    return error


def unreachable() -> ConnectError:
    error = ConnectError("refused")
    error.retryable, error.sent = True, False
    return error


def lost(*, retryable: bool = True) -> ConnectionLost:
    error = ConnectionLost("reset")
    error.retryable, error.sent = retryable, True
    return error


# --- one by one


def control() -> CongestionControl:
    return CongestionControl(lambda: 0.0)


def test_there_is_no_limit_until_a_call_is_refused() -> None:
    on, batch = control(), object()
    slots = [on.begin(batch) for _ in range(500)]
    for slot in slots:
        on.accept(slot)
    assert (on.limit, on.wait(batch, 0.0), on.accepted) == (math.inf, 0.0, 500)


def test_the_limit_becomes_what_the_service_took() -> None:
    on, batch = control(), object()
    slots = [on.begin(batch) for _ in range(64)]
    for slot in slots[16:]:
        on.refuse(slot, 1.0)
    assert on.limit == 16
    assert on.wait(batch, 1.0) == math.inf, "it waits for one of its own"
    assert repr(on) == "<CongestionControl: 16 calls, limit 16>"
    on.accept(slots[0])
    assert on.wait(batch, 1.0) == 0.0


def test_it_grows_slowly_where_it_was_refused_before() -> None:
    on, batch = control(), object()
    slots = [on.begin(batch) for _ in range(17)]
    on.refuse(slots.pop(), 0.0)
    assert on.limit == pytest.approx(15.3)
    for _ in range(15):
        on.accept(slots.pop(0))
        slots.append(on.begin(batch))
    assert 16 <= on.limit < 16.5


def test_it_is_tried_less_often_where_it_was_refused_again() -> None:
    on, batch = control(), object()
    slots = [on.begin(batch), on.begin(batch)]
    between: list[int] = []
    for _ in range(7):
        on.refuse(slots.pop(), 0.0)
        between.append(0)
        while len(slots) < 2:
            on.accept(slots.pop())
            between[-1] += 1
            while on.wait(batch, 0.0) == 0.0:
                slots.append(on.begin(batch))
    assert between == sorted(between)
    assert (between[0], between[-1]) == (1, 24)
    for _ in range(100):
        on.accept(slots.pop(0))
        while on.wait(batch, 0.0) == 0.0:
            slots.append(on.begin(batch))
    assert len(slots) > 3, "it takes more than before"


def test_a_limit_that_is_not_reached_does_not_grow() -> None:
    on, batch = control(), object()
    slots = [on.begin(batch) for _ in range(17)]
    on.refuse(slots.pop(), 0.0)
    for slot in slots:
        on.accept(slot)
    limit = on.limit
    for _ in range(100):
        on.accept(on.begin(batch))
    assert on.limit == limit


def test_a_burst_of_refusals_counts_once() -> None:
    on, batch = control(), object()
    slots = [on.begin(batch) for _ in range(100)]
    for slot in slots[:3]:
        on.refuse(slot, 0.0)
    assert on.limit == 90


def test_one_call_probes_after_a_pause_that_doubles() -> None:
    on, batch, other = control(), object(), object()
    slots = [on.begin(batch) for _ in range(4)]
    for slot in slots:
        on.refuse(slot, 10.0)
    now = 10.0
    for pause in (0.25, 0.5, 1.0, 2.0, 2.0):
        assert on.wait(batch, now) == on.wait(other, now) == pytest.approx(pause)
        now += pause
        assert on.wait(batch, now) == 0.0
        prober = on.begin(batch)
        assert on.wait(batch, now) == math.inf
        assert 0 < on.wait(other, now) < 1, "another batch asks again"
        on.refuse(prober, now)
    now += 2.0
    assert on.outage(now) == now - 10.0
    on.accept(on.begin(batch))
    assert (on.outage(now), on.wait(batch, now), on.limit) == (0.0, 0.0, 2.0)


def test_a_prober_that_tells_nothing_is_followed_by_another() -> None:
    on, batch = control(), object()
    on.refuse(on.begin(batch), 0.0)
    prober = on.begin(batch)
    on.drop(prober)
    assert on.wait(batch, 1.0) == 0.0


def test_pauses_are_spread_by_chance() -> None:
    on = CongestionControl(lambda: 1.0)
    on.refuse(on.begin("batch"), 0.0)
    assert on.wait("batch", 0.0) == 0.1875


def test_retry_after_is_obeyed_by_all_batches() -> None:
    on = control()
    one, two = on.begin("one"), on.begin("two")
    on.refuse(one, 0.0, 7.0)
    assert on.wait("one", 1.0) == on.wait("two", 1.0) == 6.0
    on.accept(two)
    assert on.wait("two", 1.0) == 6.0
    assert on.wait("two", 7.0) == 0.0


def test_a_forked_child_does_not_wait_for_the_calls_of_its_parent() -> None:
    limit = control()
    calls = [limit.begin("parent") for _ in range(4)]
    limit.refuse(calls.pop(), 0.0)
    assert limit.wait("child", 9.0) > 0
    limit.after_fork()
    assert limit.wait("child", 9.0) == 0
    assert limit.limit < 4


def test_batches_share_the_limit() -> None:
    on = control()
    slots = [on.begin("one") for _ in range(8)]
    on.refuse(on.begin("one"), 0.0)
    assert 8 <= on.limit < 9
    assert 0 < on.wait("two", 0.0) < 1, "it asks again"
    for slot in slots[:4]:
        assert on.wait("one", 0.1) == math.inf
        on.accept(slot)
        assert on.wait("two", 0.1) == 0.0
        on.begin("two")
    on.drop(slots[4])
    assert on.wait("two", 0.1) == math.inf, "it has its share"
    assert on.wait("one", 0.1) == 0.0


def test_batches_without_a_call_are_served_in_their_order() -> None:
    on = control()
    slots = [on.begin("one") for _ in range(3)]
    for slot in slots[1:]:
        on.refuse(slot, 0.0)
    assert on.limit == 1
    assert 0 < on.wait("two", 0.0) < 1
    assert 0 < on.wait("three", 0.0) < 1
    on.drop(slots[0])
    assert 0 < on.wait("one", 0.5) < 1
    assert 0 < on.wait("three", 0.5) < 1
    assert on.wait("two", 0.5) == 0.0
    assert on.wait("three", 1.2) == 0.0, "the one before it asks no more"
    assert 0 < on.wait("two", 1.2) < 1, "it is the last now"


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (refused(), True),
        (ServiceUnavailable("", error_code=503), True),
        (BentoMLException("", error_code=502), True),
        (unreachable(), True),
        (lost(), True),
        (ServiceUnavailable("it did not become ready"), True),
        (NotFound("", error_code=404), False),
        (TypeError(), False),
    ],
)
def test_what_overload_is(error: Exception, expected: bool) -> None:
    assert is_overload(error) is expected


# --- with a batch


def batch(
    count: int,
    concurrency: int = 4,
    policy: RetryPolicy = RetryPolicy(),  # noqa: B008
    on_error: OnError = "return",
    on: CongestionControl | None = None,
) -> BatchState:
    state = BatchState(None, concurrency, True, on_error, ahead=count, retries=policy, control=on or control())
    for number in range(count):
        state.start(number)
    state.end()
    return state


def errors(state: BatchState) -> list[Exception | None]:
    return [outcome.error for outcome in iter(state.take, None)]


def test_a_refused_call_is_made_again() -> None:
    state = batch(2, 2)
    assert [state.due(0.0), state.due(0.0)] == [(0, 0), (1, 1)]
    state.fail(1, refused(), 0.0)
    assert state.due(0.0) is None
    state.finish(0, "a")
    assert state.due(0.0) == (1, 1)
    state.finish(1, "b")
    assert errors(state) == [None, None]


def test_without_retries_each_call_is_sent_once() -> None:
    state = batch(3, 3, RetryPolicy(attempts=1))
    for number in range(3):
        assert state.due(0.0) == (number, number)
        state.fail(number, refused(9.0), 0.0)
    assert [type(error) for error in errors(state)] == [TooManyRequests] * 3


def test_a_call_that_may_have_been_processed_is_not_made_again() -> None:
    state = batch(2, 2)
    assert None not in (state.due(0.0), state.due(0.0))
    state.fail(0, lost(retryable=False), 0.0)
    state.fail(1, UnprocessableEntity("", error_code=422), 0.0)
    assert [type(error) for error in errors(state)] == [ConnectionLost, UnprocessableEntity]


def test_attempts_that_may_have_been_processed_are_counted() -> None:
    state, sent = batch(1, policy=RetryPolicy(idempotent=True)), 0
    for now in itertools.count():
        if state.is_idle:
            break
        if state.due(float(now)) is not None:
            sent += 1
            state.fail(0, lost() if sent % 2 else unreachable(), float(now))
    assert sent == 5, "those that did not reach the server are not"
    assert [type(error) for error in errors(state)] == [ConnectionLost]


def test_a_gateway_that_has_no_server_counts() -> None:
    state, sent = batch(1, policy=RetryPolicy(idempotent=True)), 0
    for now in itertools.count():
        if state.is_idle:
            break
        if state.due(float(now)) is not None:
            sent += 1
            error = BentoMLException("", error_code=502)
            error.retryable = True
            state.fail(0, error, float(now))
    assert sent == 3


def test_a_retry_after_that_is_too_long_ends_the_call_and_stops_no_other() -> None:
    state = batch(2, 1, RetryPolicy(max_retry_after=60))
    assert state.due(0.0) == (0, 0)
    state.fail(0, refused(3600.0), 0.0)
    assert state.wait(0.0) <= 2
    assert state.due(2.0) == (1, 1)
    state.finish(1, "b", 2.0)
    assert [type(error) for error in errors(state)] == [TooManyRequests, type(None)]


def test_an_outage_ends() -> None:
    state = batch(1, policy=RetryPolicy(max_outage=30))
    now = 0.0
    while not state.is_idle:
        now += state.wait(now)
        assert state.due(now) == (0, 0)
        state.fail(0, unreachable(), now)
    assert 30 < now < 33
    assert [type(error) for error in errors(state)] == [ConnectError]


def test_a_call_that_alone_is_always_refused_ends() -> None:
    on = control()
    state = batch(1000, 1, on=on)
    sent, now = 0, 0.0
    while not state.is_idle:
        now += state.wait(now)
        job = state.due(now)
        assert job is not None
        if job[0] == 0:
            sent += 1
            state.fail(0, refused(), now)
            on.accept(on.begin("another batch"))
        else:
            state.finish(job[0], None, now)
    assert sent == 100
    assert sum(error is not None for error in errors(state)) == 1


def test_an_error_of_the_caller_tells_nothing_of_the_service() -> None:
    on = control()
    state = batch(1, on=on)
    state.due(0.0)
    state.fail(0, TypeError("no such argument"), 0.0)
    assert (on.accepted, on.wait("x", 0.0)) == (0, 0.0)


def test_a_call_that_is_stopped_frees_its_slot() -> None:
    on = control()
    state = batch(1, on=on)
    state.due(0.0)
    state.drop(0)
    assert repr(on) == "<CongestionControl: 0 calls, limit inf>"


# --- whole batches in virtual time


Answer: TypeAlias = tuple[float, Exception | None]


class Simulated:
    """A Service that takes so many calls at a time, refuses what is more, and is down at times.

    Args:
        capacity: how many calls it takes.
        seconds: how long each takes.
        down: from when to when it refuses connections; calls that it has then are lost.
        retry_after: what it asks for when it refuses.
    """

    def __init__(
        self,
        capacity: int,
        seconds: Callable[[], float],
        down: tuple[float, float] = (-1.0, -1.0),
        retry_after: float | None = None,
    ) -> None:
        self.capacity = capacity
        self._seconds = seconds
        self._down = down
        self._retry_after = retry_after
        self._busy = 0
        self.ran: list[int] = []
        self.refusals = 0
        self.most_while_down = 0

    def begin(self, number: int, now: float) -> Answer:
        """A call comes; return when it ends, and with what error."""
        if self._down[0] <= now < self._down[1]:
            self.refusals += 1
            return now + 0.001, unreachable()
        if self._busy >= self.capacity:
            self.refusals += 1
            return now + 0.002, refused(self._retry_after)
        self._busy += 1
        ends = now + self._seconds()
        self.ran.append(number)
        return ends, None

    def end(self) -> None:
        self._busy -= 1


def run(service: Simulated, *states: BatchState) -> float:
    """Run batches; return how long they took."""
    now, order = 0.0, itertools.count()
    ends: list[tuple[float, int, BatchState, int, Exception | None]] = []
    while not all(state.is_idle for state in states):
        for state in states:
            while (job := state.due(now)) is not None:
                at, error = service.begin(job[0], now)
                heapq.heappush(ends, (at, next(order), state, job[0], error))
        wakes = now + min(state.wait(now) for state in states)
        assert ends or wakes < math.inf, "nothing will ever happen"
        if not ends or wakes < ends[0][0]:
            now = max(wakes, math.nextafter(now, math.inf))
            continue
        now, _, state, number, error = heapq.heappop(ends)
        if error is None:
            service.end()
            state.finish(number, None, now)
        else:
            state.fail(number, error, now)
    return now


@settings(max_examples=60, deadline=None)
@given(
    capacity=st.integers(1, 40),
    concurrency=st.integers(1, 100),
    batches=st.integers(1, 3),
    count=st.integers(1, 80),
    down=st.none() | st.tuples(st.floats(0, 5), st.floats(0, 20)),
    retry_after=st.none() | st.floats(0, 3),
    seed=st.integers(0, 2**32),
)
def test_nothing_is_lost_and_nothing_runs_twice(
    capacity: int,
    concurrency: int,
    batches: int,
    count: int,
    down: tuple[float, float] | None,
    retry_after: float | None,
    seed: int,
) -> None:
    chance = random.Random(seed)
    on = CongestionControl(chance.random)
    outage = (-1.0, -1.0) if down is None else (down[0], down[0] + down[1])
    service = Simulated(capacity, lambda: chance.uniform(0.05, 0.3), outage, retry_after)
    states = [batch(count, concurrency, on=on) for _ in range(batches)]
    run(service, *states)
    for state in states:
        assert errors(state) == [None] * count
    assert sorted(service.ran) == sorted(list(range(count)) * batches)
    assert repr(on).startswith("<CongestionControl: 0 calls")


@pytest.mark.parametrize("capacity", [1, 4, 16, 64])
@pytest.mark.parametrize("concurrency", [2, 64, 100])
def test_the_capacity_of_the_service_is_used(capacity: int, concurrency: int) -> None:
    chance = random.Random(capacity)
    service = Simulated(capacity, lambda: chance.uniform(0.1, 0.3))
    took = run(service, batch(2000, concurrency))
    ideal = 2000 * 0.2 / min(capacity, concurrency)
    assert took < 1.2 * ideal + 2
    assert service.refusals < 2000 / 4 + 2 * concurrency


def test_a_service_that_restarts_is_asked_little_and_used_again_soon() -> None:
    service = Simulated(1000, lambda: 0.2, (2.0, 12.0))
    took = run(service, batch(3000, 32))
    assert service.refusals < 32 + 15
    assert took < 3000 * 0.2 / 32 + 10 + 5


def test_a_rate_that_is_limited() -> None:
    """429 with Retry-After for three seconds, then all is well: as a token bucket refuses that was empty."""

    class Limited(Simulated):
        refusals: int

        def begin(self, number: int, now: float) -> Answer:
            if now < 3.0:
                self.refusals += 1
                return now + 0.001, refused(1.0)
            return super().begin(number, now)

    service = Limited(1000, lambda: 0.05)
    took = run(service, batch(500, 32))
    assert len(service.ran) == 500
    assert service.refusals <= 32 + 3
    assert took < 3 + 500 * 0.05 / 32 + 3


# --- how many calls are worth it


def searched(most: int, useful: int, seconds: float = 0.1, count: int = 3000) -> Iterator[int]:
    """The numbers that a search tries where more calls at a time than are useful only take longer."""
    search, now, running = ConcurrencySearch(most), 0.0, list[float]()
    for _ in range(count):
        while len(running) < search.value:
            heapq.heappush(running, now + seconds * max(1.0, (len(running) + 1) / useful))
        now = max(now, running[0])
        search.end(len(running), now)
        heapq.heappop(running)
        yield search.value


@pytest.mark.parametrize("useful", [1, 4, 10, 32])
def test_more_calls_are_made_as_long_as_more_of_them_end(useful: int) -> None:
    tried = list(searched(100, useful))
    assert sorted(tried)[len(tried) // 2] <= max(8, 2.5 * useful)
    assert tried[-1] >= 0.8 * useful


def test_never_more_calls_than_connections() -> None:
    assert max(searched(20, 1000)) == 20
    assert list(searched(2, 1000))[-1] == 2


def test_a_batch_that_finds_out() -> None:
    chance = random.Random(7)
    service = Simulated(1000, lambda: chance.uniform(0.1, 0.11))
    state = BatchState(None, "auto", ahead=3000, connections=64, retries=RetryPolicy(), control=control())
    for number in range(3000):
        state.start(number)
    state.end()
    assert state.concurrency == 4
    took = run(service, state)
    assert state.concurrency == 64
    assert took < 3000 * 0.105 / 64 + 10


def test_a_batch_that_finds_out_what_the_service_refuses() -> None:
    service = Simulated(10, lambda: 0.1)
    state = BatchState(None, "auto", ahead=2000, retries=RetryPolicy(), control=control())
    for number in range(2000):
        state.start(number)
    state.end()
    took = run(service, state)
    assert len(service.ran) == 2000
    assert took < 1.25 * 2000 * 0.1 / 10 + 2


def test_a_pause_of_the_inputs_is_not_measured() -> None:
    search = ConcurrencySearch(100)
    for now in range(1000):
        search.end(1, float(now))
    assert search.value == 4
