"""Results that are files and images: written as they arrive, complete or not at all, under a safe name.

A file is readable by its owner only while it is written. Its permissions are widened last, to what the umask allows or
to those of the file that it replaces.
"""

from __future__ import annotations

import contextlib
import errno
import importlib.util
import io
import math
import os
import socket
import stat
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol, TypeVar

from bento_proto import Exchange, Head, LimitExceeded, Limits, RemoteProtocolError, ResultKind
from bento_proto.http import file_name, media_type, safe_name
from bento_proto.session import Options

from ._media_types import guess_suffix
from ._notebook import shown
from ._places import keep_permissions, target_of
from ._temporary import new_directory

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

_REREAD: Final = 16  # how often the bytes of an image may be read to open it
_BUFFER: Final = 1 << 20  # bytes: fewer, larger writes cost less, above all where each is made in a thread

# The Pillow formats for each image type, and for any other type. Left out are formats that are rare, and EPS, which
# Pillow decodes by starting Ghostscript.
_FORMATS: Final = {
    "image/apng": ("PNG",),
    "image/avif": ("AVIF",),
    "image/bmp": ("BMP",),
    "image/gif": ("GIF",),
    "image/jp2": ("JPEG2000",),
    "image/jpeg": ("JPEG",),
    "image/jpeg2000": ("JPEG2000",),
    "image/jpg": ("JPEG",),
    "image/mpo": ("JPEG", "MPO"),
    "image/png": ("PNG",),
    "image/ppm": ("PPM",),
    "image/tiff": ("TIFF",),
    "image/vnd.microsoft.icon": ("ICO",),
    "image/webp": ("WEBP",),
    "image/x-icon": ("ICO",),
    "image/x-ms-bmp": ("BMP",),
    "image/x-portable-anymap": ("PPM",),
}
_ANY_FORMAT: Final = ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF", "AVIF", "ICO", "JPEG2000", "MPO", "PPM")


class Sink(Protocol[T_co]):
    """A destination for the bytes of a result."""

    def write(self, data: bytes | memoryview, /) -> None:
        """Write the next bytes."""
        ...

    def finish(self) -> T_co:
        """Return the result, once all bytes are written."""
        ...

    def discard(self) -> None:
        """Leave nothing behind, as the result is incomplete. Does nothing after `finish`."""
        ...


class WriteBuffer:
    """A buffer for the bytes of a file as they arrive, whose memory is reused once they are written.

    Args:
        head: the head of the response.

    Attributes:
        free: the free part of the buffer. Bytes received into it are passed to `add` as a view of it.
    """

    def __init__(self, head: Head) -> None:
        length = head.get("content-length") or ""
        size = int(length) if length.isdecimal() and len(length) < 8 else _BUFFER
        self._all = memoryview(bytearray(min(size, _BUFFER)))
        self._size = 0
        self.free: memoryview = self._all

    def add(self, block: bytes | memoryview) -> Sequence[bytes | memoryview]:
        """Add the next bytes; return the blocks to write before more are received, usually none."""
        due: Sequence[bytes | memoryview] = ()
        size = self._size + len(block)
        if size > len(self._all):
            due, size = (self.filled, block), 0
        else:
            if not isinstance(block, memoryview):  # a view is in place already
                self._all[self._size : size] = block
            if size == len(self._all):
                due, size = (self._all,), 0
        self._size = size
        self.free = self._all[size:]
        return due

    @property
    def filled(self) -> memoryview:
        """The bytes that are left to write at the end."""
        return self._all[: self._size]

    def write(
        self, sink: Sink[object], due: Sequence[bytes | memoryview], source: tuple[socket.socket, int] | None = None
    ) -> int:
        """Write blocks from `add`, then bytes that a socket has received in the meantime.

        Args:
            sink: the destination.
            due: the blocks.
            source: a non-blocking socket and the maximal number of bytes to read from it; None for none.

        Returns:
            The number of bytes read from the socket.
        """
        for block in due:
            sink.write(block)
        sock, most = source or (None, 0)
        size = 0
        while sock is not None and size < most:
            try:
                received = sock.recv_into(self.free, min(len(self.free), most - size))
            except OSError:  # nothing has arrived; an error is raised again by the next receive
                break
            if not received:
                break
            sink.write(self.free[:received])
            size += received
        return size

    def finish(self, sink: Sink[T]) -> T:
        """Write the remaining bytes; return the result."""
        sink.write(self.filled)
        return sink.finish()


def open_sink(exchange: Exchange[object], fallback: str, options: Options, limits: Limits) -> Sink[object]:
    """Open the destination of a result that is a file or an image.

    Args:
        exchange: the exchange, whose response head has been received. An image is written to a file where Pillow is not
            installed.
        fallback: the name of the file if the head has none: the endpoint's name.
        options: the options of the call.
        limits: the limits of the client; an image may have ``limits.body`` bytes.

    Raises:
        OSError: the file can't be created.
    """
    if exchange.result_kind is ResultKind.IMAGE and options.images == "pillow" and _has_pillow():
        assert exchange.head is not None
        return ImageSink(limits.body, media_type(exchange.head))
    return FileSink(_name(exchange, fallback), None if options.download_dir is None else Path(options.download_dir))


def _name(exchange: Exchange[object], fallback: str) -> str:
    """A safe name for the file of an exchange: the server's, or the fallback with the suffix of the media type."""
    head = exchange.head
    assert head is not None
    return file_name(head) or (safe_name(fallback) or "result") + guess_suffix(media_type(head))


class _PartialFile:
    """A file while it is written: hidden, beside its destination, for its owner only."""

    def __init__(self, directory: Path) -> None:
        self.path: Path = directory / f".{os.urandom(8).hex()}.part"
        self._file: io.FileIO | None = io.FileIO(self.path, "x", opener=_open_private)

    def write(self, data: bytes | memoryview) -> None:
        assert self._file is not None
        rest = memoryview(data)
        while rest:
            rest = rest[self._file.write(rest) :]

    def close(self, replaced: Path | None = None) -> None:
        """Close the complete file; give it the permissions of a new one, or of the one that it replaces."""
        assert self._file is not None
        if sys.platform != "win32":
            mode = _new_file_mode(self.path)
            if replaced is None:
                os.fchmod(self._file.fileno(), mode)
            else:
                keep_permissions(self._file.fileno(), replaced, mode)
        self._file.close()

    def move(self, path: Path) -> None:
        """Move it to its destination, replacing what is there."""
        os.replace(self.path, path)
        self._file = None

    def claim(self, path: Path) -> None:
        """Move it to its destination in one step, unless that exists.

        Raises:
            FileExistsError: the destination exists.
        """
        try:
            os.link(self.path, path)  # unlike a rename, never replaces, and never waits for the disk
        except FileExistsError:
            raise
        except OSError:  # the file system has no hard links
            path.open("xb").close()
            self.move(path)
        else:
            self.path.unlink()
            self._file = None

    def discard(self) -> bool:
        """Remove the file; return False if it was moved or is removed already."""
        if self._file is None:
            return False
        file, self._file = self._file, None
        with contextlib.suppress(OSError):  # a write error may be reported only now
            file.close()
        self.path.unlink(missing_ok=True)
        return True


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _new_file_mode(beside: Path) -> int:
    """The permissions that a new file gets, as the umask or the directory's ACL decides.

    A file is created to find out: to read the umask is to change it, for all threads.
    """
    probe = beside.with_suffix(".mode")
    descriptor = os.open(probe, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
    try:
        return stat.S_IMODE(os.fstat(descriptor).st_mode)
    finally:
        os.close(descriptor)
        probe.unlink()


class FileSink:
    """A file that appears under its name once it is complete. Nothing is replaced.

    Args:
        name: its name. If that is taken, a number is added before the suffix.
        directory: its directory, which is created if it is missing; None for a new temporary one, which is removed at
            the end of the process.
    """

    def __init__(self, name: str, directory: Path | None) -> None:
        self._name = name
        self._own = directory is None
        self._directory = new_directory() if directory is None else directory
        self._directory.mkdir(parents=True, exist_ok=True)
        self._partial = _PartialFile(self._directory)

    def write(self, data: bytes | memoryview, /) -> None:
        """Write the next bytes."""
        self._partial.write(data)

    def finish(self) -> Path:
        """Move the file to its name; return its path."""
        self._partial.close()
        number = 0
        while True:
            path = self._path(number)
            try:
                self._partial.claim(path)
            except FileExistsError:
                number = self._free(number)
            else:
                return shown(path)

    def _path(self, number: int) -> Path:
        stem, suffix = os.path.splitext(self._name)
        return self._directory / (f"{stem}-{number}{suffix}" if number else self._name)

    def _free(self, taken: int) -> int:
        """A number that is free, above one that is taken: the next one, unless some were removed.

        All results of an endpoint may have one name, so this takes logarithmic time.
        """
        step = 1
        while os.path.lexists(self._path(taken + step)):
            taken, step = taken + step, 2 * step
        free = taken + step
        while free - taken > 1:
            middle = (taken + free) // 2
            if os.path.lexists(self._path(middle)):
                taken = middle
            else:
                free = middle
        return free

    def discard(self) -> None:
        """Remove what was written."""
        if self._partial.discard() and self._own:
            with contextlib.suppress(OSError):
                self._directory.rmdir()


class Destination:
    """The place where a caller wants a result to be saved.

    Args:
        path: a file, which is replaced if it exists; or a directory, in which the file gets the name that the server
            chose, and therefore replaces nothing.

    Raises:
        OSError: no file can be created there.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        given = os.fsdecode(path)
        self._path = target_of(given)  # a symbolic link stays one: its target is replaced
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

    def open(self, exchange: Exchange[object], fallback: str) -> Sink[Path]:
        """Open the file for the result of an exchange, whose response head has been received.

        Raises:
            OSError: the file can't be created.
        """
        return FileSink(_name(exchange, fallback), self._path) if self._is_directory else SavedSink(self._path)


class SavedSink:
    """A file under the caller's name, which is replaced once the new one is complete. It keeps the permissions.

    Args:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._partial = _PartialFile(path.parent)

    def write(self, data: bytes | memoryview, /) -> None:
        """Write the next bytes."""
        self._partial.write(data)

    def finish(self) -> Path:
        """Replace the file; return its path."""
        self._partial.close(self._path)
        self._partial.move(self._path)
        return shown(self._path)

    def discard(self) -> None:
        """Remove what was written."""
        self._partial.discard()


class _ImageFile(io.BytesIO):
    """An image, of which an opener may read a bounded number of bytes.

    The tags of a TIFF image may all refer to the same bytes, and older versions of Pillow keep a copy for each.
    """

    left = math.inf

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self.left -= len(data)
        if self.left < 0:
            raise ValueError("the image refers to its bytes too often")
        return data


class ImageSink:
    """An image in memory, which becomes a ``PIL.Image.Image``.

    Args:
        limit: the maximal number of bytes.
        media_type: the declared media type: Pillow reads the format of that type only. For a type that is unknown it
            tries the common formats. It never reads one for which it starts another program, as it does for EPS.
    """

    def __init__(self, limit: int, media_type: str = "") -> None:
        self._limit = limit
        self._media_type = media_type
        self._buffer = _ImageFile()

    def write(self, data: bytes | memoryview, /) -> None:
        """Write the next bytes.

        Raises:
            LimitExceeded: there are more than the limit.
        """
        if self._buffer.tell() + len(data) > self._limit:
            raise LimitExceeded(f"the image is over {self._limit} bytes")
        self._buffer.write(data)

    def finish(self) -> object:
        """Return the image. Pillow decodes its pixels when they are first used.

        Raises:
            LimitExceeded: it has more pixels than ``PIL.Image.MAX_IMAGE_PIXELS``.
            RemoteProtocolError: the bytes are not an image of the declared type.
        """
        from PIL import Image

        formats = _FORMATS.get(self._media_type, _ANY_FORMAT)
        Image.preinit()  # loads the most common formats
        if not Image.OPEN.keys() >= {*formats}:
            Image.init()  # loads all that are installed
        self._buffer.seek(0)
        self._buffer.left = _REREAD * len(self._buffer.getbuffer()) + _BUFFER
        try:
            image = Image.open(self._buffer, formats=[each for each in formats if each in Image.OPEN])
        except (Image.DecompressionBombError, Image.DecompressionBombWarning) as exc:
            raise LimitExceeded(f"the image has too many pixels: {exc}") from exc
        except Exception as exc:  # Pillow's readers raise errors of any class for a malformed image
            kind = self._media_type or "any common type"
            error = RemoteProtocolError(f"the result is not an image of {kind} that Pillow can read")
            error.body = self._buffer.getvalue()
            raise error from exc
        self._buffer.left = math.inf  # pixels are decoded later, frames perhaps several times
        pixels, most = image.width * image.height, Image.MAX_IMAGE_PIXELS
        if most is not None and pixels > most:  # Pillow only warns up to twice as many
            raise LimitExceeded(f"the image has {pixels} pixels, more than PIL.Image.MAX_IMAGE_PIXELS, {most}")
        return image

    def discard(self) -> None:
        """Release the memory."""
        self._buffer = _ImageFile()


def _has_pillow() -> bool:
    return importlib.util.find_spec("PIL") is not None
