"""Waiting for a task: when its status is requested, and what failed requests mean."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bento_proto import (
    JSON,
    BentoMLException,
    CallTimeout,
    ConnectError,
    Exchange,
    FailureKind,
    Forbidden,
    NotFound,
    RemoteProtocolError,
    ResultStatus,
    Session,
    TaskFailed,
    Timeout,
)
from bento_proto.policy import Poll
from bento_proto.session import TaskHandle

from .play import Answer, Forever, Played, Script, lost, play, reply

SCHEMA: JSON = {"name": "S", "routes": [{"name": "job", "route": "/job", "is_task": True, "output": {}}]}
PENDING, GOING, DONE, FAILED, CANCELED = (
    reply(200, {"status": word}) for word in ("pending", "in_progress", "completed", "failed", "canceled")
)
EVEN = Poll(interval=1.0, factor=1.0, max_interval=1.0)


def session(chance: float = 0.0, **options: Any) -> Session:
    return Session("http://h:1", schema=SCHEMA, environ={}, random=lambda: chance, **options)


def waited(
    *script: Script,
    seconds: float | None = None,
    poll: Poll | float | None = None,
    chance: float = 0.0,
    now: float = 0.0,
    **options: Any,
) -> Played[ResultStatus]:
    on = session(chance, **options)
    return play(on.tasks.wait(on.endpoint("job"), "i d", seconds, poll, on.options, now), *script, now=now)


def resulted(
    *script: Script, seconds: float | None = None, poll: Poll = EVEN, cancel: bool = False
) -> Played[Exchange[object]]:
    on = session()
    return play(on.tasks.result(on.endpoint("job"), "i", seconds, poll, cancel, on.options, 0.0), *script)


@pytest.mark.parametrize(
    ("end", "status"),
    [(DONE, ResultStatus.COMPLETED), (FAILED, ResultStatus.FAILED), (CANCELED, ResultStatus.CANCELED)],
)
def test_the_status_is_requested_until_it_is_final(end: Answer, status: ResultStatus) -> None:
    played = waited(PENDING, GOING, GOING, end)
    assert played.result is status
    assert set(played.lines) == {"GET http://h:1/job/status?task_id=i%20d"}


def test_a_handle_keeps_the_status_that_it_last_had() -> None:
    on, handle = session(), TaskHandle("i")
    had = [handle.last_status]
    play(on.tasks.status(on.endpoint("job"), handle, on.options, 0.0), PENDING)
    had.append(handle.last_status)
    play(on.tasks.wait(on.endpoint("job"), handle, None, EVEN, on.options, 0.0), GOING, DONE)
    had.append(handle.last_status)
    assert had == [None, ResultStatus.PENDING, ResultStatus.COMPLETED]


# --- how often


def test_pauses_grow_to_max_interval() -> None:
    script = (*[GOING] * 15, DONE)
    delays = waited(*script).delays
    assert delays[:3] == [0.0, 0.1, pytest.approx(0.15)]
    assert delays == sorted(delays)
    assert delays[-1] == delays[-2] == 5.0


def test_pauses_are_shortened_at_random() -> None:
    script = (*[GOING] * 15, DONE)
    assert waited(*script, chance=1.0).delays == pytest.approx([0.75 * delay for delay in waited(*script).delays])


def test_pauses_of_a_poll() -> None:
    assert waited(GOING, GOING, GOING, DONE, poll=2).delays == [0.0, 2.0, 2.0, 2.0]
    poll = Poll(interval=1.0, factor=2.0, max_interval=3.0)
    assert waited(GOING, GOING, GOING, GOING, DONE, poll=poll).delays == [0.0, 1.0, 2.0, 3.0, 3.0]


@pytest.mark.parametrize("poll", [0, -1, math.nan, Poll(factor=0.5), Poll(max_interval=0), Poll(max_silence=-1)])
def test_invalid_polls(poll: Poll | float) -> None:
    with pytest.raises(ValueError, match="can't ask at such intervals"):
        waited(poll=poll)


@given(
    st.builds(Poll, interval=st.floats(1e-3, 1e3), factor=st.floats(1, 1e3), max_interval=st.floats(1e-3, 1e3)),
    st.integers(1, 10**9),
    st.floats(0, 1),
)
def test_a_pause_is_positive_and_at_most_max_interval(poll: Poll, questions: int, chance: float) -> None:
    assert 0 < poll.pause(questions, lambda: chance) <= poll.max_interval


@pytest.mark.parametrize("status", [200, 429, 503])
def test_retry_after_makes_a_pause_longer(status: int) -> None:
    asking = reply(status, {"status": "pending"}, {"retry-after": "7"})
    assert waited(asking, asking, DONE).delays == [0.0, 7.0, 7.0]
    assert waited(asking, DONE, poll=9).delays == [0.0, 9.0]
    assert waited(asking, DONE, seconds=3).delays == [0.0, 3.0]


def test_retry_after_is_bounded() -> None:
    asking = reply(200, {"status": "pending"}, {"retry-after": "999999"})
    assert waited(asking, DONE).delays == [0.0, 60.0]


# --- how long


def test_the_timeout_expires() -> None:
    played = waited(*[GOING] * 4, seconds=2.5, poll=EVEN, now=100.0)
    assert type(played.error) is CallTimeout
    assert str(played.error) == "the task i d is in progress after 2.5 seconds"
    assert played.error.__cause__ is None
    assert (played.delays, played.now) == ([0.0, 1.0, 1.0, 0.5], 102.5)


def test_a_task_that_is_over_at_the_last_moment() -> None:
    assert waited(GOING, GOING, DONE, seconds=2, poll=EVEN).result is ResultStatus.COMPLETED


def test_a_timeout_of_zero_makes_one_request() -> None:
    assert waited(DONE, seconds=0).result is ResultStatus.COMPLETED
    assert str(waited(PENDING, seconds=0).error) == "the task i d is pending after 0 seconds"


@pytest.mark.parametrize("seconds", [-1, math.nan])
def test_invalid_timeouts(seconds: float) -> None:
    with pytest.raises(ValueError, match="a timeout must be a number of seconds"):
        waited(seconds=seconds)


def test_each_request_has_the_rest_of_the_timeout() -> None:
    asked = waited(GOING.after(1.0), GOING.after(1.0), DONE, seconds=4, poll=EVEN, timeout=30).asked
    assert [each.timeout.total for each in asked] == [4.0, 2.0, pytest.approx(0.1)]
    asked = waited(GOING, DONE, seconds=40, poll=EVEN, timeout=Timeout(total=3.0)).asked
    assert [each.timeout.total for each in asked] == [3.0, 3.0]
    assert [each.timeout.total for each in waited(GOING, DONE, timeout=Timeout(total=3.0)).asked] == [3.0, 3.0]
    assert [each.timeout for each in waited(GOING, DONE, timeout=5).asked] == [Timeout(5, 5, 5, 5)] * 2


# --- questions without an answer

UNANSWERED = [
    lost(FailureKind.CONNECT),
    lost(FailureKind.DISCONNECTED),
    lost(FailureKind.TIMEOUT),
    reply(429, {"error": "Too many requests"}),
    reply(502),
    reply(503),
    reply(504),
]


@pytest.mark.parametrize("answer", UNANSWERED)
def test_transient_failures_are_requested_again(answer: Answer) -> None:
    played = waited(answer, answer, GOING, answer, DONE, seconds=100)
    assert played.result is ResultStatus.COMPLETED
    assert played.delays == pytest.approx([0.0, 0.1, 0.15, 0.225, 0.3375])


@pytest.mark.parametrize("answer", UNANSWERED)
def test_the_error_has_the_last_status(answer: Answer) -> None:
    played = waited(PENDING, answer, answer, seconds=2, poll=EVEN)
    assert str(played.error) == "the task i d is pending after 2 seconds"
    assert isinstance(getattr(played.error, "__cause__", None), BentoMLException)
    played = waited(answer, answer, answer, seconds=2, poll=EVEN)
    assert type(played.error) is CallTimeout
    assert str(played.error) == "the server gave no status of the task i d within 2 seconds"


def test_without_a_timeout_max_silence_ends_the_wait() -> None:
    down = lost(FailureKind.CONNECT)
    played = waited(GOING, Forever(down), poll=Poll(interval=1.0, factor=1.0, max_interval=1.0, max_silence=3.0))
    assert isinstance(played.error, ConnectError)
    assert played.now == 3.0
    script = [step for _ in range(50) for step in (down, down, GOING)]
    assert waited(*script, DONE, poll=Poll(interval=1.0, factor=1.0, max_interval=1.0, max_silence=3.0)).now == 150.0


def test_a_timeout_before_the_request_is_transient() -> None:
    played = waited(GOING, lost(FailureKind.IDLE_CLOSED).after(0.2), seconds=1, poll=EVEN)
    assert str(played.error) == "the task i d is in progress after 1 seconds"
    assert isinstance(getattr(played.error, "__cause__", None), CallTimeout)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (reply(404, {"error": "task_id not found"}), NotFound),
        (reply(403), Forbidden),
        (reply(500), BentoMLException),
        (reply(200, {"status": "odd"}), RemoteProtocolError),
        (lost(FailureKind.TLS), ConnectError),
        (lost(FailureKind.PROTOCOL), RemoteProtocolError),
    ],
)
def test_permanent_failures_end_the_wait(answer: Answer, kind: type[BentoMLException]) -> None:
    assert isinstance(waited(GOING, answer, seconds=100).error, kind)


# --- and the result


def test_the_result_of_a_completed_task() -> None:
    played = resulted(GOING, GOING, DONE, reply(200, 7), seconds=5)
    assert played.result.result == 7
    assert [line.partition("?")[0].rpartition("/")[2] for line in played.lines] == ["status"] * 3 + ["get"]
    assert played.asked[-1].timeout.total is None


def test_the_result_of_a_failed_task() -> None:
    refused = reply(500, {"error": "no"})
    played = resulted(FAILED, refused, FAILED)
    assert type(played.error) is TaskFailed
    assert played.error.__cause__ is not None


def test_the_result_of_a_canceled_task() -> None:
    refused = reply(400, {"error": "task ID is not completed yet"})
    played = resulted(CANCELED, refused, CANCELED, refused)
    assert type(played.error) is TaskFailed
    assert str(played.error) == "the task was canceled"


def test_a_late_task_goes_on_by_default() -> None:
    played = resulted(GOING, GOING, seconds=1)
    assert str(played.error) == "the task i is in progress after 1 seconds"


def test_a_late_task_is_canceled_on_request() -> None:
    played = resulted(GOING, GOING, reply(200, {}), seconds=1, cancel=True)
    assert str(played.error) == "the task i is in progress after 1 seconds, and is canceled now"
    assert type(played.error) is CallTimeout
    assert (played.lines[-1], played.asked[-1].timeout.total) == ("PUT http://h:1/job/cancel?task_id=i", 5.0)


@pytest.mark.parametrize("answer", [reply(400, {"error": "not here"}), lost(FailureKind.TIMEOUT, "not here")])
def test_a_late_task_that_can_not_be_canceled(answer: Answer) -> None:
    played = resulted(GOING, GOING, answer, seconds=1, cancel=True)
    assert str(played.error) == "the task i is in progress after 1 seconds, and can't be canceled: not here"


def test_the_end_of_max_silence_cancels_nothing() -> None:
    played = resulted(lost(FailureKind.TIMEOUT), poll=Poll(max_silence=0), cancel=True)
    assert type(played.error) is CallTimeout
    assert str(played.error) == "lost"
