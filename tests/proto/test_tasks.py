"""What the server says of tasks."""

from __future__ import annotations

import json
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bento_proto import (
    BentoMLException,
    ConnectError,
    Flow,
    Headers,
    InvalidArgument,
    NotFound,
    RemoteProtocolError,
    ResultStatus,
    Run,
    TaskFailed,
    TaskNotCompleted,
)
from bento_proto._tasks import outcome, parse_status, parse_task_id
from tests.recordings import load

T = TypeVar("T")

ANSWERS = [r for r in load("tasks", "old") if r.status == 200]


def test_recorded_ids() -> None:
    answers = [r for r in ANSWERS if r.target.partition("?")[0].endswith(("/submit", "/retry"))]
    assert len(answers) > 20
    for recording in answers:
        if recording.endpoint != "submit":  # that one is an endpoint of this name
            assert parse_task_id(recording.response_body) in recording.response_body.decode()


def test_recorded_statuses() -> None:
    answers = [r for r in ANSWERS if r.target.partition("?")[0].endswith("/status")]
    found = {json.loads(r.response_body)["status"]: parse_status(r.response_body) for r in answers}
    assert found.keys() >= {"in_progress", "completed", "failed", "canceled", "success"}
    assert found["success"] is found["completed"] is ResultStatus.COMPLETED


@pytest.mark.parametrize(
    ("word", "status", "is_final"),
    [
        ("pending", ResultStatus.PENDING, False),
        ("in_progress", ResultStatus.IN_PROGRESS, False),
        ("completed", ResultStatus.COMPLETED, True),
        ("failed", ResultStatus.FAILED, True),
        ("canceled", ResultStatus.CANCELED, True),
        ("success", ResultStatus.COMPLETED, True),  # as BentoML before 1.4.14 has them
        ("failure", ResultStatus.FAILED, True),
        ("cancelled", ResultStatus.CANCELED, True),
    ],
)
def test_statuses_of_all_versions(word: str, status: ResultStatus, is_final: bool) -> None:
    assert parse_status(json.dumps({"status": word}).encode()) is status
    assert status.is_final is is_final


@pytest.mark.parametrize(
    "said", ["[]", "null", "{}", '{"status":null}', '{"status":[]}', '{"status":"odd"}', '{"status":5}', '"failed"']
)
def test_a_status_that_is_none(said: str) -> None:
    with pytest.raises(RemoteProtocolError, match="the server gives a task the status '"):
        parse_status(said.encode())


@pytest.mark.parametrize("said", ["[]", "null", "{}", '{"task_id":null}', '{"task_id":""}', '{"task_id":5}', '"id"'])
def test_an_id_that_is_none(said: str) -> None:
    with pytest.raises(RemoteProtocolError, match="the server's answer names no task"):
        parse_task_id(said.encode())


def test_a_long_status_is_not_repeated_in_full() -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        parse_status(json.dumps({"status": "x" * 10_000}).encode())
    assert len(str(caught.value)) < 200


@settings(max_examples=100, deadline=None)
@given(st.binary() | st.from_regex(rb'\{"(status|task_id)":("[a-z]{0,3}"|\[\]|null|1)\}', fullmatch=True))
def test_any_answer_is_understood_or_refused(data: bytes) -> None:
    for parse in (parse_status, parse_task_id):
        try:
            assert parse(data)
        except RemoteProtocolError:
            continue


# --- a result that is not to be had


def gives(result: T) -> Flow[T]:
    """A flow that comes to a result."""
    yield from ()
    return result


def raises(error: BentoMLException) -> Flow[Any]:
    """A flow that gives up."""
    yield from ()
    raise error


def ran(fetching: Flow[Any], status: Flow[ResultStatus]) -> Any:
    return Run(outcome(fetching, lambda: status)).result


REFUSAL = InvalidArgument("no", error_code=400, detail=["d"], headers=Headers((("x", "y"),)), request_id="0123")


def test_a_result_is_the_outcome() -> None:
    assert ran(gives("result"), raises(NotFound())) == "result"


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (ResultStatus.PENDING, TaskNotCompleted),
        (ResultStatus.IN_PROGRESS, TaskNotCompleted),
        (ResultStatus.FAILED, TaskFailed),
    ],
)
def test_a_refusal_is_told_by_where_the_task_stands(status: ResultStatus, error: type[BentoMLException]) -> None:
    with pytest.raises(error, match=r"^no$") as caught:
        ran(raises(REFUSAL), gives(status))
    assert type(caught.value) is error
    assert vars(caught.value) == vars(REFUSAL)
    assert caught.value.__cause__ is REFUSAL


@pytest.mark.parametrize("status", [ResultStatus.COMPLETED, ResultStatus.CANCELED])
def test_a_task_that_neither_failed_nor_goes_on_is_refused_as_the_server_refused_it(status: ResultStatus) -> None:
    with pytest.raises(InvalidArgument) as caught:
        ran(raises(REFUSAL), gives(status))
    assert caught.value is REFUSAL


def test_nobody_asks_further_where_there_was_no_answer() -> None:
    with pytest.raises(ConnectError):
        ran(raises(ConnectError("refused")), raises(NotFound()))


def test_a_task_that_is_unknown() -> None:
    with pytest.raises(NotFound, match="unknown"):
        ran(raises(REFUSAL), raises(NotFound("unknown")))
