"""The files that the clients write and read: permissions, names, images, temporary directories."""

from __future__ import annotations

import contextlib
import io
import mmap
import os
import shutil
import stat
import struct
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from bento_files import Destination, FileSink, ImageSink, SavedSink, Sink, blocks, measure
from bento_proto import LimitExceeded, RemoteProtocolError
from bento_proto.http import FilePart
from bento_proto.request import FileSource

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permissions")
EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 4 3\n%%EndComments\n%%EOF\n"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(params=[0o000, 0o027])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    old = os.umask(request.param)
    yield request.param
    os.umask(old)


# --- permissions


@posix
def test_a_new_file_is_private_until_it_is_complete(tmp_path: Path, umask: int) -> None:
    sinks: tuple[Sink[Path], ...] = (FileSink("a", tmp_path), SavedSink(tmp_path / "b"))
    for sink in sinks:
        sink.write(b"secret")
    assert [mode(path) for path in tmp_path.iterdir()] == [0o600, 0o600]
    assert [mode(sink.finish()) for sink in sinks] == [0o666 & ~umask] * 2
    assert sorted(os.listdir(tmp_path)) == ["a", "b"]


@posix
@pytest.mark.parametrize("kept", [0o600, 0o640, 0o644])
def test_a_replaced_file_keeps_its_permissions(tmp_path: Path, umask: int, kept: int) -> None:
    path = tmp_path / "old"
    path.write_bytes(b"old")
    path.chmod(kept)
    sink = SavedSink(path)
    sink.write(b"new")
    assert [mode(partial) for partial in tmp_path.glob(".*")] == [0o600]
    sink.finish()
    assert (path.read_bytes(), mode(path), os.listdir(tmp_path)) == (b"new", kept, ["old"])


@posix
@pytest.mark.skipif(not hasattr(os, "getxattr"), reason="the lists of access are Linux's")
def test_a_replaced_file_keeps_its_list_of_access(tmp_path: Path) -> None:
    path = tmp_path / "old"
    path.write_bytes(b"old")
    path.chmod(0o600)
    entries = [(1, 6, -1), (2, 6, 12345), (4, 0, -1), (16, 6, -1), (32, 0, -1)]  # one other user may read, no group may
    acl = struct.pack("<I", 2) + b"".join(struct.pack("<HHi", *entry) for entry in entries)
    try:
        os.setxattr(path, "system.posix_acl_access", acl)
    except OSError:
        pytest.skip("the file system has no lists of access")
    SavedSink(path).finish()
    assert os.getxattr(path, "system.posix_acl_access") == acl


@posix
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can act as two users")
def test_nobody_can_read_more_than_of_the_file_that_is_replaced(tmp_path: Path) -> None:
    (mine := tmp_path / "mine").write_bytes(b"")
    os.chown(mine, -1, 54321)
    mine.chmod(0o4640)
    SavedSink(mine).finish()
    assert (mode(mine), mine.stat().st_gid) == (0o640, 54321)
    (other := tmp_path / "other").write_bytes(b"")
    os.chown(other, 12345, 54321)
    other.chmod(0o666)
    old = os.umask(0o077)
    try:
        SavedSink(other).finish()
    finally:
        os.umask(old)
    assert mode(other) == 0o600
    os.chown(other, 12345, 54321)
    other.chmod(0o640)
    SavedSink(other).finish()
    assert mode(other) == 0o600  # not for the group that root has


@posix
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can act as two users")
def test_a_link_that_another_user_left_in_a_shared_directory_is_not_followed(tmp_path: Path) -> None:
    shared, victim = tmp_path / "tmp", tmp_path / "victim"
    shared.mkdir()
    shared.chmod(0o1777)
    victim.write_bytes(b"mine")
    for name, target in (("file", victim), ("dangling", tmp_path / "new"), ("directory", tmp_path)):
        (shared / name).symlink_to(target)
        (tmp_path / f"to-{name}").symlink_to(shared / name)
        for path in (shared / name, tmp_path / f"to-{name}"):
            Destination(path)  # our own is
            os.chown(shared / name, 12345, -1, follow_symlinks=False)
            with pytest.raises(PermissionError, match="another user's link"):
                Destination(path)
            os.chown(shared / name, 0, -1, follow_symlinks=False)


@posix
def test_what_is_no_place_for_a_file(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as file:
        for path in (f"/dev/fd/{file.fileno()}", f"/proc/self/fd/{file.fileno()}"):
            if os.path.exists(path):
                with pytest.raises(FileExistsError, match="can't be replaced"):
                    Destination(path)
    with pytest.raises(FileNotFoundError, match="the path is empty"):
        Destination("")
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(OSError, match="symbolic links"):
        Destination(tmp_path / "a")


def test_a_free_number_is_found_among_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(300):
        (tmp_path / (f"a-{number}.txt" if number else "a.txt")).touch()
    tried: list[Path] = []

    def lexists(path: Path) -> bool:
        tried.append(path)
        return path.exists()

    monkeypatch.setattr(os.path, "lexists", lexists)
    names = [FileSink("a.txt", tmp_path).finish().name for _ in range(2)]
    assert (names, len(tried) < 50) == (["a-300.txt", "a-301.txt"], True)


def test_without_hard_links_a_name_is_taken_once_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def link(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "link", link)
    paths = []
    for content in (b"1", b"2"):
        sink = FileSink("a.txt", tmp_path)
        sink.write(content)
        paths.append(sink.finish())
    assert [(path.name, path.read_bytes()) for path in paths] == [("a.txt", b"1"), ("a-1.txt", b"2")]


# --- images


def picture(kind: str, size: tuple[int, int] = (4, 3)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, "red").save(buffer, kind)
    return buffer.getvalue()


def read(content: bytes, media_type: str) -> object:
    sink = ImageSink(1 << 20, media_type)
    sink.write(content)
    return sink.finish()


@pytest.mark.parametrize("media_type", ["image/png", "image/jpeg", "image/x-eps", "application/postscript", ""])
def test_no_image_is_read_for_which_pillow_starts_a_program(media_type: str) -> None:
    with Image.open(io.BytesIO(EPS)) as image:
        assert image.format == "EPS"
    with pytest.raises(RemoteProtocolError, match="is not an image") as caught:
        read(EPS, media_type)
    assert caught.value.body == EPS


@pytest.mark.parametrize(
    ("kind", "media_type"),
    [
        ("PNG", "image/png"),
        ("JPEG", "image/jpeg"),
        ("GIF", "image/gif"),
        ("WEBP", "image/webp"),
        ("TIFF", "image/tiff"),
        ("BMP", "image/bmp"),
        ("ICO", "image/x-icon"),
        ("PPM", "image/ppm"),
        ("JPEG2000", "image/jpeg2000"),
        ("PNG", ""),
        ("JPEG", "image/unknown"),
        ("WEBP", "application/octet-stream"),
    ],
)
def test_an_image_of_the_declared_type_is_read(kind: str, media_type: str) -> None:
    image = read(picture(kind, (16, 16)), media_type)
    assert isinstance(image, Image.Image)
    assert (image.format, image.size) == (kind, (16, 16))
    image.load()


def test_an_image_of_another_type_than_declared_is_refused() -> None:
    with pytest.raises(RemoteProtocolError, match="is not an image of image/png"):
        read(picture("JPEG"), "image/png")


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("most", [5, 11])  # of 12 pixels, the first is an error for Pillow, the second only a warning
def test_an_image_of_too_many_pixels_is_refused(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", most)
    with pytest.raises(LimitExceeded, match="pixels"):
        read(picture("PNG"), "image/png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    assert isinstance(read(picture("PNG"), "image/png"), Image.Image)


def tiff_of_shared_tags(count: int, size: int) -> bytes:
    """A TIFF image of one pixel, with so many tags that have all the same bytes as their value."""
    start = 8 + 2 + 12 * (count + 8) + 4
    shorts = [(256, 1), (257, 1), (258, 8), (259, 1), (262, 1), (273, start), (278, 1), (279, 1)]
    tags = [struct.pack("<HHLL", tag, 4, 1, value) for tag, value in shorts]
    tags += [struct.pack("<HHLL", 1000 + number, 7, size, start) for number in range(count)]
    return b"II*\0" + struct.pack("<LH", 8, len(tags)) + b"".join(tags) + bytes(4 + size)


@pytest.mark.filterwarnings("ignore::UserWarning")  # newer Pillow refuses most of the tags
def test_tags_that_share_their_bytes_take_a_bounded_amount_of_memory() -> None:
    assert isinstance(read(tiff_of_shared_tags(2, 10), "image/tiff"), Image.Image)
    data = tiff_of_shared_tags(4_000, 50_000)
    tracemalloc.start()
    try:
        with contextlib.suppress(RemoteProtocolError):
            read(data, "image/tiff")
        assert tracemalloc.get_traced_memory()[1] < 100 * len(data)
    finally:
        tracemalloc.stop()


# --- temporary directories

WORKER = """
import multiprocessing, sys
from bento_files import FileSink

def work(pipe):
    sink = FileSink("a.txt", None)
    sink.write(b"content")
    pipe.send(sink.finish().read_bytes())

if __name__ == "__main__":
    mine = FileSink("b.txt", None)
    mine.write(b"mine")
    path = mine.finish()
    context = multiprocessing.get_context(sys.argv[1])
    here, there = context.Pipe()
    process = context.Process(target=work, args=(there,))
    process.start()
    print(here.recv())
    process.join()
    print(path.read_bytes(), len([each for each in path.parents[2].iterdir() if each.name.startswith("bento-")]))
"""


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_the_temporary_directory_of_a_worker_is_removed_at_its_end(tmp_path: Path, method: str) -> None:
    if sys.platform == "win32" and method != "spawn":
        pytest.skip("Windows can only spawn")
    script, temporary = tmp_path / "worker.py", tmp_path / "t"
    script.write_text(WORKER)
    temporary.mkdir()
    env = {**os.environ, "TMPDIR": str(temporary), "TEMP": str(temporary), "TMP": str(temporary)}
    done = subprocess.run([sys.executable, script, method], env=env, capture_output=True, text=True, check=False)
    assert (done.stderr, done.stdout) == ("", "b'content'\nb'mine' 1\n")
    assert [path.name for path in temporary.iterdir() if path.name.startswith("bento-")] == []


KILLED = """
import os, signal, sys, time
from bento_files import FileSink

sink = FileSink("a.txt", None)
sink.write(b"content")
print(sink.finish(), flush=True)
sys.stdin.readline()
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such locks")
def test_the_directory_of_a_killed_process_is_removed_by_the_next_one(tmp_path: Path) -> None:
    env = {**os.environ, "TMPDIR": str(tmp_path)}
    (tmp_path / "bento-other").mkdir()  # of another program

    def start() -> tuple[subprocess.Popen[str], Path]:
        command = [sys.executable, "-c", KILLED]
        process = subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        return process, Path(process.stdout.readline().strip())

    first, first_path = start()
    second, second_path = start()
    assert (first_path.exists(), second_path.exists()) == (True, True)  # both are running
    first.communicate("")
    assert first_path.exists()
    third, third_path = start()
    assert (first_path.exists(), second_path.exists(), third_path.exists()) == (False, True, True)
    for process in (second, third):
        process.communicate("")
    assert (tmp_path / "bento-other").exists()


def test_a_temporary_directory_that_was_removed_is_made_anew() -> None:
    first = FileSink("a", None).finish()
    shutil.rmtree(first.parent.parent)
    second = FileSink("a", None).finish()
    assert second.exists()
    shutil.rmtree(second.parent.parent)
    second.parent.parent.mkdir(mode=0o755)  # by someone else, who could replace what is in it
    third = FileSink("a", None).finish()
    assert third.parent.parent != second.parent.parent
    second.parent.parent.rmdir()


# --- arguments


def test_a_memory_map_is_sent_whole(tmp_path: Path) -> None:
    path = tmp_path / "data"
    path.write_bytes(b"0123456789")
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as mapped:
        mapped.read(4)
        upload = measure(FileSource("f() argument 'x'", mapped))
        assert isinstance(upload.content, FilePart)
        assert (upload.content.size, upload.content.replayable) == (10, True)
        assert b"".join(blocks(upload.content)) == b"0123456789"


class Mute:
    """A file that has no data, for now."""

    name = "mute"

    def __init__(self, data: bytes) -> None:
        self.data = data

    def read(self, size: int = -1, /) -> bytes | None:
        data, self.data = (self.data, b"") if size else (b"", self.data)
        return data or (None if size else b"")


class Sealed:
    """A file that raises what is no OSError where it can't seek, as some of fsspec's do."""

    def __init__(self, data: bytes) -> None:
        self.read = io.BytesIO(data).read

    def seek(self, offset: int, whence: int = 0, /) -> int:
        raise ValueError("Cannot seek streaming HTTP file")


class Lying(io.RawIOBase):
    """A file that says that it is empty, as those in /proc do."""

    def __init__(self) -> None:
        self._data = io.BytesIO(b"0123")

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return self._data.seek(offset) if whence == os.SEEK_SET else 0

    def read(self, size: int = -1, /) -> bytes:
        return self._data.read(size)


def part(content: object) -> FilePart:
    found = measure(FileSource("f() argument 'x'", content)).content
    assert isinstance(found, FilePart)
    return found


def test_an_iterator_of_bytes_is_sent_as_it_comes() -> None:
    given = part(chunk for chunk in (b"01", b"", bytearray(b"23"), memoryview(b"4")))
    assert (given.size, given.replayable) == (None, False)
    assert b"".join(blocks(given)) == b"01234"
    with pytest.raises(TypeError, match=r"f\(\) argument 'x' is an iterator of str, and must be one of bytes"):
        list(blocks(part(iter(["a"]))))


@posix
def test_a_named_pipe_is_opened_once(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen(["sh", "-c", 'echo 0123 > "$0"', pipe]) as writer:  # waits until it is read
        given = part(pipe)
        assert writer.poll() is None
        assert (given.size, given.replayable, b"".join(blocks(given))) == (None, False, b"0123\n")
    assert writer.returncode == 0


def test_an_array_is_no_image() -> None:
    numpy = pytest.importorskip("numpy")
    with pytest.raises(TypeError, match=r"not ndarray: PIL\.Image\.fromarray makes an image of an array"):
        part(numpy.zeros((2, 2)))


def test_files_that_cannot_say_their_size_are_sent_whole() -> None:
    assert b"".join(blocks(part(Lying()))) == b"0123"
    sealed = part(Sealed(b"0123"))
    assert sealed.size is None
    assert b"".join(blocks(sealed)) == b"0123"
    if Path("/proc/self/status").exists():
        for given in (Path("/proc/self/status"), open("/proc/self/status", "rb")):  # noqa: SIM115
            found = b"".join(blocks(part(given)))
            assert found.startswith(b"Name:")
            assert len(found) > 500
            if not isinstance(given, Path):
                given.close()


def test_an_empty_file_is_empty(tmp_path: Path) -> None:
    path = tmp_path / "empty"
    path.write_bytes(b"")
    with path.open("rb") as file:
        for given in (path, file):
            assert part(given).size == 0
            assert b"".join(blocks(part(given))) == b""


def test_a_file_that_has_no_data_now_is_an_error() -> None:
    reading = blocks(part(Mute(b"01")))
    assert next(reading) == b"01"
    with pytest.raises(BlockingIOError, match="mute is non-blocking and has no data now"):
        next(reading)
