"""Waiting for tasks, with and without their results."""

from __future__ import annotations

from pathlib import Path

import pytest

from bento_proto import CallTimeout, ConnectError, InvalidArgument, NotFound, ResultStatus, TaskFailed
from bento_proto.policy import Poll
from bento_sync import SyncHTTPClient
from tests.servers import Servers

from .faces import Connect
from .proxies import Asked, End, Piece, Stub, endpoint, reply, schema

JOB = schema(endpoint("job", is_task=True))


def test_the_result_when_it_is_there(tasks: SyncHTTPClient) -> None:
    assert tasks.json_task.submit(a=4, delay=0.5).result() == {"doubled": 8}
    assert tasks.json_task.submit(a=5).result(20, poll=0.05) == {"doubled": 10}
    assert tasks.image_task.submit().result(timeout=20, poll=Poll(interval=0.01)).size == (5, 4)


def test_by_id(tasks: SyncHTTPClient) -> None:
    task_id = tasks.json_task.submit(a=4, delay=0.2).id
    assert tasks.json_task.wait(task_id, 20) is ResultStatus.COMPLETED
    assert tasks.json_task.result(task_id) == tasks.json_task.task(task_id).result(0) == {"doubled": 8}


def test_however_it_ends(tasks: SyncHTTPClient) -> None:
    task = tasks.failing_task.submit("invalid")
    assert task.wait(20) is ResultStatus.FAILED
    with pytest.raises(TaskFailed, match="bad task input") as caught:
        task.result(20)
    assert type(caught.value.__cause__) is InvalidArgument


def test_a_task_that_takes_too_long(tasks: SyncHTTPClient) -> None:
    task = tasks.slow_task.submit(5)
    with pytest.raises(TimeoutError, match=rf"the task {task.id} is in progress after 0.3 seconds$"):
        task.wait(0.3)
    with pytest.raises(CallTimeout, match=rf"the task {task.id} is in progress after 0 seconds$"):
        task.result(0)
    assert not task.get_status().is_final, "it waited for the task"
    assert task.result(60) == "slow done"


def test_a_local_server_says_that_it_can_not_cancel(tasks: SyncHTTPClient) -> None:
    with pytest.raises(CallTimeout, match=r"after 0\.1 seconds, and can't be canceled: .*not supported in local"):
        tasks.slow_task.submit(0.5).result(0.1, cancel=True)


def test_a_task_is_canceled_that_takes_too_long(connect: Connect) -> None:
    with Stub(lambda asked: reply({} if asked.method == "PUT" else {"status": "in_progress"})) as stub:
        job = connect(stub.url, schema=JOB, server_ready_timeout=0).job
        with pytest.raises(CallTimeout, match=r"the task i is in progress after 0\.1 seconds, and is canceled now"):
            job.task("i").result(0.1, cancel=True)
        assert (stub.asked[-1].method, stub.asked[-1].target) == ("PUT", "/job/cancel?task_id=i")


def test_an_unknown_task_is_not_waited_for(tasks: SyncHTTPClient) -> None:
    with pytest.raises(NotFound):
        tasks.json_task.task("0" * 32).wait(20)


def test_arguments_that_make_no_sense(tasks: SyncHTTPClient) -> None:
    with pytest.raises(ValueError, match="a timeout must be"):
        tasks.json_task.task("i").wait(-1)
    with pytest.raises(ValueError, match="can't ask at such intervals"):
        tasks.json_task.task("i").result(poll=0)


def test_a_broken_connection_is_not_the_end(connect: Connect) -> None:
    answers: list[Piece] = [
        reply({"status": "in_progress"}),
        End.RESET,
        End.CLOSE,
        reply({"error": "busy"}, 429),
        reply({"error": ""}, 503),
        reply({"status": "completed"}),
        reply(7),
    ]

    def answer(asked: Asked) -> Piece:
        return answers.pop(0)

    with Stub(answer) as stub:
        client = connect(stub.url, schema=JOB, server_ready_timeout=0, retries=0)
        assert client.job.task("i").result(20, poll=0.01) == 7
    assert answers == []


def test_a_server_that_is_gone_is_waited_for(connect: Connect) -> None:
    with Stub(lambda asked: reply({"status": "in_progress"})) as stub:
        task = connect(stub.url, schema=JOB, server_ready_timeout=0).job.task("i")
        assert task.get_status() is ResultStatus.IN_PROGRESS
    with pytest.raises(CallTimeout, match=r"the server gave no status of the task i within 0\.3 seconds") as caught:
        task.wait(0.3)
    assert isinstance(caught.value.__cause__, ConnectError)
    with pytest.raises(ConnectError):
        task.wait(poll=Poll(interval=0.01, max_silence=0.1))


def test_a_server_that_is_busy_with_the_task_itself(servers: Servers, connect: Connect) -> None:
    client = connect(servers.url("tasks:ZooTaskLimits"), retries=0)
    assert client.slow_task.submit(1).result(30) == "done"


def test_a_task_that_is_a_file(servers: Servers, connect: Connect, tmp_path: Path) -> None:
    client = connect(servers.url("tasks:ZooTasks", environment="server-files"), download_dir=tmp_path)
    assert client.file_task.submit("result.csv").result(20) == tmp_path / "result.csv"
