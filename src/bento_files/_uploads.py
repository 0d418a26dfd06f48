"""File arguments: measured before a request is sent, read in blocks while it is."""

from __future__ import annotations

import errno
import io
import os
import stat
from collections.abc import Callable, Generator, Iterable, Iterator
from itertools import cycle
from typing import BinaryIO, Final, Protocol, TypeVar, cast, runtime_checkable

from bento_proto import File, LocalProtocolError, Request
from bento_proto.http import FilePart
from bento_proto.request import FileSource, Upload

from ._media_types import guess_type

Block = TypeVar("Block", bytes, memoryview)

BLOCK: Final = 1 << 18
"""The size of a block in bytes: smaller blocks cost more time, larger ones only memory."""


@runtime_checkable
class _Readable(Protocol):
    def read(self, size: int = ..., /) -> bytes | str: ...


class _Seekable(Protocol):
    def seek(self, offset: int, whence: int, /) -> int | None: ...  # None from an mmap, before Python 3.13

    def tell(self) -> int: ...


@runtime_checkable
class _Image(Protocol):
    format: str | None

    def save(self, fp: io.BytesIO, /, format: str | None = ..., **params: str) -> None: ...


def form(sources: Iterable[FileSource]) -> tuple[list[Upload], str]:
    """The files of a form, measured, and a boundary for its parts. Raises what `measure` does."""
    return [measure(source) for source in sources], os.urandom(16).hex()


def measure(source: FileSource) -> Upload:
    """Determine the size, name and media type of a file argument without reading it.

    An open file is sent from its start, whatever its position; one that can't seek, from its position. An image that
    was opened from a file and has not been decoded is sent as that file; any other image is encoded.

    Raises:
        TypeError: the argument can't be sent as a file.
        ValueError: its name or media type can't be sent, or it is closed.
        OSError: it does not exist, is a directory, or can't be read.
    """
    content = source.content
    if isinstance(content, File):
        return _named(content, _measure(source.label, content.content))
    return _measure(source.label, content)


def _named(file: File, upload: Upload) -> Upload:
    if file.content_type is not None and not (file.content_type.isascii() and file.content_type.isprintable()):
        raise ValueError(f"content_type must be printable ASCII, such as 'image/png', not {file.content_type!r}")
    name = upload.name if file.name is None else file.name
    if file.content_type is not None:
        return Upload(upload.content, name, file.content_type, given=True)
    return Upload(upload.content, name, _guess(name) if file.name is not None else upload.content_type)


def _measure(label: str, content: object) -> Upload:
    if isinstance(content, (bytes, bytearray, memoryview)):
        return Upload(bytes(cast("bytes", content)))
    if isinstance(content, (str, os.PathLike)):
        return _path(os.fsdecode(cast("str | os.PathLike[str]", content)))
    if isinstance(content, io.BytesIO):
        return Upload(content.getvalue())
    if isinstance(content, _Image):
        return _image(content)
    if isinstance(content, _Readable):
        return _file(label, content)
    if isinstance(content, Iterator):
        return Upload(FilePart(_Chunks(label, cast("Iterator[object]", content)), None, replayable=False))
    hint = ": PIL.Image.fromarray makes an image of an array" if hasattr(content, "__array_interface__") else ""
    raise TypeError(
        f"{label} must be a path, an open binary file, bytes, an iterator of bytes, an image or a URL, "
        f"not {type(content).__name__}{hint}"
    )


class _Chunks:
    """An iterator of bytes, read as a file.

    Args:
        label: endpoint and argument, for error messages.
        chunks: the bytes.
    """

    def __init__(self, label: str, chunks: Iterator[object]) -> None:
        self._label = label
        self._chunks = chunks

    def read(self, size: int = -1, /) -> bytes:  # noqa: ARG002 - what is given at a time is sent at a time
        """The next chunk that is not empty; none at the end."""
        for chunk in self._chunks:
            if not isinstance(chunk, (bytes, bytearray, memoryview)):
                raise TypeError(f"{self._label} is an iterator of {type(chunk).__name__}, and must be one of bytes")
            if chunk:
                return bytes(cast("bytes", chunk))
        return b""


def _path(path: str) -> Upload:
    name = os.path.basename(path)
    if stat.S_ISFIFO(os.stat(path).st_mode):  # opened once: who writes to it would take its closing for the end
        if not os.access(path, os.R_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        return Upload(FilePart(path, None, replayable=False), name, _guess(name))
    with open(path, "rb") as file:  # not just stat: an unreadable file must fail before anything is sent
        status = os.fstat(file.fileno())
        is_empty = stat.S_ISREG(status.st_mode) and not status.st_size and not file.read(1)
    if stat.S_ISREG(status.st_mode):  # some say that they are empty and are not, such as those in /proc
        return Upload(FilePart(path, status.st_size if status.st_size or is_empty else None), name, _guess(name))
    return Upload(FilePart(path, None, replayable=False), name, _guess(name))


def _file(label: str, file: _Readable) -> Upload:
    if getattr(file, "closed", False):
        raise ValueError(f"{label} is a closed file")
    if isinstance(file.read(0), str):
        raise TypeError(f"{label} is a file that was opened as text; open it in binary mode")
    path = getattr(file, "name", None)
    name = os.path.basename(path) if isinstance(path, str) else None
    size: int | None = None
    if isinstance(file, io.IOBase) or hasattr(file, "seek"):
        seekable = cast("_Seekable", file)
        try:
            size = seekable.seek(0, os.SEEK_END)
            if size is None:
                size = seekable.tell()
            if size == 0:
                seekable.seek(0, os.SEEK_SET)
                if file.read(1):  # as above
                    return Upload(FilePart(file, None), name, _guess(name))
        except (OSError, ValueError, NotImplementedError):  # a pipe, or another that can't seek but has the method
            size = None
    return Upload(FilePart(file, size, replayable=size is not None), name, _guess(name))


def _image(image: _Image) -> Upload:
    path = getattr(image, "filename", None)
    own = cast("dict[str, object]", getattr(image, "__dict__", {}))
    # Pillow decodes the pixels on first use, into an attribute that was called `im` before Pillow 11.
    untouched = own.get("_im", own.get("im", image)) is None
    if untouched and isinstance(path, str) and os.path.isfile(path):
        return _path(path)
    for name, parameters in ((image.format, {"quality": "keep"}), (image.format, {}), ("PNG", {}), ("TIFF", {})):
        buffer = io.BytesIO()
        try:
            if name is not None:
                image.save(buffer, name, **(parameters if name == "JPEG" else {}))
                return Upload(buffer.getvalue(), f"image.{name.lower()}")
        except (OSError, ValueError, KeyError):  # the format can't hold this image, or it has no quality to keep
            continue
    raise ValueError("the image can't be encoded, neither in its own format nor as PNG or TIFF")


def _guess(name: str | None) -> str | None:
    return None if name is None else guess_type(name)


def blocks(part: FilePart, at_once: int = 1) -> Generator[bytes | memoryview, None, None]:
    """Read a file in blocks: as many bytes as were measured, or all if it could not be measured.

    Args:
        part: the file.
        at_once: how many blocks the caller uses at a time. A block's memory is reused `at_once` blocks later.

    Raises:
        LocalProtocolError: the file has become shorter since it was measured.
        OSError: the file can't be read.
    """
    if isinstance(part.source, str):
        places = cycle([memoryview(bytearray(BLOCK)) for _ in range(at_once)])

        def read(size: int) -> memoryview | None:
            place = next(places)[:size]
            count = opened.readinto(place)
            return None if count is None else place[:count]

        with open(part.source, "rb", buffering=0) as opened:
            yield from _read(read, part.size, part.source)
        return
    file = cast("BinaryIO", part.source)
    if part.replayable:
        file.seek(0)
    yield from _read(file.read, part.size, getattr(file, "name", "a file"))


def body_blocks(request: Request) -> Generator[bytes, None, None]:
    """Read the body of a request in blocks.

    Raises:
        LocalProtocolError: as `blocks`.
        OSError: as `blocks`.
    """
    for segment in request.body:
        yield from map(bytes, blocks(segment)) if isinstance(segment, FilePart) else (segment,)


def read_body(request: Request) -> bytes:
    """Read the whole body of a request into memory.

    Raises:
        LocalProtocolError: as `blocks`.
        OSError: as `blocks`.
    """
    return b"".join(body_blocks(request))


def _read(read: Callable[[int], Block | None], size: int | None, name: object) -> Generator[Block, None, None]:
    left = size
    while left is None or left > 0:
        data: Block | None = read(BLOCK if left is None else min(BLOCK, left))
        if data is None:
            raise BlockingIOError(f"{os.path.basename(str(name))} is non-blocking and has no data now")
        if not data:
            break
        if left is not None:
            left -= len(data)
        yield data
    if left:
        raise LocalProtocolError(f"{os.path.basename(str(name))} became shorter while it was being sent")
