"""Clients, views, methods and tasks in other processes: what travels, and what can't."""

from __future__ import annotations

import copy
import os
import pickle
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bento_async import AsyncHTTPClient
from bento_proto import InvalidArgument, TaskFailed, Timeout
from bento_proto.session import ConnectAttempt
from bento_sync import SyncHTTPClient
from tests.servers import Servers

from .faces import Connect, Face
from .proxies import Asked, Stub, endpoint, reply, routes, schema

ECHO: Any = schema(endpoint("f", output={"type": "array"}), endpoint("job", is_task=True))


def again(thing: Any) -> Any:
    return pickle.loads(pickle.dumps(thing))


def token() -> str:
    return "from-function"


def said(asked: Asked) -> bytes:
    return reply([asked.headers.get("authorization"), asked.headers.get("x-a"), asked.headers.get("cookie")],
                 headers={"set-cookie": "a=1"})  # fmt: skip


@pytest.mark.parametrize("send", [again, copy.deepcopy])
def test_a_client_and_its_views(connect: Connect, tmp_path: Path, send: Callable[[Any], Any]) -> None:
    with Stub(routes({"/f": said, "/schema.json": reply(ECHO)})) as stub:
        client = connect(stub.url, token="secret", headers={"x-a": "1"})
        assert client.f() == ["Bearer secret", "1", None]
        with send(client) as other, send(client.with_options(headers={"x-a": "2"}, timeout=Timeout(total=5))) as view:
            asked = len(stub.asked)
            assert other.f() == ["Bearer secret", "1", None], "cookies stay"
            assert view.f() == ["Bearer secret", "2", None]
            assert len(stub.asked) == asked + 2, "what is known of the Service travels"
        assert client.f() == ["Bearer secret", "1", "a=1"], "the first one is not closed"


def test_one_that_was_not_used_and_one_that_was_closed(connect: Connect) -> None:
    with Stub(routes({"/f": said, "/schema.json": reply(ECHO)})) as stub:
        client = connect(stub.url)
        with again(client) as other:
            assert other.f()[0] is None
        client.close()
        with again(client) as other:
            assert other.f()[0] is None


def test_tokens(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "cloudpickle", raising=False)  # Dask's, to which functions would be left
    with Stub(routes({"/f": said})) as stub:
        with again(connect(stub.url, schema=ECHO, token=token)) as other:
            assert other.f()[0] == "Bearer from-function"
        client = connect(stub.url, schema=ECHO, token=lambda: "t")
        with pytest.raises(TypeError, match=r"the token is a function that can't be pickled .*: define it at the top"):
            pickle.dumps(client)


def test_a_pickle_is_small(connect: Connect) -> None:
    assert len(pickle.dumps(connect("http://h:1"))) < 2000


def test_what_can_not_leave_its_process(face: Face) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        """Never called."""

    kind = SyncHTTPClient if face.name == "sync" else AsyncHTTPClient
    for options, message in (
        ({"ssl_context": ssl.create_default_context()}, "ssl_context= can't be pickled, .*: make the client where"),
        ({"app": app}, "app= can't be pickled, as that belongs to this process: make the client where it is used"),
    ):
        client = kind(**options)
        for send in (pickle.dumps, copy.deepcopy):
            with pytest.raises(TypeError, match=message):
                send(client)
        assert copy.copy(client).url == client.url
        if isinstance(client, SyncHTTPClient):
            client.close()


def test_a_connection_to_https_made_by_default_settings_hinders_nothing(face: Face) -> None:
    client = face.client("https://localhost:1", timeout=1, server_ready_timeout=0, retries=0)
    assert not client.is_ready()
    again(client).close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_fork(face: Face, servers: Servers) -> None:
    root = Path(__file__).parents[2]
    run = subprocess.run(
        [sys.executable, "-W", "error", "-m", "tests.parity.forked", servers.url("zoo:Zoo"), face.name],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=root,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    assert (run.stdout, run.stderr) == ("done\n", "")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of forking with threads, which is the point
def test_a_fork_in_the_midst_of_everything(servers: Servers) -> None:
    """Locks that other threads hold at the fork stay theirs; the child gets new ones."""
    client = SyncHTTPClient(servers.url("zoo:Zoo"), timeout=20)
    _ = client.endpoints
    pools = client._driver._pools
    (pool,) = pools._pools.values()
    pools.connecting["first use"] = ConnectAttempt(client._driver.options, threading.Event())
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with pool._lock:
            held.set()
            done.wait(20)

    holding = threading.Thread(target=hold)
    holding.start()
    held.wait(20)
    child = os.fork()
    if not child:
        client._driver.session._ready = False
        os._exit(0 if client.echo_str(text="here") == "here" else 1)
    done.set()
    holding.join()
    pools.connecting.clear()
    assert os.waitpid(child, 0)[1] == 0
    assert client.echo_str(text="there") == "there"
    client.close()


def late(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.parity.late", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.parametrize("module", ["bento_proto.response._document", "bento_proto.response._sse"])
def test_a_fork_while_a_thread_loads_a_module(servers: Servers, module: str) -> None:
    """The lock of the module would stay held in the child for ever."""
    assert late(servers.url("zoo:Zoo"), "sync", module).returncode == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_child_has_nothing_to_load(face: Face, servers: Servers) -> None:
    run = late(servers.url("zoo:Zoo"), face.name)
    assert (run.returncode, run.stdout.split(), run.stderr) == (0, [], "")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.parametrize("threads", [0, 1])
def test_a_fork_before_a_client_is_used_loads_nothing(threads: int) -> None:
    program = f"""
import os, sys, threading
from bento_client import AsyncHTTPClient, SyncHTTPClient
for _ in range({threads}):
    threading.Thread(target=threading.Event().wait, daemon=True).start()
before = set(sys.modules)
if child := os.fork():
    os.waitpid(child, 0)
    print(*sorted(set(sys.modules) - before))
"""
    command = [sys.executable, "-W", "ignore", "-c", program]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (run.returncode, run.stdout.split(), run.stderr) == (0, [], "")


# --- what a client gives


def test_methods_and_tasks(tasks: SyncHTTPClient, face: Face) -> None:
    task = tasks.json_task.submit(a=4)
    inner = getattr(task, "_task", task)  # of the asynchronous faces
    other = again(inner)
    assert (other.id, repr(other)) == (task.id, repr(inner))
    if face.name == "sync":
        assert other.result(20) == {"doubled": 8}
        assert again(tasks.json_task)(a=1) == {"doubled": 2}
    else:
        assert type(task)(task._way, other).result(20) == {"doubled": 8}  # type: ignore[attr-defined]
        method = tasks.json_task
        assert type(method)(method._way, again(method._method))(a=1) == {"doubled": 2}  # type: ignore[attr-defined]


def test_a_method_before_its_service_is_known(servers: Servers) -> None:
    method = again(AsyncHTTPClient(servers.url("zoo:Zoo")).api_call)
    assert method.__name__ == "api_call"
    assert again(AsyncHTTPClient("http://h:1", schema=ECHO).f).endpoint.name == "f"


def test_errors_with_their_causes(tasks: SyncHTTPClient) -> None:
    with pytest.raises(TaskFailed) as caught:
        tasks.failing_task.submit("invalid").result(20)
    for error in (again(caught.value), copy.copy(caught.value), copy.deepcopy(caught.value)):
        assert (str(error), error.error_code, error.headers) == (
            str(caught.value), caught.value.error_code, caught.value.headers,
        )  # fmt: skip
        assert type(error.__cause__) is InvalidArgument
        assert str(error.__cause__) == str(caught.value.__cause__)
