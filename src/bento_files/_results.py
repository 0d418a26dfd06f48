"""Results that are files and images: written as they arrive, whole or not at all, under a safe name."""

from __future__ import annotations

import atexit
import contextlib
import importlib.util
import io
import mimetypes
import os
import secrets
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from bento_proto import Delivery, LimitExceeded, RemoteProtocolError, file_name, media_type, safe_name

if TYPE_CHECKING:
    from bento_proto import Exchange, Limits

_TYPES: Final = mimetypes.MimeTypes()
_MORE_SUFFIXES: Final = {"application/octet-stream": ".bin", "image/jpeg": ".jpg", "audio/mp3": ".mp3"}


class Sink(Protocol):
    """Where the bytes of a result go."""

    def write(self, data: bytes, /) -> None:
        """Take the next bytes."""
        ...

    def finish(self) -> object:
        """The result, once all bytes are there."""
        ...

    def discard(self) -> None:
        """Leave nothing behind, as the result did not become whole. Harmless after `finish`."""
        ...


def open_sink(exchange: Exchange[object], fallback: str, directory: str | None, limits: Limits) -> Sink:
    """Where the items of an exchange that delivers a file or an image are to go.

    Args:
        exchange: the exchange, its head there. An image becomes a file where Pillow is not installed.
        fallback: what to call the file if the head does not name it: the endpoint's name.
        directory: where the file is to be; by default in a directory of the process, which goes when Python ends.
        limits: how much an image may hold.

    Raises:
        OSError: the file can't be created.
    """
    assert exchange.head is not None
    head = exchange.head
    if exchange.delivery is Delivery.IMAGE and _has_pillow():
        return ImageSink(limits.body)
    kind = media_type(head)
    suffix = _MORE_SUFFIXES.get(kind) or _TYPES.guess_extension(kind) or ""
    name = file_name(head) or (safe_name(fallback) or "result") + suffix
    return FileSink(name, None if directory is None else Path(directory))


class FileSink:
    """A file that appears under its name when it is whole.

    Args:
        name: its name. In a directory that was given, a number is added if the name is taken; nothing is overwritten.
        directory: where it is to be; None for a place of its own that lasts as long as the process.
    """

    def __init__(self, name: str, directory: Path | None) -> None:
        self._name = name
        self._own = directory is None
        self._directory = Path(tempfile.mkdtemp(dir=_process_directory())) if directory is None else directory
        self._directory.mkdir(parents=True, exist_ok=True)
        self._part = self._directory / f".{secrets.token_hex(8)}.part"
        self._file: io.BufferedWriter | None = self._part.open("xb")

    def write(self, data: bytes, /) -> None:
        """Write the next bytes."""
        assert self._file is not None
        self._file.write(data)

    def finish(self) -> Path:
        """Put the file in its place."""
        assert self._file is not None
        self._file.close()
        stem, suffix = os.path.splitext(self._name)
        number = 0
        while True:
            path = self._directory / (f"{stem}-{number}{suffix}" if number else self._name)
            try:
                path.open("xb").close()  # taken in one step, so that no other process takes it too
            except FileExistsError:
                number += 1
                continue
            os.replace(self._part, path)
            self._file = None
            return path

    def discard(self) -> None:
        """Remove what was written."""
        if self._file is None:
            return
        file, self._file = self._file, None
        with contextlib.suppress(OSError):  # what is still buffered may fail to be written, to a full disk say
            file.close()
        self._part.unlink(missing_ok=True)
        if self._own:
            with contextlib.suppress(OSError):
                self._directory.rmdir()


class ImageSink:
    """An image, which becomes a ``PIL.Image.Image``.

    Args:
        limit: the most bytes it may have.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._buffer = io.BytesIO()

    def write(self, data: bytes, /) -> None:
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
        directory = Path(tempfile.mkdtemp(prefix="bento-"))
        atexit.register(_remove, process, directory)
        _directories.setdefault(process, directory)  # another thread may have been faster
    return _directories[process]


def _remove(process: int, directory: Path) -> None:
    if os.getpid() == process:
        shutil.rmtree(directory, ignore_errors=True)
