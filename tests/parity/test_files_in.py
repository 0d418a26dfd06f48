"""Files as arguments: every form in which a caller may give one, wherever an endpoint takes one."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bento_proto import File, LocalProtocolError
from bento_sync import SyncHTTPClient

from .faces import Connect
from .proxies import Stub, routes

FORMS: dict[str, Callable[[Path], object]] = {
    "Path": lambda path: path,
    "str": str,
    "relative path": lambda path: os.path.relpath(path),
    "another PathLike": lambda path: _PathLike(path),
    "open file": lambda path: path.open("rb"),
    "unbuffered file": lambda path: path.open("rb", buffering=0),
    "open file at its end": lambda path: _at_end(path.open("rb")),
    "BytesIO": lambda path: io.BytesIO(path.read_bytes()),
    "BytesIO at its end": lambda path: _at_end(io.BytesIO(path.read_bytes())),
    "bytes": Path.read_bytes,
    "bytearray": lambda path: bytearray(path.read_bytes()),
    "memoryview": lambda path: memoryview(path.read_bytes()),
    "File of a path": File,
    "File of bytes": lambda path: File(path.read_bytes(), path.name),
    "File of an open file": lambda path: File(path.open("rb")),
}
STRINGS = ("str", "relative path")  # which the caller must allow
NAMELESS = ("BytesIO", "BytesIO at its end", "bytes", "bytearray", "memoryview")


class _PathLike:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __fspath__(self) -> str:
        return str(self.path)


def _at_end(file: io.BufferedIOBase) -> io.BufferedIOBase:
    file.seek(0, os.SEEK_END)
    return file


@contextlib.contextmanager
def given(form: str, path: Path) -> Iterator[object]:
    """The file in that form; what had to be opened for it is closed afterwards."""
    value = FORMS[form](path)
    with contextlib.ExitStack() as stack:
        opened = value.content if isinstance(value, File) else value
        if isinstance(opened, io.IOBase):
            stack.enter_context(contextlib.closing(opened))
        yield value
        assert not (isinstance(opened, io.IOBase) and opened.closed)  # it is the caller's to close


def described(data: bytes, name: str = "") -> dict[str, object]:
    return {"size": len(data), "sha256": hashlib.sha256(data).hexdigest(), "suffix_of_temp_name": name}


@pytest.mark.parametrize("form", FORMS)
def test_a_file_in_every_form(zoo: SyncHTTPClient, text_file: Path, form: str) -> None:
    data = text_file.read_bytes()
    zoo = zoo.with_options(file_strings="paths" if form in STRINGS else "neither")
    with given(form, text_file) as file:
        assert zoo.file_in(file) == described(data, "file" if form in NAMELESS else "hello.txt")
        assert zoo.file_in(f=file)["size"] == len(data)
        assert zoo.root_file(file) == described(data)
        assert zoo.file_optional(file, name="n") == {"f": zoo.file_in(file), "name": "n"}
        assert [one["size"] for one in zoo.file_list([file, text_file, file])] == [len(data)] * 3
        assert zoo.file_in_input_spec(name="n", upload=file) == f"n {len(data)}"
        assert zoo.root_file_model({"name": "n", "upload": file}) == f"n {len(data)} None"


@pytest.mark.parametrize("form", FORMS)
def test_an_image_in_every_form(zoo: SyncHTTPClient, png: Path, form: str) -> None:
    seen = {"format": "PNG", "size": [4, 3], "mode": "RGB"}
    zoo = zoo.with_options(file_strings="paths" if form in STRINGS else "neither")
    with given(form, png) as image:
        assert zoo.image_in(image) == zoo.root_image(image) == seen
        assert zoo.image_and_text(image, prompt="ü") == {**seen, "prompt": "ü"}
        assert zoo.image_list([image, image]) == [seen, seen]


# --- beside JSON, in lists, absent


def test_files_beside_json(zoo: SyncHTTPClient, text_file: Path) -> None:
    item = {"sku": 'quoted "ü"', "qty": 2, "note": None}
    assert zoo.file_and_json(text_file, 'n "ä"', n=2, flag=True, item=item, tags=["x", "y\r\n"]) == {
        "f": described(text_file.read_bytes(), "hello.txt"),
        "name": 'n "ä"',
        "n": 2,
        "flag": True,
        "item": item,
        "tags": ["x", "y\r\n"],
    }
    assert zoo.file_and_json(b"", "true", item=None)["name"] == "true"
    assert zoo.two_files(b=b"12", a=b"1") == [1, 2]


def test_a_large_field_beside_a_file(zoo: SyncHTTPClient) -> None:
    name = "日" * 500_000
    assert zoo.file_and_json(b"x", name)["name"] == name


def test_lists_of_files_keep_their_order(zoo: SyncHTTPClient, text_file: Path) -> None:
    files = [b"1", text_file, io.BytesIO(b"333"), File(b"4444", "four.bin")]
    assert [(one["size"], one["suffix_of_temp_name"]) for one in zoo.file_list(files)] == [
        (1, "file"), (text_file.stat().st_size, "hello.txt"), (3, "file"), (4, "four.bin"),
    ]  # fmt: skip
    assert [one["size"] for one in zoo.file_list(tuple(files))] == [one["size"] for one in zoo.file_list(files)]
    assert len(zoo.file_list([b"x"] * 200)) == 200
    assert [one["size"] for one in zoo.file_list(b"abc")] == [3]  # one file will do for a list of them


def test_optional_files(zoo: SyncHTTPClient, png: Path) -> None:
    assert zoo.file_optional() == zoo.file_optional(None) == zoo.file_optional(f=None) == {"f": None, "name": "x"}
    assert zoo.file_optional(name="only") == {"f": None, "name": "only"}
    assert zoo.image_optional() == zoo.image_optional(None) == {"img": None, "prompt": "p"}
    assert zoo.image_optional(png)["img"]["format"] == "PNG"
    assert zoo.file_list_optional() == zoo.file_list_optional(None) == {"n": None, "name": "x"}
    assert zoo.file_list_optional([b"a", b"b"], name="n") == {"n": 2, "name": "n"}


def test_an_empty_file(zoo: SyncHTTPClient) -> None:
    assert zoo.file_in(b"") == described(b"", "file")


def test_a_large_file(zoo: SyncHTTPClient, tmp_path: Path) -> None:
    path = tmp_path / "large.bin"
    data = os.urandom(5 << 20) + b"end"
    path.write_bytes(data)
    assert zoo.file_in(path) == described(data, "large.bin")
    assert zoo.root_file(path) == described(data)


def test_files_whose_length_nobody_knows(zoo: SyncHTTPClient) -> None:
    data = os.urandom(300_000)
    for call in (zoo.file_in, zoo.root_file):
        reading, writing = os.pipe()
        writer = threading.Thread(target=_write, args=(writing, data))
        writer.start()
        with open(reading, "rb") as pipe:
            assert call(pipe)["sha256"] == described(data)["sha256"]
        writer.join()


def _write(descriptor: int, data: bytes) -> None:
    with open(descriptor, "wb") as file:
        file.write(data)


# --- what is no file that can be read


@pytest.mark.parametrize("endpoint", ["file_in", "root_file", "image_in", "audio_in"])
def test_what_can_not_be_read_raises_before_anything_is_sent(
    zoo_schema: Any, connect: Connect, tmp_path: Path, endpoint: str
) -> None:
    with Stub(routes({})) as stub:
        call = getattr(connect(stub.url, schema=zoo_schema, server_ready_timeout=0), endpoint)
        with pytest.raises(FileNotFoundError, match=r"missing\.txt"):
            call(tmp_path / "missing.txt")
        with pytest.raises(FileNotFoundError):
            call("no such file, and no URL")
        with pytest.raises(IsADirectoryError if os.name != "nt" else PermissionError):
            call(tmp_path)
        with open(tmp_path / "text.txt", "w+", encoding="utf-8") as text, pytest.raises(TypeError, match="binary mode"):
            call(text)
        with pytest.raises(ValueError, match=rf"{endpoint}\(\): .* closed file"):
            call(text)
        with pytest.raises(TypeError, match=rf"{endpoint}\(\): .*StringIO|opened as text"):
            call(io.StringIO("text"))
        assert stub.asked == []


@pytest.mark.skipif(os.name == "nt", reason="Windows has other permissions")
def test_a_file_without_permission_raises(zoo: SyncHTTPClient, text_file: Path) -> None:
    text_file.chmod(0)
    with _unprivileged(), pytest.raises(PermissionError, match=r"hello\.txt"):
        zoo.file_in(text_file)
    with pytest.raises(PermissionError), _unprivileged():
        zoo.file_list([b"x", text_file])


@contextlib.contextmanager
def _unprivileged() -> Iterator[None]:
    """Root may read everything, so it is nobody for a while."""
    user = os.geteuid()
    os.seteuid(65534 if user == 0 else user)
    try:
        yield
    finally:
        os.seteuid(user)


class _Failing(io.RawIOBase):
    """A file on a disk that breaks."""

    def read(self, size: int = -1, /) -> bytes:
        if size == 0:
            return b""
        raise OSError(5, "the disk broke")


@pytest.mark.parametrize("endpoint", ["file_in", "root_file"])
def test_a_file_that_fails_while_it_is_sent(zoo: SyncHTTPClient, endpoint: str) -> None:
    call = getattr(zoo, endpoint)
    with pytest.raises(OSError, match="the disk broke"):
        call(_Failing())
    with pytest.raises(LocalProtocolError, match="became shorter"):
        call(io.BufferedReader(_Raw(b"short")))
    assert call(b"whole")["size"] == 5


class _Raw(io.RawIOBase):
    """A file that is 10 bytes shorter than it says."""

    def __init__(self, data: bytes) -> None:
        self._file = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        return self._file.readinto(buffer)

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return self._file.seek(offset, whence) + (10 if whence == os.SEEK_END else 0)

    def tell(self) -> int:
        return self._file.tell()
