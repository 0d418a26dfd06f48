"""Results that are files and images: written as they arrive, whole or not at all, under a safe name."""

from __future__ import annotations

import atexit
import contextlib
import errno
import importlib.util
import io
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from bento_proto import LimitExceeded, RemoteProtocolError, ResultKind
from bento_proto.http import file_name, media_type, safe_name

from ._types import types

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bento_proto import Exchange, Head, Limits
    from bento_proto.session import Options

T_co = TypeVar("T_co", covariant=True)

_GATHERED: Final = 1 << 20  # bytes: large writes cost the system less, and a thread is not for nothing
_MORE_SUFFIXES: Final = {"application/octet-stream": ".bin", "image/jpeg": ".jpg", "audio/mp3": ".mp3"}


class Sink(Protocol[T_co]):
    """Where the bytes of a result go."""

    def write(self, data: bytes | memoryview, /) -> None:
        """Take the next bytes."""
        ...

    def finish(self) -> T_co:
        """The result, once all bytes are there."""
        ...

    def discard(self) -> None:
        """Leave nothing behind, as the result did not become whole. Harmless after `finish`."""
        ...


class Gathering:
    """The bytes of a file as they arrive, gathered in memory that is used again once they are written.

    Args:
        head: of the answer whose body they are.

    Attributes:
        room: where the next ones may be put, from its start; as a view of it they are to be given to `add` then.
    """

    def __init__(self, head: Head) -> None:
        length = head.get("content-length") or ""
        size = int(length) if length.isdecimal() and len(length) < 8 else _GATHERED
        self._all = memoryview(bytearray(min(size, _GATHERED)))
        self._size = 0
        self.room: memoryview = self._all

    def add(self, block: bytes | memoryview) -> Sequence[bytes | memoryview]:
        """Take the next bytes; return what is to be written before the next ones are received, usually nothing."""
        due: Sequence[bytes | memoryview] = ()
        size = self._size + len(block)
        if size > len(self._all):
            due, size = (self.gathered, block), 0
        else:
            if not isinstance(block, memoryview):  # which lies there already
                self._all[self._size : size] = block
            if size == len(self._all):
                due, size = (self._all,), 0
        self._size = size
        self.room = self._all[size:]
        return due

    @property
    def gathered(self) -> memoryview:
        """What is to be written in the end."""
        return self._all[: self._size]


def open_sink(exchange: Exchange[object], fallback: str, options: Options, limits: Limits) -> Sink[object]:
    """Where the items of an exchange that delivers a file or an image are to go.

    Args:
        exchange: the exchange, its head there. An image becomes a file where Pillow is not installed.
        fallback: what to call the file if the head does not name it: the endpoint's name.
        options: of the call.
        limits: how much an image may hold.

    Raises:
        OSError: the file can't be created.
    """
    if exchange.result_kind is ResultKind.IMAGE and options.images == "pillow" and _has_pillow():
        return ImageSink(limits.body)
    return FileSink(_name(exchange, fallback), None if options.download_dir is None else Path(options.download_dir))


def _name(exchange: Exchange[object], fallback: str) -> str:
    """What to call the file of an exchange: as the server says, made safe, or else by the fallback and its type."""
    head = exchange.head
    assert head is not None
    kind = media_type(head)
    suffix = _MORE_SUFFIXES.get(kind) or types().guess_extension(kind) or ""
    return file_name(head) or (safe_name(fallback) or "result") + suffix


class _Part:
    """A file that is being written, beside where it is to be."""

    def __init__(self, directory: Path) -> None:
        self.path: Path = directory / f".{os.urandom(8).hex()}.part"
        self._file: io.FileIO | None = self.path.open("xb", buffering=0)

    def write(self, data: bytes | memoryview) -> None:
        assert self._file is not None
        rest = memoryview(data)
        while rest:
            rest = rest[self._file.write(rest) :]

    def close(self) -> None:
        assert self._file is not None
        self._file.close()

    def move(self, path: Path) -> None:
        """Put it in its place; whatever was there goes."""
        os.replace(self.path, path)
        self._file = None

    def claim(self, path: Path) -> None:
        """Put it in its place, which is taken in one step, so that no other process takes it too.

        Raises:
            FileExistsError: it is taken.
        """
        try:
            os.link(self.path, path)  # to replace a file, some systems first write the whole of the new one to the disk
        except FileExistsError:
            raise
        except OSError:  # a file system without links
            path.open("xb").close()
            self.move(path)
        else:
            self.path.unlink()
            self._file = None

    def discard(self) -> bool:
        """Remove it; False if it is in its place, or gone."""
        if self._file is None:
            return False
        file, self._file = self._file, None
        with contextlib.suppress(OSError):  # a system may tell only now that something could not be written
            file.close()
        self.path.unlink(missing_ok=True)
        return True


class FileSink:
    """A file that appears under its name when it is whole.

    Args:
        name: its name. In a directory that was given, a number is added if the name is taken; nothing is overwritten.
        directory: where it is to be; None for a place of its own that lasts as long as the process.
    """

    def __init__(self, name: str, directory: Path | None) -> None:
        self._name = name
        self._own = directory is None
        self._directory = _new_directory(_process_directory()) if directory is None else directory
        self._directory.mkdir(parents=True, exist_ok=True)
        self._part = _Part(self._directory)

    def write(self, data: bytes | memoryview, /) -> None:
        """Write the next bytes."""
        self._part.write(data)

    def finish(self) -> Path:
        """Put the file in its place."""
        self._part.close()
        stem, suffix = os.path.splitext(self._name)
        number = 0
        while True:
            path = self._directory / (f"{stem}-{number}{suffix}" if number else self._name)
            try:
                self._part.claim(path)
            except FileExistsError:
                number += 1
            else:
                return path

    def discard(self) -> None:
        """Remove what was written."""
        if self._part.discard() and self._own:
            with contextlib.suppress(OSError):
                self._directory.rmdir()


class Destination:
    """Where the caller wants a result to be saved.

    Args:
        path: the file, which may exist; or the directory where it is to be, under the server's name for it.

    Raises:
        OSError: nothing can be put there.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        given = os.fspath(path)
        # A link stays one: what it leads to is replaced.
        self._path = Path(os.path.realpath(given))
        self._is_directory = self._path.is_dir()
        if not self._is_directory:
            if given.endswith((os.sep, os.altsep or os.sep)):
                raise NotADirectoryError(errno.ENOTDIR, "there is no such directory", given)
            if self._path.exists() and not self._path.is_file():
                raise FileExistsError(errno.EEXIST, "it is no regular file, and can't be replaced", given)
        parent = self._path if self._is_directory else self._path.parent
        if not parent.is_dir():
            raise FileNotFoundError(errno.ENOENT, "there is no such directory", str(parent))
        if not os.access(parent, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, "the directory can't be written to", str(parent))

    def open(self, exchange: Exchange[object], fallback: str) -> SavedSink:
        """Begin to write what an exchange delivers, its head there.

        Raises:
            OSError: the file can't be created.
        """
        return SavedSink(self._path / _name(exchange, fallback) if self._is_directory else self._path)


class SavedSink:
    """A file that takes its place when it is whole; until then, one that was there stays.

    Args:
        path: its place.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._part = _Part(path.parent)
        if path.is_file():
            import shutil  # slow to load, as is what it loads: only for those who have use for it

            with contextlib.suppress(OSError):  # who may read the old one may read the new one, and nobody else
                shutil.copymode(path, self._part.path)

    def write(self, data: bytes | memoryview, /) -> None:
        """Write the next bytes."""
        self._part.write(data)

    def finish(self) -> Path:
        """Put the file in its place."""
        self._part.close()
        self._part.move(self._path)
        return self._path

    def discard(self) -> None:
        """Remove what was written."""
        self._part.discard()


class ImageSink:
    """An image, which becomes a ``PIL.Image.Image``.

    Args:
        limit: the most bytes it may have.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._buffer = io.BytesIO()

    def write(self, data: bytes | memoryview, /) -> None:
        """Keep the next bytes."""
        if self._buffer.tell() + len(data) > self._limit:
            raise LimitExceeded(f"the image is over {self._limit} bytes")
        self._buffer.write(data)

    def finish(self) -> object:
        """The image; its pixels are decoded when they are first used, as Pillow does."""
        from PIL import Image

        self._buffer.seek(0)
        try:
            return Image.open(self._buffer)
        except Exception as exc:  # of a broken image Pillow raises whatever its many readers do
            error = RemoteProtocolError("the answer is no image that Pillow can read")
            error.body = self._buffer.getvalue()
            raise error from exc

    def discard(self) -> None:
        """Forget the bytes."""
        self._buffer = io.BytesIO()


def _has_pillow() -> bool:
    return importlib.util.find_spec("PIL") is not None


_directories: Final[dict[int, Path]] = {}


def _process_directory() -> Path:
    """A directory of this process; a forked child has one of its own and leaves its parent's alone."""
    process = os.getpid()
    if process not in _directories:
        directory = _new_directory()
        atexit.register(_remove, process, directory)
        _directories.setdefault(process, directory)  # another thread may have been faster
    return _directories[process]


def _new_directory(parent: Path | None = None) -> Path:
    import tempfile

    return Path(tempfile.mkdtemp(prefix="bento-", dir=parent))


def _remove(process: int, directory: Path) -> None:
    import shutil

    if os.getpid() == process:
        shutil.rmtree(directory, ignore_errors=True)
