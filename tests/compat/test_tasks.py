"""Tasks, which there are since BentoML 1.3, with the words of their time; and results that are files."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from bento_proto import (
    CallTimeout,
    ConnectionLost,
    InvalidArgument,
    NotFound,
    ResultStatus,
    TaskFailed,
    TaskNotCompleted,
)
from bento_sync import SyncHTTPClient, Task
from tests.parity.faces import Face
from tests.servers import Servers
from tests.waiting import until

from .conftest import url_of
from .plain import plain

pytestmark = pytest.mark.compat

ENVIRONMENTS = ("server-1.3", "server", "server-files")
FILES = "server-files"  # where Starlette is 0.32: with 0.34 and newer, BentoML never ends a task whose result is a file
OLD_WORDS = {ResultStatus.COMPLETED: "success", ResultStatus.FAILED: "failure"}


@pytest.fixture(scope="module", params=ENVIRONMENTS)
def environment_of_tasks(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


@pytest.fixture(scope="module")
def tasks(environment_of_tasks: str, face: Face, servers: Servers) -> Iterator[SyncHTTPClient]:
    with face.client(url_of(servers, "tasks:ZooTasks", environment_of_tasks)) as client:
        yield client


def ended(task: Task[object]) -> ResultStatus:
    """Wait for the end of a task."""
    until(lambda: task.get_status().is_final)
    return task.get_status()


RESULTS: dict[str, tuple[tuple[object, ...], object]] = {
    "json_task": ((2,), {"doubled": 4}),
    "async_task": ((3,), 3),
    "str_task": (("é",), "É"),
    "none_task": ((), None),
    "bytes_task": ((), b"\x00\xff"),
    "model_task": (({"sku": "s"},), {"sku": "s", "qty": 1, "note": None}),
    "file_in_task": (
        (b"abc", 2),
        {
            "size": 3,
            "sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            "suffix_of_temp_name": "file",
            "n": 2,
        },
    ),
    "image_task": ((), ("image", "PNG", "RGB", (5, 4))),
    "nd_task": ((), ("array", "i", (3,), [0, 1, 2])),
}


@pytest.mark.parametrize("endpoint", RESULTS)
def test_a_task_gives(tasks: SyncHTTPClient, endpoint: str) -> None:
    arguments, result = RESULTS[endpoint]
    method = getattr(tasks, endpoint)
    task = method.submit(*arguments)
    assert ended(task) is ResultStatus.COMPLETED
    assert plain(task.get()) == plain(method(*arguments)) == result


@pytest.mark.parametrize("kind", ["plain", "invalid", "teapot", "unavailable"])
def test_a_task_that_fails(tasks: SyncHTTPClient, kind: str) -> None:
    task = tasks.failing_task.submit(kind)
    assert ended(task) is ResultStatus.FAILED
    with pytest.raises(TaskFailed) as caught:
        task.get()
    assert caught.value.error_code == {"plain": 500, "invalid": 400, "teapot": 418, "unavailable": 503}[kind]


def test_the_words_of_a_status(tasks: SyncHTTPClient, environment_of_tasks: str) -> None:
    for task, status in (
        (tasks.json_task.submit(), ResultStatus.COMPLETED),
        (tasks.failing_task.submit(), ResultStatus.FAILED),
    ):
        assert ended(task) is status
        said = json.loads(tasks.request("GET", f"/json_task/status?task_id={task.id}").content)
        assert said["status"] == (OLD_WORDS[status] if environment_of_tasks == "server-1.3" else status.value)


def test_a_task_again(tasks: SyncHTTPClient, environment_of_tasks: str, face: Face) -> None:
    task = tasks.flaky_task.submit(f"{environment_of_tasks} {face.name}")
    assert ended(task) is ResultStatus.FAILED
    again = task.retry()
    assert again.id != task.id
    assert ended(again) is ResultStatus.COMPLETED
    assert again.get() == "attempt 2"


def test_a_task_that_is_not_over(tasks: SyncHTTPClient) -> None:
    task = tasks.slow_task.submit(1.0)
    with pytest.raises(TaskNotCompleted):
        task.get()
    with pytest.raises(InvalidArgument, match="not completed"):
        task.retry()
    assert ended(task) is ResultStatus.COMPLETED
    assert task.get() == "slow done"


def test_a_task_that_nobody_knows(tasks: SyncHTTPClient) -> None:
    task = tasks.json_task.task("f" * 32)
    for ask in (task.get, task.get_status, task.retry):
        with pytest.raises(NotFound):
            ask()


def test_cancelling_a_task(tasks: SyncHTTPClient, environment_of_tasks: str) -> None:
    task = tasks.with_options(timeout=1).slow_task.submit(2.0)
    if environment_of_tasks == "server-1.3":  # it never answers, or breaks the connection
        with pytest.raises((CallTimeout, ConnectionLost)):
            task.cancel()
    else:
        with pytest.raises(InvalidArgument, match="not supported in local development server"):
            task.cancel()
    # It goes on all the same; what the status says in between depends on the version.
    until(lambda: task.get_status() is ResultStatus.COMPLETED)
    assert task.get() == "slow done"


@pytest.mark.parametrize("name", ["result.csv", "report final.pdf", "ümläut 日本 🐘.csv"])
def test_a_task_whose_result_is_a_file(tasks: SyncHTTPClient, environment_of_tasks: str, name: str) -> None:
    task = tasks.file_task.submit(name)
    if environment_of_tasks == FILES:
        assert ended(task) is ResultStatus.COMPLETED
        assert plain(task.get()) == ("file", name, b"a,b\n1,2\n")
        assert tasks.file_task.get(task.id).name == name
    else:
        with pytest.raises(TaskNotCompleted):
            task.get()
        assert task.get_status() is ResultStatus.IN_PROGRESS


def test_there_are_no_tasks_in_bentoml_1_2(face: Face, servers: Servers) -> None:
    with face.client(url_of(servers, "old:Old", "server-1.2")) as client:
        assert client.add(1) == 3
        assert not client.endpoints["add"].is_task
        with pytest.raises(TypeError, match="not a task"):
            client.add.submit(1)
