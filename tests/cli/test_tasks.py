"""Tasks, one command for each step, as in a script."""

from __future__ import annotations

import json
from pathlib import Path

from .conftest import Run


def test_a_task_step_by_step(run: Run, tasks: str) -> None:
    task_id = run("submit", tasks, "json_task", "a=4").text.strip()
    assert run("wait", tasks, "json_task", task_id, "--within", "30").text == "completed\n"
    assert run("status", tasks, "json_task", task_id).text == "completed\n"
    assert run("get", tasks, "json_task", task_id).out == b'{"doubled":8}\n'
    again = run("retry", tasks, "json_task", task_id).text.strip()
    assert again != task_id
    assert run("wait", tasks, "json_task", again).code == 0


def test_submit_and_wait(run: Run, tasks: str, tmp_path: Path) -> None:
    done = run("submit", tasks, "json_task", "a=4", "--wait")
    assert (done.code, done.out) == (0, b'{"doubled":8}\n')
    assert done.told.startswith("task ")
    assert run("submit", tasks, "bytes_task", "--wait", "--within", "30", "-o", "out").code == 0
    assert (tmp_path / "out").read_bytes() == b"\x00\xff"


def test_a_task_in_progress(run: Run, tasks: str) -> None:
    task_id = run("submit", tasks, "slow_task", "seconds=20").text.strip()
    assert run("status", tasks, "slow_task", task_id).text == "in_progress\n"
    assert run("get", tasks, "slow_task", task_id).code == 5
    assert run("wait", tasks, "slow_task", task_id, "--within", "0.1").code == 4
    done = run("cancel", tasks, "slow_task", task_id)
    assert (done.code, done.out) == (1, b"")
    assert "not supported" in done.told


def test_a_task_that_fails(run: Run, tasks: str) -> None:
    done = run("submit", tasks, "failing_task", "kind=invalid", "--wait")
    assert done.code == 1
    assert "error: bad task input [400, request " in done.told
    task_id = run("submit", tasks, "failing_task", "kind=invalid").text.strip()
    done = run("wait", tasks, "failing_task", task_id)
    assert (done.code, done.out) == (1, b"failed\n")
    assert done.told == f"error: the task {task_id} is failed\n"


def test_tasks_as_json(run: Run, tasks: str) -> None:
    task_id = json.loads(run("submit", tasks, "json_task", "--json").out)["task_id"]
    assert json.loads(run("wait", tasks, "json_task", task_id, "--json").out) == {
        "task_id": task_id,
        "status": "completed",
    }
    assert json.loads(run("retry", tasks, "json_task", task_id, "--json").out)["retry_of"] == task_id
    done = run("submit", tasks, "json_task", "--wait", "--json")
    assert (json.loads(done.out), done.told) == ({"doubled": 2}, "")


def test_wrong_usage(run: Run, tasks: str) -> None:
    assert run("submit", tasks, "plain_api").told == "error: plain_api() is not a task\n"
    assert "--within and -o need --wait" in run("submit", tasks, "json_task", "--within", "1").told
    assert "ENDPOINT and TASK_ID are needed" in run("status", tasks, "json_task").told
    assert run("status", tasks, "json_task", "unknown").code == 1
