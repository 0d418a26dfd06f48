"""One client in many threads at a time: they share its connections, and nothing of any call."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image

from bento_proto import CallTimeout, InternalServerError, InvalidArgument, Limits, LocalProtocolError, Timeout
from bento_sync import SyncHTTPClient
from tests.servers import Servers
from tests.waiting import HANGS, until

from .faces import Connect
from .proxies import Asked, Stub, endpoint, reply, routes, schema

THREADS = 64


def at_once(calls: Iterable[Callable[[], object]]) -> None:
    """Run each in a thread of its own, all beginning together; raises what any of them does."""
    calls = list(calls)
    begin = threading.Barrier(len(calls))

    def run(call: Callable[[], object]) -> None:
        begin.wait()
        call()

    with ThreadPoolExecutor(len(calls)) as pool:
        for done in [pool.submit(run, call) for call in calls]:
            done.result()


class Thread:
    """Calls whose every answer tells whose it is."""

    def __init__(self, client: SyncHTTPClient, number: int, folder: Path) -> None:
        self.client = client
        self.number = number
        self.name = f"thread {number} ü"
        self.data = self.name.encode() * (1000 + number)
        self.digest = hashlib.sha256(self.data).hexdigest()
        self.path = folder / f"{number}.bin"

    def text(self) -> None:
        assert self.client.echo_str(self.name) == self.name

    def json(self) -> None:
        assert self.client.echo_dict({"n": self.number}) == {"n": self.number}

    def array(self) -> None:
        assert self.client.nd([[self.number]]).tolist() == [[2 * self.number]]

    def form(self) -> None:
        assert self.client.file_and_json(self.path, self.name)["f"]["sha256"] == self.digest

    def files(self) -> None:
        seen = self.client.file_list([self.path, self.data, self.path])
        assert [one["sha256"] for one in seen] == [self.digest] * 3

    def root_file(self) -> None:
        assert self.client.root_file(self.path)["sha256"] == self.digest

    def download(self) -> None:
        path = self.client.named_file_out(f"{self.name}.txt")
        assert path.read_bytes() == f"payload of {self.name}.txt".encode()

    def image(self) -> None:
        assert self.client.image_roundtrip(Image.new("L", (self.number + 1, 1))).size == (self.number + 1, 1)

    def stream(self) -> None:
        assert "".join(self.client.stream_multibyte(self.name * 3, delay=0)) == self.name * 3

    def part_of_a_stream(self) -> None:
        with self.client.stream_endless(tag=self.name) as stream:
            assert next(stream).startswith("0 ")

    def options(self) -> None:
        headers = dict(self.client.with_options(headers={"x-mine": str(self.number)}).headers())
        assert headers["x-mine"] == str(self.number)

    def error(self) -> None:
        with pytest.raises(InvalidArgument, match="a: Input should be a valid integer"):
            self.client.add_int(f"x{self.number}")

    def run(self) -> None:
        self.path.write_bytes(self.data)
        for turn in range(6):
            KINDS[(self.number + turn) % len(KINDS)](self)


KINDS = [
    Thread.text, Thread.form, Thread.stream, Thread.json, Thread.download, Thread.part_of_a_stream,
    Thread.files, Thread.error, Thread.array, Thread.root_file, Thread.image, Thread.options,
]  # fmt: skip


def test_calls_of_every_kind_do_not_disturb_each_other(servers: Servers, connect: Connect, tmp_path: Path) -> None:
    client = connect(servers.url("zoo:Zoo"), limits=Limits(connections=24), timeout=60)
    at_once(Thread(client, number, tmp_path).run for number in range(THREADS))
    assert client.no_args_str() == "ok"


def test_the_first_use_is_one_for_all(connect: Connect) -> None:
    given = schema(endpoint("f"))
    with Stub(routes({"/schema.json": reply(given), "/f": reply(1)})) as stub:
        client = connect(stub.url, limits=Limits(connections=8))
        at_once([lambda: client.f()] * THREADS)
        assert stub.targets().count("/schema.json") == stub.targets().count("/readyz") == 1
        assert stub.targets().count("/f") == THREADS
        assert stub.connections <= 8


@pytest.mark.parametrize(("idle", "again"), [(0, 4), (1, 3), (3, 1), (100, 0)])
def test_only_some_connections_stay_open_when_nobody_uses_them(connect: Connect, idle: int, again: int) -> None:
    together = threading.Barrier(4)

    def one_by_one(asked: Asked) -> bytes:
        time.sleep(0.1 * together.wait(10))  # so that the calls do not end at the same moment
        return reply(1)

    with Stub(routes({"/f": one_by_one})) as stub:
        client = connect(
            stub.url, schema=schema(endpoint("f")), server_ready_timeout=0, limits=Limits(connections=4, idle=idle)
        )
        at_once([lambda: client.f()] * 4)
        assert stub.connections == 4
        at_once([lambda: client.f()] * 4)
        assert stub.connections == 4 + again


def test_who_waits_for_a_first_use_that_fails_fails_with_it(connect: Connect) -> None:
    calling: list[None] = []

    def late(asked: Asked) -> bytes:
        until(lambda: len(calling) == THREADS)
        time.sleep(0.5)  # until those who are about to call do
        return reply(b"oops", 500)

    with Stub(routes({"/schema.json": late})) as stub:
        client = connect(stub.url)

        def fail() -> None:
            calling.append(None)
            with pytest.raises(InternalServerError, match="oops"):
                client.f()

        at_once([fail] * THREADS)
        assert stub.targets().count("/schema.json") == 1


def test_who_waits_for_a_first_use_waits_no_longer_than_he_may(connect: Connect) -> None:
    release = threading.Event()

    def when_released(asked: Asked) -> bytes:
        release.wait(HANGS)
        return reply(schema(endpoint("f")))

    with Stub(routes({"/schema.json": when_released})) as stub:
        client = connect(stub.url, timeout=HANGS)
        with ThreadPoolExecutor(1) as pool:
            leading = pool.submit(client.connect)
            until(lambda: "/schema.json" in stub.targets())
            with pytest.raises(CallTimeout, match=r"not found within 0\.1 seconds") as caught:
                client.with_options(timeout=Timeout(total=0.1)).connect()
            assert not caught.value.sent
            assert not leading.done()
            release.set()
            assert list(leading.result().endpoints) == ["f"]


def test_a_call_waits_for_a_connection_as_long_as_it_may(servers: Servers, connect: Connect) -> None:
    client = connect(servers.url("zoo:Zoo"), limits=Limits(connections=1))
    with client.stream_stall(delay=30) as stream:
        assert next(stream) == "first "
        with pytest.raises(CallTimeout, match=r"no connection became free within 0\.2 seconds") as caught:
            client.with_options(timeout=Timeout(pool=0.2)).no_args_str()
        assert not caught.value.sent
    assert client.no_args_str() == "ok"


def test_files_of_one_name_do_not_overwrite_each_other(zoo: SyncHTTPClient, tmp_path: Path) -> None:
    client = zoo.with_options(download_dir=tmp_path)
    at_once([client.csv_out] * 16)
    assert len(list(tmp_path.glob("table*.csv"))) == len(list(tmp_path.iterdir())) == 16


def test_closing_while_others_call(servers: Servers, connect: Connect) -> None:
    client = connect(servers.url("zoo:Zoo"), limits=Limits(connections=4))
    assert client.no_args_str() == "ok"

    def call() -> None:
        with pytest.raises(LocalProtocolError, match="the client is closed"):
            while True:
                assert client.no_args_str() == "ok"

    def close() -> None:
        time.sleep(0.1)
        client.close()

    at_once([call] * 8 + [close])
