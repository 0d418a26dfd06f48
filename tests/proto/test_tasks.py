"""Task ids, statuses and results."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bento_proto import (
    BentoMLException,
    ConnectError,
    Exchange,
    FailureKind,
    InvalidArgument,
    NotFound,
    RemoteProtocolError,
    ResultStatus,
    Session,
    TaskFailed,
    TaskNotCompleted,
    Timeout,
)
from bento_proto.policy._tasks import parse_status, parse_task_id
from tests.proto.play import Answer, Played, lost, play, reply
from tests.recordings import load, schema

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
def test_invalid_statuses(said: str) -> None:
    with pytest.raises(RemoteProtocolError, match="the server gives a task the status '"):
        parse_status(said.encode())


@pytest.mark.parametrize("said", ["[]", "null", "{}", '{"task_id":null}', '{"task_id":""}', '{"task_id":5}', '"id"'])
def test_invalid_ids(said: str) -> None:
    with pytest.raises(RemoteProtocolError, match="the server's response has no task id"):
        parse_task_id(said.encode())


def test_a_long_status_is_not_repeated_in_full() -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        parse_status(json.dumps({"status": "x" * 10_000}).encode())
    assert len(str(caught.value)) < 200


@settings(max_examples=100)
@given(st.binary() | st.from_regex(rb'\{"(status|task_id)":("[a-z]{0,3}"|\[\]|null|1)\}', fullmatch=True))
def test_any_response_is_parsed_or_refused(data: bytes) -> None:
    for parse in (parse_status, parse_task_id):
        try:
            assert parse(data)
        except RemoteProtocolError:
            continue


# --- a result that is not to be had


ID = "0123456789abcdef"
ACCEPTED = reply(200, b"7")
IN_BETWEEN = reply(400, {"error": "task ID is not completed yet"})
FAILED = reply(400, [{"error": "no"}], {"x": "y", "x-bentoml-request-id": "0123"})


def fetched(*script: Answer, **options: Any) -> Played[Exchange[object]]:
    session = Session("http://h:1", schema=schema("ZooTasks"), environ={}, random=lambda: 0.0, retries=0, **options)
    return play(session.tasks.get(session.endpoint("json_task"), ID, session.options, 0.0), *script)


def stands(status: str) -> Answer:
    return reply(200, {"task_id": ID, "status": status})


def asked(played: Played[Exchange[object]]) -> list[str]:
    return [each.request.target.removeprefix("/json_task/").removesuffix(f"?task_id={ID}") for each in played.asked]


def test_the_result_of_a_task() -> None:
    played = fetched(ACCEPTED)
    assert played.result.result == 7
    assert asked(played) == ["get"]


@pytest.mark.parametrize("status", ["pending", "in_progress"])
@pytest.mark.parametrize("answer", [IN_BETWEEN, reply(429, {"error": "Too many requests"})])
def test_an_error_while_the_task_runs_is_task_not_completed(status: str, answer: Answer) -> None:
    played = fetched(answer, stands(status))
    assert type(played.error) is TaskNotCompleted
    cause = played.error.__cause__
    assert isinstance(cause, BentoMLException)
    assert (played.error.message, played.error.curl) == (cause.message, cause.curl)
    assert played.error.__notes__ == [
        *cause.__notes__,
        "result() waits for it, and get_status() says how far it is",
    ]
    assert asked(played) == ["get", "status"]


@pytest.mark.parametrize("word", ["failed", "failure"])
def test_the_cause_of_a_failed_task_is_the_error_of_a_direct_call(word: str) -> None:
    played = fetched(FAILED, stands(word), FAILED)
    error = played.error
    assert type(error) is TaskFailed
    assert (error.message, error.error_code, error.request_id, error.headers["x"]) == ("no", 400, "0123", "y")
    assert type(error.__cause__) is InvalidArgument
    assert error.__notes__ == error.__cause__.__notes__
    assert asked(played) == ["get", "status", "get"]


def test_a_failed_task_with_another_status() -> None:
    played = fetched(reply(418, [{"error": "teapot"}]), stands("failed"))
    assert type(played.error) is TaskFailed
    assert (played.error.message, played.error.error_code) == ("teapot", 418)
    assert asked(played) == ["get", "status"]


def test_a_task_that_completes_between_the_requests() -> None:
    played = fetched(IN_BETWEEN, stands("completed"), ACCEPTED)
    assert played.result.result == 7
    played = fetched(IN_BETWEEN, stands("failed"), FAILED)
    assert type(played.error) is TaskFailed
    assert played.error.message == "no"


@pytest.mark.parametrize("word", ["canceled", "cancelled"])
def test_a_canceled_task_has_failed(word: str) -> None:
    played = fetched(IN_BETWEEN, stands(word), IN_BETWEEN)
    assert type(played.error) is TaskFailed
    assert played.error.message == "the task was canceled"
    assert type(played.error.__cause__) is InvalidArgument


def test_an_error_for_a_completed_task_is_raised() -> None:
    played = fetched(IN_BETWEEN, stands("completed"), IN_BETWEEN)
    assert type(played.error) is InvalidArgument
    assert played.error.message == "task ID is not completed yet"


@pytest.mark.parametrize("answer", [lost(FailureKind.CONNECT), reply(200, b"no JSON")])
def test_a_failed_request_is_raised(answer: Answer) -> None:
    played = fetched(answer)
    assert isinstance(played.error, (ConnectError, RemoteProtocolError))
    assert asked(played) == ["get"]
    played = fetched(IN_BETWEEN, stands("completed"), answer)
    assert isinstance(played.error, (ConnectError, RemoteProtocolError))


def test_an_unknown_task() -> None:
    unknown = reply(404, {"error": "task_id not found"})
    played = fetched(unknown, unknown)
    assert type(played.error) is NotFound


def test_all_requests_share_one_total() -> None:
    played = fetched(IN_BETWEEN.after(1.0), stands("failed").after(0.5), FAILED, timeout=Timeout(total=2.0))
    assert [each.timeout.total for each in played.asked] == [2.0, 1.0, 0.5]
