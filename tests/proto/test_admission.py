"""Plain calls under the limit of their Service: each waits for its turn; in virtual time."""

from __future__ import annotations

import heapq
import itertools
import math
import random
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bento_proto import (
    BentoMLException,
    CallTimeout,
    ConnectError,
    ConnectionLost,
    Exchange,
    FailureKind,
    Flow,
    FlowRunner,
    Head,
    Limits,
    LocalProtocolError,
    Request,
    RetryPolicy,
    ServiceUnavailable,
    Session,
    Timeout,
    TooManyRequests,
    UnprocessableEntity,
)
from bento_proto.batch import BatchState
from bento_proto.http import Origin
from bento_proto.http._cookies import Cookies
from bento_proto.observe import EndEvent, Hooks, RequestEvent, ResponseEvent, RetryEvent
from bento_proto.policy import CongestionControl
from bento_proto.policy._admission import AdmissionQueue
from bento_proto.policy._attempts import CallContext, send_request
from bento_proto.policy._retry import RetryBudget, batch_retries
from bento_proto.response._readers import event_reader, whole_reader

from .play import Answer, Forever, lost, moved, play, reply
from .test_congestion import Simulated, batch, errors

POST = Request("POST", Origin("http", "service", 3000), "/f", (), (b"{}",))
ADAPTIVE = RetryPolicy(adaptive=True)
OK = reply(200, b"7")
BUSY = reply(429)
DOWN = lost(FailureKind.CONNECT, sent=False)


def queue() -> AdmissionQueue:
    return AdmissionQueue(CongestionControl(lambda: 0.0))


def flow(
    on: AdmissionQueue,
    policy: RetryPolicy = ADAPTIVE,
    now: float = 0.0,
    total: float | None = None,
    hooks: tuple[Hooks, ...] = (),
) -> Flow[Exchange[bytes]]:
    context = CallContext(
        Timeout(30, total=total), policy, Limits(), Cookies(), RetryBudget(), lambda: 0.0, lambda _: None, hooks,
        queue=on,
    )  # fmt: skip
    return send_request(POST, whole_reader(bytes, 100), context, now)


def carried_out(run: FlowRunner[Exchange[bytes]], answer: Answer, now: float) -> None:
    assert run.step is not None
    for event in answer.events:
        run.step.exchange.receive(event)
    run.resume(now)


def full(on: AdmissionQueue, limit: int = 1) -> list[FlowRunner[Exchange[bytes]]]:
    """Make calls, of which the Service refuses one; return those that are under way, as many as it takes.

    Keep them: one that is dropped ends when Python notices, and gives its place back.
    """
    runs = [FlowRunner(flow(on)) for _ in range(limit)]
    play(flow(on, RetryPolicy(attempts=1, adaptive=True)), BUSY)
    assert on.control.limit == limit
    return runs


def waits(run: FlowRunner[Exchange[bytes]], now: float) -> float:
    assert run.step is not None
    return run.step.wait(now)


# --- one call


def test_a_call_that_no_one_refuses_does_not_wait() -> None:
    on = queue()
    runs = [FlowRunner(flow(on)) for _ in range(500)]
    assert [run.step.delay for run in runs if run.step] == [0.0] * 500
    assert [waits(run, 0.0) for run in runs] == [0.0] * 500
    for run in runs:
        carried_out(run, OK, 1.0)
    assert (on.control.limit, on.control.accepted) == (math.inf, 500)
    assert repr(on) == "<AdmissionQueue: 0 calls wait>"


def test_a_refused_call_is_sent_again_after_pauses() -> None:
    on = queue()
    played = play(flow(on), *[BUSY] * 6, OK)
    assert played.result.result == b"7"
    assert played.delays == [0, 0.25, 0.5, 1.0, 2.0, 2.0, 2.0]
    assert played.result.attempts == ("TooManyRequests: the server responded with status 429",) * 6


def test_a_refusal_takes_nothing_from_the_budget() -> None:
    assert play(flow(queue(), ADAPTIVE.replace(budget=0)), BUSY, OK).result.result == b"7"


def test_retry_after_is_obeyed() -> None:
    assert play(flow(queue()), reply(503, headers={"retry-after": "7"}), OK).delays == [0, 7]


def test_a_retry_after_that_is_too_long_ends_the_call_and_stops_no_other() -> None:
    on = queue()
    played = play(flow(on), reply(429, headers={"retry-after": "3600"}))
    assert isinstance(played.error, TooManyRequests)
    assert on.control.wait("another", played.now) <= 2


def test_what_may_have_run_is_not_sent_again() -> None:
    assert isinstance(play(flow(queue()), lost()).error, ConnectionLost)
    assert isinstance(play(flow(queue()), reply(503)).error, ServiceUnavailable)


def test_what_may_be_repeated_counts_as_attempts() -> None:
    repeatable = ADAPTIVE.replace(idempotent=True)
    assert isinstance(play(flow(queue(), repeatable), lost(), DOWN, lost(), DOWN, lost()).error, ConnectionLost)


def test_other_failures_are_retried_as_ever() -> None:
    policy = ADAPTIVE.replace(statuses={500})
    played = play(flow(queue(), policy), reply(500), BUSY, reply(500), OK)
    assert played.delays == [0, 0.25, 0.25, 0.5]
    assert played.result.result == b"7"
    assert isinstance(play(flow(queue(), policy), Forever(reply(500))).error, BentoMLException)


def test_without_retries_it_is_sent_once_and_waits_nonetheless() -> None:
    on, once = queue(), RetryPolicy(attempts=1, adaptive=True)
    assert isinstance(play(flow(on, once), BUSY).error, TooManyRequests)
    assert play(flow(on, once), OK).delays == [0.25]


def test_an_outage_ends() -> None:
    played = play(flow(queue(), ADAPTIVE.replace(max_outage=30)), Forever(DOWN))
    assert isinstance(played.error, ConnectError)
    assert 30 < played.now < 33


def test_a_call_that_alone_is_always_refused_ends() -> None:
    on = queue()
    run, now, sent = FlowRunner(flow(on)), 0.0, 0
    with pytest.raises(TooManyRequests):
        while True:
            while seconds := waits(run, now):
                now += seconds
            sent += 1
            carried_out(run, BUSY, now)
            play(flow(on, now=now), OK, now=now)
    assert sent == 100


def test_redirects_tell_nothing_and_are_followed() -> None:
    on = queue()
    assert play(flow(on), moved(307, "/g"), OK).result.result == b"7"
    assert on.control.accepted == 1


def test_a_closed_idle_connection_is_no_refusal() -> None:
    on = queue()
    played = play(flow(on), lost(FailureKind.IDLE_CLOSED, sent=False), OK)
    assert (played.delays, on.control.limit) == ([0, 0], math.inf)


@pytest.mark.parametrize(
    ("answer", "kind", "accepted"),
    [(reply(422), UnprocessableEntity, 1), (lost(FailureKind.TIMEOUT), CallTimeout, 0)],
)
def test_other_errors_are_no_refusals(answer: Answer, kind: type[BentoMLException], accepted: int) -> None:
    on = queue()
    assert isinstance(play(flow(on), answer).error, kind)
    assert (on.control.limit, on.control.accepted) == (math.inf, accepted)


def test_a_stream_has_its_place_until_its_head_is_there() -> None:
    on = queue()
    context = CallContext(
        Timeout(), ADAPTIVE, Limits(), Cookies(), RetryBudget(), lambda: 0.0, lambda _: None, queue=on
    )
    run = FlowRunner(send_request(POST, event_reader(Limits()), context, 0.0))
    assert run.step is not None
    assert repr(on.control) == "<CongestionControl: 1 calls, limit inf>"
    run.step.exchange.receive(Head(200, (("content-type", "text/event-stream"),)))
    run.resume(1.0)
    assert run.result.is_streaming
    assert repr(on.control) == "<CongestionControl: 0 calls, limit inf>"


# --- waiting


def test_those_that_wait_are_served_in_their_order() -> None:
    on = queue()
    (first,) = full(on)
    second, third = FlowRunner(flow(on)), FlowRunner(flow(on))
    assert waits(second, 0.0) > 0
    first_wait = waits(second, 0.0)
    assert waits(third, 0.0) > first_wait
    assert repr(on) == "<AdmissionQueue: 2 calls wait>"
    carried_out(first, OK, 1.0)
    on.control.limit = 1.0
    assert waits(third, 1.0) > 0
    assert waits(FlowRunner(flow(on, now=1.0)), 1.0) > 0, "what is new is the last"
    assert waits(second, 1.0) == 0.0
    assert waits(second, 1.0) == 0.0, "it keeps its place"


def test_a_total_timeout_ends_the_wait() -> None:
    on = queue()
    (first,) = full(on)
    run = FlowRunner(flow(on, total=2.0))
    assert 0 < waits(run, 0.0) <= 0.5
    assert 0 < waits(run, 1.95) <= 0.051
    with pytest.raises(CallTimeout, match="within 2 seconds") as caught:
        waits(run, 2.0)
    assert caught.value.sent is False
    assert len(caught.value.attempts) == 1
    assert "no response after 2 seconds" in caught.value.__notes__[0]
    run.close()
    first.close()
    assert repr(on) == "<AdmissionQueue: 0 calls wait>"


def test_a_total_timeout_after_a_refusal() -> None:
    on = queue()
    (first,) = full(on)
    run = FlowRunner(flow(on, total=2.0))
    on.control.limit = 2.0
    assert waits(run, 0.0) == 0.0
    carried_out(run, BUSY, 0.5)
    with pytest.raises(CallTimeout) as caught:
        waits(run, 2.0)
    assert caught.value.sent is True
    assert isinstance(caught.value.__cause__, TooManyRequests)
    assert [line.partition(":")[0] for line in caught.value.attempts] == ["TooManyRequests", "CallTimeout"]
    carried_out(first, OK, 3.0)


def test_what_is_left_of_the_total_is_for_the_response() -> None:
    on = queue()
    (first,) = full(on)
    run = FlowRunner(flow(on, total=10.0))
    assert waits(run, 0.0) > 0
    carried_out(first, OK, 4.0)
    assert waits(run, 4.0) == 0.0
    assert run.step is not None
    assert run.step.timeout == Timeout(6.0, total=6.0)


def test_a_pause_beyond_the_total_is_not_waited_for() -> None:
    played = play(flow(queue(), total=2.0), reply(429, headers={"retry-after": "3"}))
    assert isinstance(played.error, TooManyRequests)
    assert played.now == 0.0


def test_closing_the_client_ends_the_wait() -> None:
    session = Session("http://service", environ={}, random=lambda: 0.0)
    on = session._requests.queue
    (first,) = full(on)
    run = FlowRunner(flow(on))
    assert 0 < waits(run, 0.0) <= 0.5
    session.close()
    with pytest.raises(LocalProtocolError, match="the client is closed"):
        waits(run, 0.1)
    first.close()


def test_a_forked_child_forgets_the_calls_of_its_parent() -> None:
    session = Session("http://service", environ={}, random=lambda: 0.0)
    on = session._requests.queue
    (first,) = full(on)
    second = FlowRunner(flow(on))
    assert waits(second, 0.0) > 0
    session.after_fork()
    third = FlowRunner(flow(on))
    assert waits(third, 0.0) == 0.0
    for run in (first, second, third):
        run.close()
    assert repr(on) == "<AdmissionQueue: 0 calls wait>"


def test_no_wait_is_longer_than_it_takes_to_notice_the_end() -> None:
    run = FlowRunner(flow(queue()))
    carried_out(run, reply(429, headers={"retry-after": "30"}), 0.0)
    assert [waits(run, now) for now in (0.0, 10.0, 29.75, 30.0)] == [0.5, 0.5, 0.25, 0.0]


@pytest.mark.parametrize("has_waited", [False, True])
def test_a_cancelled_call_leaves_its_place(has_waited: bool) -> None:
    on = queue()
    (first,) = full(on)
    second, third = FlowRunner(flow(on)), FlowRunner(flow(on))
    assert waits(third, 0.0) > 0
    if has_waited:
        assert waits(second, 0.0) > 0
    second.close()
    first.close()
    assert waits(third, 1.0) == 0.0


def test_calls_that_wait_end_with_an_outage() -> None:
    on, policy = queue(), ADAPTIVE.replace(max_outage=1)
    first = FlowRunner(flow(on))
    play(flow(on, RetryPolicy(attempts=1, adaptive=True)), BUSY)
    never_sent, refused = FlowRunner(flow(on, policy)), FlowRunner(flow(on, policy))
    on.control.limit = 2.0
    assert waits(refused, 0.0) == 0.0
    carried_out(refused, BUSY, 0.0)
    assert waits(never_sent, 0.5) > 0
    with pytest.raises(ServiceUnavailable, match="has accepted no call for 2 seconds: RetryPolicy") as caught:
        waits(never_sent, 2.0)
    assert caught.value.retryable
    with pytest.raises(TooManyRequests):
        waits(refused, 2.0)
    first.close()


def test_plain_calls_share_the_limit_with_a_batch() -> None:
    on = queue()
    state = batch(100, 8, on=on.control)
    for _ in range(8):
        assert state.due(0.0) is not None
    state.fail(7, TooManyRequests("busy", error_code=429), 0.0)
    runs = [FlowRunner(flow(on)) for _ in range(8)]
    assert all(waits(run, 0.0) > 0 for run in runs)
    for number in range(4):
        state.finish(number, None, 0.1)
    assert state.due(0.1) is None, "the plain calls have none yet"
    began = [waits(run, 0.1) == 0.0 for run in runs]
    assert 3 <= sum(began) <= 4
    assert began == sorted(began, reverse=True)


def test_the_calls_of_a_batch_wait_in_the_batch_only() -> None:
    assert not batch_retries(ADAPTIVE).adaptive
    assert batch_retries(ADAPTIVE).max_outage == ADAPTIVE.max_outage


# --- hooks, and drivers that ask for nothing


def test_hooks_learn_of_the_wait() -> None:
    told: list[RequestEvent | ResponseEvent | RetryEvent | EndEvent] = []
    hooks = Hooks(
        request=lambda event: told.append(event),
        response=lambda event: told.append(event),
        retry=lambda event: told.append(event),
        end=lambda event: told.append(event),
    )
    on = queue()
    run = FlowRunner(flow(on, hooks=(hooks,)))
    carried_out(run, BUSY, 1.0)
    now = 1.0
    while seconds := waits(run, now):
        now += seconds
    carried_out(run, OK, now + 3.0)
    retry = next(event for event in told if isinstance(event, RetryEvent))
    assert retry.wait == 0.25
    assert [event.delay for event in told if isinstance(event, RequestEvent)] == [0, 0.25]
    assert [event.seconds for event in told if isinstance(event, ResponseEvent)] == [1.0, 3.0]


def test_hooks_learn_of_a_wait_that_ends_in_an_error() -> None:
    ends: list[EndEvent] = []
    on = queue()
    (first,) = full(on)
    run = FlowRunner(flow(on, total=1.0, hooks=(Hooks(end=ends.append),)))
    try:
        waits(run, 1.0)
    except CallTimeout:
        run.close()
    first.close()
    assert ends[0].error is not None
    assert ends[0].error.startswith("CallTimeout")


def test_a_driver_that_only_sleeps_is_counted_nonetheless() -> None:
    on = queue()
    runs = full(on, 2)
    third = FlowRunner(flow(on))
    assert third.step is not None
    assert third.step.delay > 0
    carried_out(third, BUSY, 1.0)
    assert repr(on.control) == "<CongestionControl: 2 calls, limit 1.8>"
    carried_out(third, OK, 2.0)
    assert on.control.accepted == 1
    for run in runs:
        run.close()


# --- many calls in virtual time


def run_all(on: AdmissionQueue, service: Simulated, calls: Sequence[float], *states: BatchState) -> float:
    """Run plain calls, each from its time on, beside batches; return how long all took."""
    now, order = 0.0, itertools.count()
    due: list[tuple[float, int, int, FlowRunner[Exchange[bytes]] | None]] = []
    due += [(at, next(order), number, None) for number, at in enumerate(calls)]
    ends: list[tuple[float, int, int, FlowRunner[Exchange[bytes]] | BatchState, Exception | None]] = []
    heapq.heapify(due)
    while due or ends or not all(state.is_idle for state in states):
        while due and due[0][0] <= now:
            _, _, number, begun = heapq.heappop(due)
            run = begun or FlowRunner(flow(on, now=now))
            if seconds := waits(run, now):
                heapq.heappush(due, (now + seconds, next(order), number, run))
            else:
                at, error = service.begin(number, now)
                heapq.heappush(ends, (at, next(order), number, run, error))
        for state in states:
            while (job := state.due(now)) is not None:
                at, error = service.begin(1000 + job[0], now)
                heapq.heappush(ends, (at, next(order), job[0], state, error))
        wakes = min([now + state.wait(now) for state in states] + [at for at, *_ in due[:1]], default=math.inf)
        assert ends or wakes < math.inf, "nothing will ever happen"
        if not ends or wakes < ends[0][0]:
            now = max(wakes, math.nextafter(now, math.inf))
            continue
        now, _, number, ending, error = heapq.heappop(ends)
        if error is None:
            service.end()
        if isinstance(ending, BatchState):
            if error is None:
                ending.finish(number, None, now)
            else:
                ending.fail(number, error, now)
        else:
            asked = getattr(error, "retry_after", None)
            headers = {} if asked is None else {"retry-after": str(math.ceil(asked))}
            busy = reply(429, headers=headers) if isinstance(error, TooManyRequests) else DOWN
            carried_out(ending, OK if error is None else busy, now)
            if ending.step is None:
                assert ending.result.result == b"7"
            else:
                heapq.heappush(due, (now, next(order), number, ending))
    return now


@settings(max_examples=60, deadline=None)
@given(
    capacity=st.integers(1, 20),
    count=st.integers(1, 60),
    spread=st.floats(0, 5),
    batched=st.integers(0, 60),
    down=st.none() | st.tuples(st.floats(0, 5), st.floats(0, 20)),
    retry_after=st.none() | st.floats(0, 3),
    seed=st.integers(0, 2**32),
)
def test_nothing_is_lost_and_nothing_runs_twice(
    capacity: int,
    count: int,
    spread: float,
    batched: int,
    down: tuple[float, float] | None,
    retry_after: float | None,
    seed: int,
) -> None:
    chance = random.Random(seed)
    on = AdmissionQueue(CongestionControl(chance.random))
    outage = (-1.0, -1.0) if down is None else (down[0], down[0] + down[1])
    service = Simulated(capacity, lambda: chance.uniform(0.05, 0.3), outage, retry_after)
    calls = [chance.uniform(0, spread) for _ in range(count)]
    states = [batch(batched, 16, on=on.control)] if batched else []
    run_all(on, service, calls, *states)
    for state in states:
        assert errors(state) == [None] * batched
    assert sorted(service.ran) == [*range(count), *range(1000, 1000 + batched)]
    assert repr(on) == "<AdmissionQueue: 0 calls wait>"
    assert repr(on.control).startswith("<CongestionControl: 0 calls")


@pytest.mark.parametrize("capacity", [1, 4, 16, 64])
@pytest.mark.parametrize("seconds", [0.02, 0.2])
def test_the_capacity_of_the_service_is_used(capacity: int, seconds: float) -> None:
    chance, on = random.Random(capacity), queue()
    service = Simulated(capacity, lambda: chance.uniform(0.5, 1.5) * seconds)
    took = run_all(on, service, [0.0] * 400)
    assert took < 1.3 * 400 * seconds / capacity + 2
    assert service.refusals < 600


def test_a_wait_costs_few_questions() -> None:
    """Each call asks the oftener the nearer its turn is."""
    on = queue()
    service = Simulated(16, lambda: 0.2)
    asked = 0
    wait = on.wait

    def counted(ticket: int, now: float, *, is_waiting: bool) -> float:
        nonlocal asked
        asked += 1
        return wait(ticket, now, is_waiting=is_waiting)

    setattr(on, "wait", counted)  # noqa: B010 - counts, and changes nothing
    run_all(on, service, [0.0] * 400)
    assert asked < 25 * 400


def test_a_batch_and_plain_calls_advance_alike() -> None:
    on, service = queue(), Simulated(8, lambda: 0.1)
    state = batch(200, 32, on=on.control)
    run_all(on, service, [0.0] * 200, state)
    half = [number >= 1000 for number in service.ran[:200]]
    assert 60 < sum(half) < 140


def test_a_service_that_restarts_is_asked_little_and_used_again_soon() -> None:
    on, service = queue(), Simulated(1000, lambda: 0.2, (2.0, 12.0))
    took = run_all(on, service, [number * 0.02 for number in range(800)])
    assert service.refusals < 30
    assert took < 30
