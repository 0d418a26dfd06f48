"""How far uploads and downloads have come, as bytes pass."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from bento_proto import BentoMLException, Limits, Progress
from tests.servers import Servers

from .faces import Connect
from .proxies import Asked, End, Piece, Stub, chunk, endpoint, head, reply, routes, schema

FILE = {"type": "string", "format": "binary"}
GIVEN = schema(
    endpoint("take", input={"properties": {"f": {"type": "file", "format": "binary"}}}),
    endpoint("give", output={"type": "file", "format": "binary"}),
    endpoint("f"),
)
MIB = 1 << 20


class Heard:
    """Keeps what it is told, by kind."""

    def __init__(self) -> None:
        self.uploads: list[Progress] = []
        self.downloads: list[Progress] = []

    def __call__(self, progress: Progress) -> None:
        (self.uploads if progress.kind == "upload" else self.downloads).append(progress)


@pytest.fixture
def heard() -> Heard:
    return Heard()


def check(told: list[Progress], size: int, *, known: bool = True) -> None:
    """That it starts at nothing, grows, and ends with all."""
    done = [progress.done for progress in told]
    assert done[0] == 0
    assert done == sorted(done)
    assert (told[-1].done, told[-1].total) == (size, size)
    assert {progress.total for progress in told[:-1]} == ({size} if known else {None})


def test_a_file_there_and_a_file_back(servers: Servers, connect: Connect, heard: Heard, tmp_path: Path) -> None:
    client = connect(servers.url("zoo:Zoo"), on_progress=heard)
    path = tmp_path / "data.bin"
    path.write_bytes(os.urandom(3 * MIB))
    assert client.file_in(path)["size"] == 3 * MIB
    total = heard.uploads[0].total
    assert total is not None
    assert total > 3 * MIB, "the form around it is part of the body"
    check(heard.uploads, total)
    assert len(heard.uploads) > 5
    heard.downloads.clear()
    heard.uploads.clear()
    client.big_out(64)
    check(heard.downloads, 64 * MIB)
    untold = 64 * MIB // 1000  # too little to tell of, before what a thread writes in one go
    assert max(after.done - before.done for before, after in pairwise(heard.downloads)) < 8 * MIB + untold
    check(heard.uploads, len('{"mb":64}'))


@pytest.mark.parametrize("what", ["bytes", "file", "pipe"])
def test_whatever_is_sent(connect: Connect, heard: Heard, what: str) -> None:
    data = bytes(2 * MIB + 7)
    with Stub(lambda asked: reply(len(asked.body))) as stub:
        client = connect(stub.url, schema=GIVEN, on_progress=heard)
        if what == "pipe":
            reading, writing = os.pipe()
            size = 1 << 15  # what a pipe holds
            os.write(writing, data[:size])
            os.close(writing)
            with os.fdopen(reading, "rb") as pipe:
                assert client.take(f=pipe) > size
        else:
            assert client.take(f=data if what == "bytes" else io.BytesIO(data)) > len(data)
        sent = len(stub.asked[-1].body)
    check(heard.uploads, sent, known=what != "pipe")


@pytest.mark.parametrize("length", [True, False], ids=["length", "chunked"])
def test_a_download_of_any_framing(connect: Connect, heard: Heard, length: bool) -> None:
    data = bytes(MIB)

    def give(asked: Asked) -> Iterator[Piece]:
        if length:
            yield reply(data)
        else:
            yield head(200, {"transfer-encoding": "chunked"})
            yield from (chunk(data[: MIB // 4]) for _ in range(4))
            yield chunk(b"")

    with Stub(routes({"/give": give})) as stub:
        connect(stub.url, schema=GIVEN, on_progress=heard).give()
    check(heard.downloads, MIB, known=length)


def test_an_attempt_that_failed_is_begun_again(connect: Connect, heard: Heard) -> None:
    answers = [reply(7), reply(b"busy", 503, {"retry-after": "0"})]
    with Stub(lambda asked: answers.pop()) as stub:
        client = connect(stub.url, schema=GIVEN, server_ready_timeout=0, on_progress=heard)
        assert client.take(f=b"hello") == 7
        size = len(stub.asked[0].body)
    assert [progress.done for progress in heard.uploads] == [0, size, 0, size]
    assert [(progress.done, progress.total) for progress in heard.downloads] == [(0, 1), (1, 1)], (
        "a refusal is no download"
    )


def test_readiness_and_schema_are_not_told_of(servers: Servers, connect: Connect, heard: Heard) -> None:
    client = connect(servers.url("zoo:Zoo"), on_progress=heard)
    client.endpoints  # noqa: B018 - asks for the schema
    assert client.is_ready()
    assert heard.uploads + heard.downloads == []


def test_a_view_has_a_listener_of_its_own(servers: Servers, connect: Connect, heard: Heard) -> None:
    client = connect(servers.url("zoo:Zoo"))
    client.with_options(on_progress=heard).echo_str("hello")
    before = len(heard.downloads)
    assert before == 2
    client.echo_str("hello")
    client.with_options(on_progress=heard).with_options(on_progress=None).echo_str("hello")
    assert len(heard.downloads) == before


def test_a_stream_is_told_of_as_it_comes(servers: Servers, connect: Connect, heard: Heard) -> None:
    client = connect(servers.url("zoo:Zoo"), on_progress=heard)
    stream = client.stream_int(3)
    assert [progress.done for progress in heard.downloads] == [0]
    assert list(stream) == [0, 1, 2]
    check(heard.downloads, 3, known=False)


class Enough(Exception):
    pass


@pytest.mark.parametrize("kind", ["upload", "download"])
def test_a_listener_that_raises_ends_the_call_and_nothing_else(
    servers: Servers, connect: Connect, kind: str, tmp_path: Path
) -> None:
    def listen(progress: Progress) -> None:
        if progress.kind == kind and progress.done >= MIB:
            raise Enough

    path = tmp_path / "data.bin"
    path.write_bytes(bytes(4 * MIB))
    client = connect(
        servers.url("zoo:Zoo"), limits=Limits(connections=1), timeout=10, download_dir=tmp_path / "results"
    )
    for _ in range(3):
        with pytest.raises(Enough):
            if kind == "upload":
                client.with_options(on_progress=listen).file_in(path)
            else:
                client.with_options(on_progress=listen).big_out(4)
        assert client.echo_str("hello") == "hello"
    assert list(tmp_path.glob("results/*")) == []


def test_an_answer_that_comes_too_early_may_raise_too(connect: Connect, tmp_path: Path) -> None:
    """While the request is still being sent: on an event loop, that is another task's to see."""

    def refuse(progress: Progress) -> None:
        if progress.kind == "download":
            raise Enough

    path = tmp_path / "data.bin"
    path.write_bytes(bytes(4 * MIB))
    with Stub(lambda asked: reply(7)) as stub:
        client = connect(stub.url, schema=GIVEN, on_progress=refuse)
        with pytest.raises(Enough):
            client.take(f=path)
        client.with_options(on_progress=None).take(f=path)


def test_what_broke_off_does_not_say_that_it_is_done(connect: Connect, heard: Heard) -> None:
    cut: list[Piece] = [head(200, {"content-length": str(MIB)}), bytes(MIB // 2), End.CLOSE]
    with Stub(routes({"/give": lambda asked: cut})) as stub, pytest.raises(BentoMLException):
        connect(stub.url, schema=GIVEN, retries=0, on_progress=heard).give()
    assert max(progress.done for progress in heard.downloads) <= MIB // 2
