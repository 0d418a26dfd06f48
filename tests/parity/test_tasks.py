"""Tasks: submitted, looked after and fetched, by handle and by id."""

from __future__ import annotations

import pickle
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bento_proto import (
    BentoMLException,
    InternalServerError,
    InvalidArgument,
    NotFound,
    RemoteProtocolError,
    ResultStatus,
    ServiceUnavailable,
    TaskFailed,
    TaskNotCompleted,
    TooManyRequests,
)
from bento_sync import SyncHTTPClient
from tests.servers import Servers
from tests.waiting import until

from .faces import Connect
from .proxies import Stub, endpoint, reply, routes, schema


def test_a_task_by_its_handle(tasks: SyncHTTPClient) -> None:
    task = tasks.json_task.submit(a=4, delay=0.5)
    assert task.id
    assert task.id in repr(task)
    assert "json_task" in repr(task)
    assert task.get_status() in (ResultStatus.PENDING, ResultStatus.IN_PROGRESS)
    assert task.wait(20) is ResultStatus.COMPLETED
    assert task.get() == task.get() == {"doubled": 8}


def test_a_task_by_its_id(tasks: SyncHTTPClient, servers: Servers, connect: Connect) -> None:
    task_id = tasks.json_task.submit(4).id
    elsewhere = connect(servers.url("tasks:ZooTasks"))
    again = elsewhere.json_task.task(task_id)
    assert again.id == task_id
    assert again.wait(20) is elsewhere.json_task.get_status(task_id) is ResultStatus.COMPLETED
    assert elsewhere.json_task.get(task_id) == again.get() == {"doubled": 8}
    assert elsewhere.json_task.retry(task_id).id != task_id


RESULTS: dict[str, tuple[dict[str, object], object]] = {
    "async_task": ({"a": 3}, 3),
    "str_task": ({"text": "grün"}, "GRÜN"),
    "none_task": ({}, None),
    "bytes_task": ({}, b"\x00\xff"),
    "model_task": ({"item": {"sku": "ü"}}, {"sku": "ü", "qty": 1, "note": None}),
    "submit": ({}, "endpoint named submit"),
}


@pytest.mark.parametrize("name", RESULTS)
def test_the_result_is_that_of_a_call(tasks: SyncHTTPClient, name: str) -> None:
    arguments, result = RESULTS[name]
    method = getattr(tasks, name)
    task = method.submit(**arguments)
    assert task.wait(20) is ResultStatus.COMPLETED
    assert task.get() == method(**arguments) == result


def test_arrays_and_images(tasks: SyncHTTPClient) -> None:
    array, image = tasks.nd_task.submit(), tasks.image_task.submit()
    assert array.wait(20) is image.wait(20) is ResultStatus.COMPLETED
    assert isinstance(array.get(), np.ndarray)
    assert array.get().tolist() == [0, 1, 2]
    assert (image.get().format, image.get().size) == ("PNG", (5, 4))


def test_files_go_in(tasks: SyncHTTPClient, text_file: Path) -> None:
    with text_file.open("rb") as opened:
        in_form = [tasks.file_in_task.submit(file, n=2) for file in (text_file, opened, text_file.read_bytes())]
        as_root = [tasks.root_file_task.submit(file) for file in (text_file, opened, text_file.read_bytes())]
    for task in (*in_form, *as_root):
        assert task.wait(20) is ResultStatus.COMPLETED
        assert task.get()["size"] == text_file.stat().st_size
    assert in_form[0].get()["suffix_of_temp_name"] == "hello.txt"
    assert in_form[0].get()["n"] == 2


@pytest.mark.parametrize("name", ["result.csv", "résumé 1.csv"])
def test_files_come_out(servers: Servers, connect: Connect, tmp_path: Path, name: str) -> None:
    client = connect(servers.url("tasks:ZooTasks", environment="server-files"), download_dir=tmp_path)
    task = client.file_task.submit(name)
    assert task.wait(20) is ResultStatus.COMPLETED
    assert task.get() == tmp_path / name
    assert (tmp_path / name).read_bytes() == b"a,b\n1,2\n"


def test_a_route_of_its_own(tasks: SyncHTTPClient) -> None:
    task = tasks.routed_task.submit(n=7)
    assert task.wait(20) is ResultStatus.COMPLETED
    assert {**task.get(), "task_id": None} == {"n": 7, "path": "/v1/jobs/render/submit", "task_id": None}
    assert tasks.call("routed_task", n=1)["path"] == "/v1/jobs/render"


# --- without a result


def test_a_task_that_is_not_over(tasks: SyncHTTPClient) -> None:
    task = tasks.slow_task.submit(1)
    with pytest.raises(TaskNotCompleted, match="is not completed yet") as caught:
        task.get()
    assert isinstance(caught.value, InvalidArgument)
    assert caught.value.error_code == 400
    with pytest.raises(InvalidArgument, match="not completed"):
        task.retry()
    assert task.wait(20) is ResultStatus.COMPLETED
    assert task.get() == "slow done"


@pytest.mark.parametrize(
    ("kind", "cause", "message", "status"),
    [
        ("plain", InternalServerError, "An unexpected error has occurred", 500),
        ("invalid", InvalidArgument, "bad task input", 400),
        ("teapot", BentoMLException, "short", 418),
        ("unavailable", ServiceUnavailable, "An unexpected error", 503),
    ],
)
def test_a_task_that_failed(
    tasks: SyncHTTPClient, kind: str, cause: type[BentoMLException], message: str, status: int
) -> None:
    task = tasks.failing_task.submit(kind)
    assert task.wait(20) is ResultStatus.FAILED
    with pytest.raises(TaskFailed, match=message) as caught:
        task.get()
    assert caught.value.error_code == status
    assert type(caught.value.__cause__) is cause
    assert caught.value.request_id
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_a_task_whose_input_is_wrong_fails_with_the_reason(tasks: SyncHTTPClient) -> None:
    task = tasks.validated_task.submit(n=-1)
    assert task.wait(20) is ResultStatus.FAILED
    with pytest.raises(TaskFailed, match="n: Input should be greater than or equal to 0") as caught:
        task.get()
    assert isinstance(caught.value.detail, list)
    with pytest.raises(TypeError, match=r"validated_task\(\) is missing required argument: 'n'"):
        tasks.validated_task.submit()


@pytest.mark.parametrize("task_id", ["0" * 32, "no such/../id?x=&y", "ü"])
def test_an_unknown_task(tasks: SyncHTTPClient, task_id: str) -> None:
    task = tasks.json_task.task(task_id)
    for ask in (task.get_status, task.get, task.retry, lambda: tasks.json_task.get(task_id)):
        with pytest.raises(NotFound, match="task_id not found"):
            ask()


# --- again, and no more


def test_a_task_is_tried_again_as_a_new_one(tasks: SyncHTTPClient) -> None:
    task = tasks.flaky_task.submit(key=f"{tasks!r} {time.time()}")
    assert task.wait(20) is ResultStatus.FAILED
    again = task.retry()
    assert again.id != task.id
    assert again.wait(20) is ResultStatus.COMPLETED
    assert again.get() == "attempt 2"
    assert task.get_status() is ResultStatus.FAILED


def test_a_file_is_sent_again_by_the_server(tasks: SyncHTTPClient, text_file: Path) -> None:
    task = tasks.file_in_task.submit(text_file)
    task.wait(20)
    text_file.unlink()
    again = task.retry()
    assert again.wait(20) is ResultStatus.COMPLETED
    assert again.get() == task.get()


def test_a_local_server_can_not_cancel(tasks: SyncHTTPClient) -> None:
    task = tasks.slow_task.submit(0.2)
    with pytest.raises(InvalidArgument, match="cancellation is not supported in local development server"):
        task.cancel()
    with pytest.raises(InvalidArgument, match="cancellation is not supported"):
        tasks.slow_task.cancel(task.id)


def test_a_server_that_can_cancel(connect: Connect) -> None:
    answers: dict[str, bytes] = {
        "/job/submit": reply({"task_id": "t 1", "status": "pending"}),
        "/job/cancel": reply({"task_id": "t 1"}),
        "/job/status": reply({"status": "pending"}),
        "/job/get": reply({"error": "the task was cancelled"}, 400),
    }
    with Stub(lambda asked: answers.get(asked.target.partition("?")[0], reply(b"\n"))) as stub:
        task = connect(stub.url, schema=schema(endpoint("job", is_task=True))).job.submit()
        assert task.get_status() is ResultStatus.PENDING
        task.cancel()
        assert (stub.asked[-1].method, stub.asked[-1].target) == ("PUT", "/job/cancel?task_id=t%201")
        answers["/job/status"] = reply({"status": "canceled"})
        assert task.get_status() is ResultStatus.CANCELED
        with pytest.raises(TaskFailed, match="the task was canceled") as caught:
            task.get()
        assert isinstance(caught.value.__cause__, InvalidArgument)


# --- other servers


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ("in_progress", ResultStatus.IN_PROGRESS),
        ("success", ResultStatus.COMPLETED),
        ("failure", ResultStatus.FAILED),
        ("cancelled", ResultStatus.CANCELED),
        ("pending", ResultStatus.PENDING),
        ("completed", ResultStatus.COMPLETED),
    ],
)
def test_the_words_of_older_servers(connect: Connect, said: str, status: ResultStatus) -> None:
    with Stub(routes({"/job/status": reply({"task_id": "x", "status": said})})) as stub:
        client = connect(stub.url, schema=schema(endpoint("job", is_task=True)))
        assert client.job.get_status("x") is status


@pytest.mark.parametrize("said", [{"status": "no such"}, {"status": 3}, {}, [], "text", None])
def test_a_server_that_says_nonsense_of_a_task(connect: Connect, said: Any) -> None:
    with Stub(routes({"/job/status": reply(said), "/job/submit": reply(said)})) as stub:
        job = connect(stub.url, schema=schema(endpoint("job", is_task=True))).job
        with pytest.raises(RemoteProtocolError):
            job.get_status("x")
        with pytest.raises(RemoteProtocolError, match="has no task id"):
            job.submit()


def test_a_task_that_takes_the_one_place_there_is(servers: Servers, connect: Connect) -> None:
    client = connect(servers.url("tasks:ZooTaskLimits"), retries=0)
    _ = client.endpoints
    task = client.slow_task.submit(2)
    for ask in (task.get_status, task.get, client.slow_task.submit, client.echo):
        with pytest.raises(TooManyRequests, match="Too many requests"):
            ask()

    def is_done() -> bool:
        try:
            assert task.get() == "done"
        except TooManyRequests:
            return False
        return True

    until(is_done)
