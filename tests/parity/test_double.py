"""The double of a Service under the real clients, and beside the real Service; recordings of that one."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bento_proto import (
    CallTimeout,
    ConnectError,
    InvalidArgument,
    LocalProtocolError,
    ResultStatus,
    TaskFailed,
    TooManyRequests,
)
from bento_proto.testing import (
    Cut,
    Life,
    Mismatch,
    Pause,
    Recorder,
    Refusal,
    Replay,
    ServiceDouble,
    Stall,
    Unreachable,
    UploadedFile,
)
from bento_sync import File, SyncHTTPClient
from services import find_server
from tests.packages import PACKAGES, home
from tests.servers import Servers

from .faces import Connect


@pytest.fixture
def double() -> ServiceDouble:
    double = ServiceDouble(speed=math.inf)

    @double.endpoint
    def shout(text: str) -> str:
        return text.upper()

    @double.endpoint
    def numbers(n: int = 3) -> Iterator[int | Pause]:
        for i in range(n):
            yield Pause(10)
            yield i

    @double.endpoint
    def turn(file: UploadedFile, name: str) -> UploadedFile:
        return UploadedFile(file.content[::-1], name)

    @double.task
    def train(steps: int = 1) -> int:
        return steps

    return double


def test_it_is_called_as_a_service_is(connect: Connect, double: ServiceDouble, text_file: Path) -> None:
    client = connect(app=double)
    assert client.is_ready()
    assert client.shout("grün") == "GRÜN"
    assert list(client.numbers(2)) == [0, 1]
    assert client.turn(text_file, name="b.txt").read_bytes() == text_file.read_bytes()[::-1]
    assert client.turn(File(b"ab", "x"), name="c").name == "c"
    assert client.request("GET", "/livez").content == b"\n"
    assert double.calls_of("turn")[0].arguments["file"].name == "hello.txt"
    with pytest.raises(TypeError):
        client.shout(nothing=1)
    assert len(double.calls_of("shout")) == 1


def test_faults_are_met_at_once(connect: Connect, double: ServiceDouble) -> None:
    double.unready(3)
    client = connect(app=double)
    started = time.monotonic()
    client.wait_until_server_ready(60)
    double.script("shout", Refusal(429, retry_after=5), Unreachable(), ...)
    assert client.shout("a") == "A"
    double.script("shout", Stall(3600), Refusal(429, retry_after=3600), Cut(), Unreachable())
    for error in (CallTimeout, TooManyRequests, ConnectionError, ConnectError):
        with pytest.raises(error):
            client.shout("a")
    double.unready()
    with pytest.raises(Exception, match="not ready after 3600 seconds"):
        connect(app=double, server_ready_timeout=3600).shout("a")
    assert time.monotonic() - started < 60


def test_a_stream_that_breaks_gives_what_came(connect: Connect, double: ServiceDouble) -> None:
    client = connect(app=double)
    double.script("numbers", Cut(items=2))
    stream = client.numbers(5)
    assert [next(stream), next(stream)] == [0, 1]
    with pytest.raises(ConnectionError):
        next(stream)
    double.script("numbers", ...)
    with client.numbers(5) as left:
        assert next(left) == 0


def test_pauses_are_slept(connect: Connect, double: ServiceDouble) -> None:
    double.speed = 100
    client = connect(app=double)
    client.connect()
    started = time.monotonic()
    assert list(client.numbers(3)) == [0, 1, 2]
    assert time.monotonic() - started >= 0.3


def test_tasks_live_as_they_are_told(connect: Connect, double: ServiceDouble) -> None:
    client = connect(app=double)
    double.script("train", Life(pending=50, in_progress=50), Life(reply=Refusal(422, "no")), Life(in_progress=10**6))
    task = client.train.submit(steps=7)
    assert task.get_status() is ResultStatus.PENDING
    assert task.result() == 7
    with pytest.raises(TaskFailed, match="no"):
        client.train.submit().result()
    endless = client.train.submit()
    with pytest.raises(CallTimeout):
        endless.result(timeout=60)
    endless.cancel()
    assert endless.get_status() is ResultStatus.CANCELED


def test_threads_share_it(connect: Connect, double: ServiceDouble) -> None:
    client = connect(app=double)
    wrong: list[object] = []

    def call(number: int) -> None:
        wrong.extend(n for n in range(20) if client.shout(f"a{number} {n}") != f"A{number} {n}")

    threads = [threading.Thread(target=call, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(double.calls) == 160


def test_a_closed_client_calls_nothing(connect: Connect, double: ServiceDouble) -> None:
    client = connect(app=double)
    shout = client.shout
    assert shout("a") == "A"
    client.close()
    for use in (lambda: shout("b"), lambda: client.request("GET", "/x"), client.is_ready):
        with pytest.raises(LocalProtocolError, match="closed"):
            use()
    assert len(double.calls) == 1


def test_errors_of_a_test_reach_it(connect: Connect, double: ServiceDouble) -> None:
    def check(text: str) -> str:
        assert text == "b"
        return text

    double.script("shout", check)
    with pytest.raises(AssertionError):
        connect(app=double).shout("a")


# --- beside the real Service

CALLS: dict[str, Callable[[Any], Any]] = {
    "echo_str": lambda client: client.echo_str("a"),
    "add_int": lambda client: client.add_int(1),
    "half": lambda client: client.half(3),
    "negate": lambda client: client.negate(False),
    "nothing": lambda client: client.nothing(),
    "special_floats": lambda client: client.special_floats(),
    "enum_out": lambda client: client.enum_out(),
    "literal_out": lambda client: client.literal_out(),
    "int_enum_out": lambda client: client.int_enum_out(),
    "uuid_out": lambda client: client.uuid_out(),
    "datetime_out": lambda client: client.datetime_out(),
    "echo_tuple": lambda client: client.echo_tuple([1, "a"]),
    "order": lambda client: client.order({"id": 1, "items": [], "ship_to": {"street": "s"}}),
    "items_in_out": lambda client: client.items_in_out([{"sku": "a"}]),
    "dict_of_models_out": lambda client: client.dict_of_models_out(),
    "root_bytes": lambda client: client.root_bytes(b"ab"),
    "root_model": lambda client: client.root_model({"sku": "a", "note": "n"}),
    "file_list": lambda client: client.file_list([b"a", b"b"]),
    "bytes_out": lambda client: client.bytes_out(),
    "csv_out": lambda client: client.csv_out(),
    "png_out": lambda client: client.png_out(),
    "nd": lambda client: client.nd([1.5, 2.5]),
    "nd_typed": lambda client: client.nd_typed([[1, 2], [3, 4]]),
    "df": lambda client: client.df([{"a": 1}]),
    "stream_async_str": lambda client: list(client.stream_async_str()),
    "stream_bytes": lambda client: list(client.stream_bytes()),
    "stream_dict": lambda client: list(client.stream_dict()),
    "stream_int": lambda client: list(client.stream_int()),
    "stream_nd": lambda client: list(client.stream_nd()),
    "stream_model": lambda client: list(client.stream_model()),
}


@pytest.fixture(scope="module")
def schema(servers: Servers) -> bytes:
    with SyncHTTPClient(servers.url("zoo:Zoo")) as client:
        return client.request("GET", "/schema.json").content


def shape(value: Any) -> Any:
    """What kind of value it is, down to the items."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value and not isinstance(value[0], dict) else "objects"
    return getattr(value, "ndim", 0), type(value)


@pytest.mark.parametrize("name", CALLS)
def test_a_double_by_the_schema_answers_with_what_the_service_answers(
    connect: Connect, zoo: SyncHTTPClient, schema: bytes, name: str
) -> None:
    double = ServiceDouble.from_schema(schema)
    made, real = CALLS[name](connect(app=double)), CALLS[name](zoo)
    if isinstance(made, dict) and isinstance(real, dict):
        shared = made.keys() & real.keys() if double.calls[0].endpoint != "dict_of_models_out" else set()
        assert shared or name == "dict_of_models_out"
        assert {type(made[key]) for key in shared} == {type(real[key]) for key in shared}
    elif name == "echo_tuple":
        assert [type(item) for item in made] == [type(item) for item in real]
    else:
        assert shape(made) == shape(real)


def test_what_is_missing_is_refused_alike(connect: Connect, zoo: SyncHTTPClient, schema: bytes) -> None:
    errors = []
    for client in (zoo, connect(app=ServiceDouble.from_schema(schema))):
        with pytest.raises(InvalidArgument) as caught:
            client.request("POST", "/add_int", json={"b": 1}).raise_for_status()
        detail: Any = caught.value.detail
        errors.append([(entry["type"], entry["loc"], entry["msg"]) for entry in detail])
    assert errors[0] == errors[1]


# --- recordings


def use(client: SyncHTTPClient, text_file: Path) -> list[Any]:
    """A little of everything."""
    results: list[Any] = [
        client.add_int(1, b=4),
        client.file_and_json(text_file, name="ü", tags=["a"])["f"]["size"],
        client.root_str("grün"),
        client.csv_out().read_bytes(),
        client.png_out().size,
        list(client.stream_dict()),
        list(client.stream_int()),
        "".join(client.stream_multibyte()),
        [event.data for event in client.stream_sse.events()],
        client.nd_typed([[1, 2], [3, 4]]).tolist(),
    ]
    with pytest.raises(Exception, match="short and stout") as caught:
        client.err("Teapot")
    with client.stream_async_str(n=50) as stream:
        results.append(next(stream))
    return [*results, str(caught.value)]


def test_a_recording_gives_what_was_recorded(connect: Connect, servers: Servers, text_file: Path) -> None:
    recorder = Recorder()
    real = use(connect(servers.url("zoo:Zoo"), recorder=recorder, token="very-secret"), text_file)
    text = recorder.text()
    assert "very-secret" not in text
    replay = Replay(text, speed=math.inf)
    client = connect(app=replay)
    assert use(client, text_file) == real
    assert replay.unused == []
    with pytest.raises(Mismatch, match=r"not in the recording: POST /add_int with \{\"a\": 7\}"):
        client.add_int(7)


def test_what_is_recorded_is_sent_as_ever(connect: Connect, servers: Servers, tmp_path: Path) -> None:
    path = tmp_path / "large.bin"
    path.write_bytes(b"0123456789" * 300_000)
    recorder = Recorder(limit=1000)
    client = connect(servers.url("zoo:Zoo"), recorder=recorder)
    with path.open("rb") as opened:
        assert client.file_in(opened)["size"] == 3_000_000
    assert client.file_in(path)["size"] == 3_000_000
    assert len(recorder.text()) < 100_000
    with pytest.raises(OSError, match="nowhere"):
        client.file_in(tmp_path / "nowhere")
    assert json.loads(recorder.text())["exchanges"][-1]["request"]["body"]["size"] > 3_000_000


def test_the_times_of_a_stream_come_again(connect: Connect, servers: Servers) -> None:
    recorder = Recorder()
    assert len(list(connect(servers.url("zoo:Zoo"), recorder=recorder).stream_dict(n=3, delay=0.2))) == 3
    client = connect(app=Replay(recorder.text()))
    client.connect()
    started = time.monotonic()
    assert len(list(client.stream_dict(n=3, delay=0.2))) == 3
    assert time.monotonic() - started > 0.3


# --- BentoML's own client

BENTOMLS_CLIENT = """
    import asyncio, threading, time
    import bentoml, uvicorn
    from bento_proto.testing import ServiceDouble

    double = ServiceDouble("Shop")

    @double.endpoint
    def shout(text: str, times: int = 1) -> str:
        return text.upper() * times

    @double.endpoint
    def numbers(n: int) -> dict:
        return {"n": n}

    @double.endpoint
    def size(file: "pathlib.Path", name: str = "x") -> list:
        return [len(file.content), file.name, name]

    @double.endpoint
    def words() -> "Iterator[str]":
        yield "a "
        yield "b"

    config = uvicorn.Config(double.asgi(asyncio.sleep), port=0, log_level="error")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    with bentoml.SyncHTTPClient(f"http://127.0.0.1:{port}") as client:
        print(client.is_ready(), client.shout(text="grün", times=2), client.numbers(3), "".join(client.words()))
        with open("file.txt", "w") as file:
            file.write("12345")
        import pathlib
        print(client.size(file=pathlib.Path("file.txt"), name="y"))
        try:
            client.numbers(n="many")
        except bentoml.exceptions.InvalidArgument as error:
            print("InvalidArgument")
    server.should_exit = True
    thread.join()
"""


def test_bentomls_own_client_takes_it_for_a_service(tmp_path: Path) -> None:
    for package in PACKAGES:
        shutil.copytree(home(package), tmp_path / "site" / package)
    script = "import pathlib\n" + textwrap.dedent(BENTOMLS_CLIENT)
    answer = subprocess.run(
        [find_server(), "-c", script],
        check=False,
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=tmp_path,
        env={
            "PYTHONPATH": str(tmp_path / "site"),
            "PYTHONIOENCODING": "utf-8",
            "BENTOML_HOME": str(tmp_path / "home"),
            "BENTOML_DO_NOT_TRACK": "True",
        },
    )
    assert answer.stdout.splitlines() == [
        "True GRÜNGRÜN {'n': 3} a b",
        "[5, 'file.txt', 'y']",
        "InvalidArgument",
    ], answer.stderr
