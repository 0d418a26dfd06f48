"""Results that are saved where the caller says, as the bytes that come; and images that become files."""

from __future__ import annotations

import json
import os
import sys
import tracemalloc
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bento_proto import BentoMLException, ConnectionLost, InvalidArgument, NotFound
from bento_sync import SyncHTTPClient
from tests.servers import Servers

from .faces import Connect
from .proxies import Stub, endpoint, forward, reply, routes, schema


def is_json(value: object) -> Callable[[bytes], bool]:
    return lambda data: bool(json.loads(data) == value)


SAVED: Mapping[str, tuple[Mapping[str, Any], Callable[[bytes], bool]]] = {
    "csv_out": ({}, b"a,b\r\n1,2\r\n".__eq__),
    "empty_file_out": ({}, b"".__eq__),
    "png_out": ({}, lambda data: data.startswith(b"\x89PNG")),
    "echo_str": ({"text": "grün"}, "grün".encode().__eq__),
    "bytes_out": ({}, lambda data: bool(data)),
    "empty_bytes_out": ({}, b"".__eq__),
    "cookies": ({}, is_json({})),
    "optional_str_out": ({"want": False}, is_json(None)),
    "stream_bytes": ({"n": 3, "size": 4, "delay": 0.0}, lambda data: len(data) == 12),
    "stream_async_str": ({"n": 3, "delay": 0.0}, lambda data: len(data.decode()) > 3),
}


@pytest.mark.parametrize("name", SAVED)
def test_whatever_the_answer_is(zoo: SyncHTTPClient, tmp_path: Path, name: str) -> None:
    arguments, is_right = SAVED[name]
    dest = tmp_path / "saved"
    assert getattr(zoo, name).save(dest, **arguments) == dest
    assert is_right(dest.read_bytes())
    assert os.listdir(tmp_path) == ["saved"]


def test_it_replaces_what_is_there(zoo: SyncHTTPClient, tmp_path: Path) -> None:
    dest = tmp_path / "table.csv"
    dest.write_text("an old one, and longer than the new one")
    assert zoo.csv_out.save(str(dest)) == dest
    assert dest.read_bytes() == b"a,b\r\n1,2\r\n"
    assert os.listdir(tmp_path) == ["table.csv"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has other permissions, and links for administrators only")
def test_it_keeps_permissions_and_links(zoo: SyncHTTPClient, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    real = tmp_path / "data" / "real.csv"
    real.write_text("old")
    real.chmod(0o600)
    link = tmp_path / "link.csv"
    link.symlink_to(real)
    assert zoo.csv_out.save(link) == real
    assert link.is_symlink()
    assert real.read_bytes() == b"a,b\r\n1,2\r\n"
    assert real.stat().st_mode & 0o777 == 0o600


def test_in_a_directory_it_has_the_servers_name(zoo: SyncHTTPClient, tmp_path: Path) -> None:
    assert zoo.csv_out.save(tmp_path) == tmp_path / "table.csv"
    assert zoo.csv_out.save(f"{tmp_path}{os.sep}") == tmp_path / "table-1.csv"
    assert zoo.file_response_evil.save(tmp_path, "../../evil.txt") == tmp_path / "evil.txt"
    assert zoo.png_out.save(tmp_path).suffix == ".png"
    assert zoo.echo_str.save(tmp_path, "x").stem == "echo_str"
    assert len(os.listdir(tmp_path)) == 5


@pytest.mark.parametrize(("name", "saved"), [("conftest.py", "conftest-1.py"), ("-rf", "_rf"), (".ssh", "_ssh")])
def test_no_file_is_replaced_by_a_name_that_the_server_chose(
    connect: Connect, tmp_path: Path, name: str, saved: str
) -> None:
    (tmp_path / name).write_text("mine")
    answer = reply(b"theirs", headers={"content-disposition": f'attachment; filename="{name}"'})
    with Stub(routes({"/f": answer})) as stub:
        assert connect(stub.url, schema=schema(endpoint("f"))).f.save(tmp_path) == tmp_path / saved
    assert ((tmp_path / name).read_text(), (tmp_path / saved).read_text()) == ("mine", "theirs")


def test_a_relative_name(zoo: SyncHTTPClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert zoo.csv_out.save("here.csv") == Path(os.path.realpath(tmp_path)) / "here.csv"
    assert (tmp_path / "here.csv").exists()


def test_by_name(zoo: SyncHTTPClient, tmp_path: Path) -> None:
    method = zoo.with_options(download_dir=tmp_path / "elsewhere").bin_out
    assert method.save(tmp_path / "b", size=5, name="x").read_bytes() == bytes(range(5))
    assert os.listdir(tmp_path) == ["b"]


# --- where it can't be


def test_a_place_that_there_is_not(connect: Connect, tmp_path: Path, text_file: Path) -> None:
    with Stub(routes({"/f": reply(b"7")})) as stub:
        f = connect(stub.url, schema=schema(endpoint("f"))).f
        for dest in (tmp_path / "none" / "x", f"{tmp_path / 'none'}{os.sep}", text_file / "x"):
            with pytest.raises((FileNotFoundError, NotADirectoryError)):
                f.save(dest)
        if hasattr(os, "mkfifo"):
            os.mkfifo(tmp_path / "pipe")
            with pytest.raises(FileExistsError, match="no regular file"):
                f.save(tmp_path / "pipe")
        if sys.platform != "win32" and os.getuid() != 0:
            (tmp_path / "locked").mkdir(mode=0o500)
            with pytest.raises(PermissionError):
                f.save(tmp_path / "locked" / "x")
        assert [asked.target for asked in stub.asked if asked.target == "/f"] == [], "a call was made for nothing"
        assert f.save(tmp_path / "x").read_bytes() == b"7"


# --- whole or not at all


def test_what_fails_leaves_everything_as_it_was(servers: Servers, connect: Connect, tmp_path: Path) -> None:
    dest = tmp_path / "blob"
    dest.write_text("old")
    with Stub(partial(forward, servers.server("zoo:Zoo").port, cut=70_000)) as proxy:
        client = connect(proxy.url)
        with pytest.raises(ConnectionLost):
            client.bin_out.save(dest, 100_000)
        with pytest.raises(InvalidArgument):
            client.ctx_then_raise.save(dest)
        with pytest.raises(TypeError):
            client.bin_out.save(dest, nothing=1)
    assert (os.listdir(tmp_path), dest.read_text()) == (["blob"], "old")


def test_an_error_is_not_saved(connect: Connect, tmp_path: Path) -> None:
    with Stub(routes({"/g": reply({"error": "no"}, 404)})) as stub:
        client = connect(stub.url, schema=schema(endpoint("g")))
        with pytest.raises(NotFound, match="no"):
            client.g.save(tmp_path)
    assert os.listdir(tmp_path) == []


def test_the_content_is_not_held_in_memory(zoo: SyncHTTPClient, tmp_path: Path) -> None:
    size = 64 << 20
    zoo.stream_bytes.save(tmp_path / "first", n=1, size=1 << 20, delay=0.0)
    tracemalloc.start()
    try:
        assert zoo.stream_bytes.save(tmp_path / "all", n=size >> 20, size=1 << 20, delay=0.0).stat().st_size == size
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 16 << 20


# --- images


def test_images_can_be_files(zoo: SyncHTTPClient, servers: Servers, connect: Connect, tmp_path: Path) -> None:
    assert isinstance(zoo.png_out(), Image.Image)
    view = zoo.with_options(images="path", download_dir=tmp_path)
    path = view.png_out()
    assert isinstance(path, Path)
    assert path.parent == tmp_path
    with Image.open(path) as image:
        assert image.format == "PNG"
    assert isinstance(view.with_options(images="pillow").png_out(), Image.Image)
    assert isinstance(connect(servers.url("zoo:Zoo"), images="path").png_out(), Path)
    with pytest.raises(ValueError, match="images must be 'pillow' or 'path', not 'numpy'"):
        zoo.with_options(images="numpy")  # type: ignore[arg-type]


def test_a_broken_image_is_a_file_all_the_same(connect: Connect) -> None:
    given = schema(endpoint("f", output={"type": "file", "format": "image"}))
    with Stub(routes({"/f": reply(b"no image", headers={"content-type": "image/png"})})) as stub:
        client = connect(stub.url, schema=given)
        with pytest.raises(BentoMLException):
            client.f()
        assert client.with_options(images="path").f().read_bytes() == b"no image"
