"""Which failures are retried, and after how long."""

from __future__ import annotations

import math
from typing import cast

import pytest

from bento_proto import (
    BentoMLException,
    ConnectionLost,
    Data,
    Exchange,
    FailureKind,
    Head,
    InternalServerError,
    Limits,
    Request,
    RetryPolicy,
    TooManyRequests,
)
from bento_proto.http import Fields, FilePart, Origin, Received
from bento_proto.policy._retry import NEVER, RetryBudget, batch_retries
from bento_proto.response._readers import whole_reader

from .play import Answer, lost, reply

REPEAT = RetryPolicy(idempotent=True)
NOW = "Mon, 23 Nov 2026 19:20:16 GMT"
ONCE = FilePart("pipe", None, replayable=False)


def failed(answer: Answer, *body: bytes | FilePart, method: str = "POST", headers: Fields = ()) -> Exchange[object]:
    request = Request(method, Origin("http", "h", 80), "/", headers, body or (b"{}",))
    exchange: Exchange[object] = Exchange(request, whole_reader(bytes, 100), Limits())
    for event in answer.events:
        exchange.receive(event)
    assert exchange.error is not None
    return exchange


def wait(policy: RetryPolicy, exchange: Exchange[object], failures: int = 1, chance: float = 0.0) -> float | None:
    return policy.wait(exchange, failures, lambda: chance)


def test_a_malformed_retry_after_is_ignored() -> None:
    assert wait(RetryPolicy(), failed(reply(429, headers={"retry-after": "soon"}))) == 0.25
    assert wait(RetryPolicy(), failed(reply(503, headers={"retry-after": "soon"}))) is None


@pytest.mark.parametrize(
    ("loss", "plain", "repeated"),
    [
        (FailureKind.CONNECT, True, True),
        (FailureKind.TLS, False, False),  # waiting makes no certificate better
        (FailureKind.PROXY, False, False),
        (FailureKind.IDLE_CLOSED, False, True),  # beyond the one time that a flow tries at once
        (FailureKind.DISCONNECTED, False, True),
        (FailureKind.TIMEOUT, False, True),
        (FailureKind.PROTOCOL, False, False),
    ],
)
def test_failures(loss: FailureKind, plain: bool, repeated: bool) -> None:
    assert (wait(RetryPolicy(), failed(lost(loss))) is not None) is plain
    assert (wait(REPEAT, failed(lost(loss))) is not None) is repeated


@pytest.mark.parametrize("kind", [FailureKind.IDLE_CLOSED, FailureKind.DISCONNECTED])
def test_a_request_that_provably_was_not_read_is_sent_again(kind: FailureKind) -> None:
    assert wait(RetryPolicy(), failed(lost(kind, sent=False))) == 0.25
    after_a_head = Answer((Head(200), *lost(kind, sent=False).events))  # which is no proof
    assert wait(RetryPolicy(), failed(after_a_head)) is None


def test_a_timeout_is_not_multiplied_by_the_attempts() -> None:
    assert wait(RetryPolicy(), failed(lost(FailureKind.TIMEOUT, sent=False))) is None
    assert wait(RetryPolicy(), failed(lost(FailureKind.TIMEOUT), method="GET")) is None


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE"])
def test_only_get_and_head_are_safe(method: str) -> None:
    is_safe = method in ("GET", "HEAD")
    assert (wait(RetryPolicy(), failed(lost(), method=method)) is not None) is is_safe
    assert wait(RetryPolicy(), failed(reply(502), method=method)) is None
    assert wait(NEVER, failed(lost(), method=method)) is None


def test_an_idempotency_key_declares_a_request_repeatable() -> None:
    for answer in (lost(), lost(FailureKind.TIMEOUT), lost(FailureKind.IDLE_CLOSED), reply(502), reply(503)):
        assert wait(RetryPolicy(), failed(answer)) is None
        assert wait(RetryPolicy(), failed(answer, headers=(("idempotency-key", "1"),))) == 0.25
    assert wait(RetryPolicy(), failed(reply(500), headers=(("idempotency-key", "1"),))) is None


def test_further_statuses_and_exceptions() -> None:
    assert wait(RetryPolicy(statuses={500, 408}), failed(reply(500))) == 0.25
    assert wait(RetryPolicy(statuses={500, 408}), failed(reply(502))) is None
    assert wait(RetryPolicy(statuses={500}), failed(reply(500, headers={"retry-after": "7"}))) == 7.0
    assert wait(RetryPolicy(statuses={500}), failed(reply(500), ONCE)) is None
    assert wait(RetryPolicy(exceptions={ConnectionLost}), failed(lost())) == 0.25
    assert wait(RetryPolicy(exceptions=[ConnectionLost]), failed(lost(FailureKind.TIMEOUT))) is None
    assert wait(RetryPolicy(exceptions=(InternalServerError,)), failed(reply(500))) == 0.25


def test_a_function_decides_first() -> None:
    def decide(error: BentoMLException) -> bool | None:
        return {404: True, 429: False}.get(error.error_code or 0)

    policy = RetryPolicy(retry_if=decide, exceptions=(TooManyRequests,))
    assert wait(policy, failed(reply(404))) == 0.25
    assert wait(policy, failed(reply(429))) is None
    assert wait(policy, failed(lost(FailureKind.CONNECT))) == 0.25
    assert wait(policy, failed(reply(404)), failures=3) is None
    assert wait(policy, failed(reply(404), ONCE)) is None


@pytest.mark.parametrize(
    ("status", "plain", "repeated"),
    [(400, 0, 0), (404, 0, 0), (429, 1, 1), (500, 0, 0), (502, 0, 1), (503, 0, 1), (504, 0, 1), (599, 0, 0)],
)
def test_statuses(status: int, plain: int, repeated: int) -> None:
    assert (wait(RetryPolicy(), failed(reply(status))) is not None) is bool(plain)
    assert (wait(REPEAT, failed(reply(status))) is not None) is bool(repeated)


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("after", "seconds"),
    [
        ("7", 7.0),
        ("0", 0.25),  # never sooner than the backoff
        ("60", 60.0),
        ("61", None),  # beyond the policy's patience
        ("Mon, 23 Nov 2026 19:20:26 GMT", 10.0),
        ("Mon, 23 Nov 2026 19:00:00 GMT", 0.25),
    ],
)
def test_retry_after_is_obeyed(status: int, after: str, seconds: float | None) -> None:
    assert wait(RetryPolicy(), failed(reply(status, headers={"retry-after": after, "date": NOW}))) == seconds


@pytest.mark.parametrize("status", [500, 502, 504])
def test_retry_after_of_other_statuses_is_ignored(status: int) -> None:
    assert wait(RetryPolicy(), failed(reply(status, headers={"retry-after": "1"}))) is None


def test_waits_double_up_to_max_backoff_and_are_shortened_at_random() -> None:
    policy, exchange = RetryPolicy(attempts=100_000, backoff=0.5, max_backoff=3.0), failed(lost(FailureKind.CONNECT))
    assert [wait(policy, exchange, failures) for failures in (1, 2, 3, 4, 5)] == [0.5, 1.0, 2.0, 3.0, 3.0]
    assert wait(policy, exchange, 1, chance=1.0) == 0.375
    assert wait(policy, exchange, 99_999) == 3.0


def test_the_number_of_attempts_is_limited() -> None:
    exchange = failed(lost(FailureKind.CONNECT))
    assert wait(RetryPolicy(attempts=3), exchange, 2) is not None
    assert wait(RetryPolicy(attempts=3), exchange, 3) is None
    assert wait(NEVER, exchange, 1) is None


def test_a_body_that_can_be_read_once_is_sent_once() -> None:
    assert wait(REPEAT, failed(lost(FailureKind.CONNECT), ONCE)) is None


def test_a_response_that_is_cut_off_may_be_repeated() -> None:
    events: tuple[Received, ...] = (Head(200), *lost(FailureKind.DISCONNECTED).events)
    assert wait(REPEAT, failed(Answer(events))) is not None
    assert wait(RetryPolicy(), failed(Answer(events))) is None


def test_an_error_response_whose_body_is_cut_off() -> None:
    events: tuple[Received, ...] = (Head(503, (("retry-after", "7"),)), *lost(FailureKind.DISCONNECTED).events)
    assert wait(RetryPolicy(), failed(Answer(events))) == 7.0
    assert wait(REPEAT, failed(Answer((Head(500), *lost(FailureKind.DISCONNECTED).events)))) is None


def test_an_invalid_response_is_not_repeated() -> None:
    assert wait(REPEAT, failed(Answer((Head(200), Data(b"x" * 101))))) is None


def test_an_exchange_without_an_error() -> None:
    exchange: Exchange[object] = Exchange(
        Request("GET", Origin("http", "h", 80), "/"), whole_reader(bytes, 1), Limits()
    )
    assert wait(REPEAT, exchange) is None


def test_a_number_is_a_policy() -> None:
    assert RetryPolicy.of(None) == RetryPolicy.of(0) == NEVER
    assert RetryPolicy.of(2).attempts == 3
    assert RetryPolicy.of(REPEAT) is REPEAT


@pytest.mark.parametrize(
    "value", [-1, RetryPolicy(attempts=0), RetryPolicy(backoff=-1), RetryPolicy(max_retry_after=-0.1)]
)
def test_invalid_policies(value: RetryPolicy | int) -> None:
    with pytest.raises(ValueError, match="negative"):
        RetryPolicy.of(value)


@pytest.mark.parametrize("value", [2.5, math.inf])
def test_attempts_are_whole(value: float) -> None:
    with pytest.raises(ValueError, match="whole number"):
        RetryPolicy.of(cast("int", value))


def test_a_budget_is_spent_and_earned() -> None:
    budget = RetryBudget()
    assert [budget.spend(2, 5.0) for _ in range(4)] == [True, True, False, False]
    for _ in range(11):
        budget.earn()
    assert [budget.spend(2, 5.0) for _ in range(2)] == [True, False]
    for _ in range(1000):
        budget.earn()
    assert [budget.spend(2, 5.0) for _ in range(3)] == [True, True, False]


def test_a_budget_is_earned_by_time() -> None:
    budget = RetryBudget()
    assert [budget.spend(2, 5.0) for _ in range(3)] == [True, True, False]
    assert not budget.spend(2, 5.5)
    assert budget.spend(2, 6.0)
    assert not budget.spend(2, 3.0), "another thread read the clock before"
    assert [budget.spend(2, 100.0) for _ in range(3)] == [True, True, False]
    assert all(budget.spend(math.inf, 100.0) for _ in range(1000))


@pytest.mark.parametrize("answer", [lost(FailureKind.CONNECT), reply(429), reply(503, headers={"retry-after": "1"})])
def test_a_batch_sends_again_what_was_refused_by_itself(answer: Answer) -> None:
    policy = RetryPolicy(attempts=5, statuses=[418], budget=7)
    batch = batch_retries(policy)
    assert wait(policy, failed(answer)) is not None
    assert wait(batch, failed(answer)) is None
    assert batch.allows(failed(answer))
    assert wait(batch, failed(reply(418))) == 0.25
    assert (batch.attempts, batch.budget) == (5, 7)
