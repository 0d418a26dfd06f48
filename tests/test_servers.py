"""The tests' own servers: that they are what was recorded, come when asked, and leave nothing behind."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from environments import ENVIRONMENTS
from tests import recordings
from tests.recordings import Recording
from tests.servers import ServerFailed, Servers, Wait, serve, serve_on_unix_socket
from tests.waiting import until

ROOT = Path(__file__).resolve().parent.parent
MODULES = {
    "Documented": "documented",
    "Old": "old",
    "Zoo": "zoo",
    "ZooBatchOverload": "limits",
    "ZooLimits": "limits",
    "ZooMiddleware": "middleware",
    "ZooMounted": "mounts",
    "ZooNotReady": "readiness",
    "ZooOdd": "odd",
    "ZooPrefix": "mounts",
    "ZooSlowStart": "readiness",
    "ZooTaskLimits": "tasks",
    "ZooTasks": "tasks",
    "ZooTrace": "middleware",
}
ENVIRONMENT_OF = {"1.2.20": "server-1.2", "1.3.22": "server-1.3", "1.4.39": "server"}
# Answers that depend on time, on what else goes on, on an id, on a file server behind a proxy, or on the server's
# Python: how that calls its own classes (pep604), which Starlette there is for it (range).
LOADED = {"ZooBatchOverload", "ZooLimits", "ZooRecursive", "ZooTaskLimits"}
UNREPEATABLE = re.compile(
    r"url_(?:audio|file|image|root|two)_|.*keep-alive-idle|.*while-sending-file|probe-pep604-file-multipart|probe-http-range"
)

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="Unix sockets and signals")


def server_port(servers: Servers, service: str, environment: str) -> int:
    if environment in ("server-1.2", "server-1.3") and not (ENVIRONMENTS / environment).is_dir():
        pytest.skip(f"{environment} is not set up: it is for `make compat`")
    wait: Wait = "answering" if service == "ZooNotReady" else "ready"
    env = {"ZOO_SLOW_INIT": "0", "ZOO_SLOW_READY": "0"} if service == "ZooSlowStart" else {}
    if service == "ZooNotReady":  # other tests make theirs ready
        env = {"ZOO_AS": "recorded"}
    return servers.server(f"{MODULES[service]}:{service}", environment=environment, env=env, wait=wait).port


@pytest.mark.parametrize("name", recordings.schema_names())
def test_the_schema_is_the_recorded_one(servers: Servers, name: str) -> None:
    service, _, version = name.partition("-")
    port = server_port(servers, service, ENVIRONMENT_OF[version or "1.4.39"])
    headers = {"Authorization": "Bearer s3cret"} if service == "ZooMiddleware" else {}
    request = urllib.request.Request(f"http://127.0.0.1:{port}/schema.json", headers=headers)
    with urllib.request.urlopen(request) as response:
        assert response.read() == recordings.schema(name)


def repeatable(recording: Recording) -> bool:
    return not (
        recording.service in LOADED
        or recording.truncated
        or "task_id=" in recording.target
        or UNREPEATABLE.match(recording.case)
    )


REPEATABLE = [recording for recording in recordings.load() if repeatable(recording)]


@pytest.mark.parametrize(
    ("service", "environment"), sorted({(recording.service, recording.environment) for recording in REPEATABLE})
)
def test_recorded_requests_are_answered_as_recorded(servers: Servers, service: str, environment: str) -> None:
    port = server_port(servers, service, environment)
    repeated = [
        recording for recording in REPEATABLE if (recording.service, recording.environment) == (service, environment)
    ]
    different = {}
    for recording in repeated:
        answer, recorded = comparable(*ask(port, recording)), comparable(*parsed(recording))
        if answer != recorded:
            different[recording.case] = (answer, recorded)
    assert different == {}


Answer = tuple[int, list[tuple[str, str]], bytes]


def ask(port: int, recording: Recording) -> Answer:
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(recording.request)
        response = http.client.HTTPResponse(connection, method=recording.method)
        response.begin()
        body = b"" if response.status == 304 else response.read()
        return response.status, [(name.lower(), value) for name, value in response.getheaders()], body


def parsed(recording: Recording) -> Answer:
    return recording.status, recording.response_headers, recording.response_body


def comparable(status: int, headers: list[tuple[str, str]], body: bytes) -> Answer:
    """Without what is another each time: dates, ids, ports, the order of allowed methods."""
    kept = [
        (name, ", ".join(sorted(value.split(", "))) if name == "allow" else steady(value))
        for name, value in headers
        if name not in ("date", "etag", "last-modified")
    ]
    return status, sorted(kept), steady(body.decode("latin-1")).encode("latin-1")


def steady(text: str) -> str:
    text = re.sub(r"127\.0\.0\.1:\d+", "HOST", text)
    text = re.sub(r"\b[0-9a-f]{16,32}\b", "ID", text)
    return re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?", "TIME", text)


def test_a_server_that_cannot_start_says_why() -> None:
    with pytest.raises(ServerFailed, match='"Nope" not found'):
        serve("zoo:Nope")


def worker(url: str) -> int:
    request = urllib.request.Request(f"{url}/server_pid", b"{}", {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as response:
        return int(json.load(response))


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def wait_until_gone(pid: int) -> None:
    """Wait until there is no such process: whoever inherits it has to take note of its end."""
    until(lambda: is_gone(pid))


@posix_only
def test_a_server_is_started_once_and_stopping_it_leaves_no_process_and_no_file() -> None:
    servers = Servers()
    server = servers.server("zoo:Zoo")
    assert servers.url("zoo:Zoo") == server.url
    pid = worker(server.url)
    assert pid != server.pid
    assert server.home.is_dir()
    server.stop()
    assert not server.running
    wait_until_gone(pid)
    assert not server.home.exists()
    again = servers.server("zoo:Zoo")
    assert again is not server
    assert again.running
    servers.close()
    assert not again.running


@posix_only
def test_a_killed_test_run_leaves_no_process_and_no_file() -> None:
    program = (
        "import time; from tests.servers import serve; "
        "server = serve('zoo:Zoo'); print(server.url, server.home, flush=True); time.sleep(600)"
    )
    paths = os.pathsep.join([str(ROOT), str(ROOT / "tools")])
    with subprocess.Popen(
        [sys.executable, "-c", program], env={**os.environ, "PYTHONPATH": paths}, stdout=subprocess.PIPE, text=True
    ) as tests:
        assert tests.stdout is not None
        url, home = tests.stdout.readline().split()
        pid = worker(url)
        tests.send_signal(signal.SIGKILL)
    wait_until_gone(pid)
    assert not Path(home).exists()


@posix_only
def test_a_service_answers_on_a_unix_socket() -> None:
    with serve_on_unix_socket("zoo:Zoo") as server, socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(server.socket))
        connection.sendall(recordings.find("add_int").request)
        response = http.client.HTTPResponse(connection)
        response.begin()
        assert (response.status, response.read()) == (200, b"3")
