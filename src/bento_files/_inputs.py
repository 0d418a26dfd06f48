"""File arguments, measured: what their bytes are read from, how many they are, and what they are called."""

from __future__ import annotations

import io
import os
import stat
from typing import TYPE_CHECKING, Protocol, cast, runtime_checkable

from bento_proto import File
from bento_proto.http import FilePart
from bento_proto.request import Upload

from ._types import types

if TYPE_CHECKING:
    from bento_proto.request import FileSource


@runtime_checkable
class _Readable(Protocol):
    def read(self, size: int = ..., /) -> bytes | str: ...


@runtime_checkable
class _Image(Protocol):
    format: str | None

    def save(self, fp: io.BytesIO, /, format: str | None = ..., **params: str) -> None: ...


def measure(source: FileSource) -> Upload:
    """Find out what is needed to send a file argument, without reading it.

    An open file is sent whole, from its start, wherever it stands; one that can't seek from where it stands. An image
    that was opened from a file and not touched is sent as that file is, any other is encoded.

    Raises:
        TypeError: it is nothing that can be sent as a file.
        ValueError: its name or type can't be sent.
        OSError: it does not exist, is a directory, or can't be read.
    """
    content = source.content
    if isinstance(content, File):
        return _named(content, _measure(source.label, content.content))
    return _measure(source.label, content)


def _named(file: File, upload: Upload) -> Upload:
    if file.content_type is not None and not (file.content_type.isascii() and file.content_type.isprintable()):
        raise ValueError(f"not a media type: {file.content_type!r}")
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
    raise TypeError(
        f"{label} must be a path, an open binary file, bytes, an image or a URL, not {type(content).__name__}"
    )


def _path(path: str) -> Upload:
    with open(path, "rb") as file:  # not just stat: one that can't be read is to fail before anything is sent
        status = os.fstat(file.fileno())
    name = os.path.basename(path)
    if stat.S_ISREG(status.st_mode):
        return Upload(FilePart(path, status.st_size), name, _guess(name))
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
        seekable = cast("io.BufferedIOBase", file)
        try:
            size = seekable.seek(0, os.SEEK_END)
        except OSError:  # a pipe, or a file that cannot seek though it has the method
            size = None
    return Upload(FilePart(file, size, replayable=size is not None), name, _guess(name))


def _image(image: _Image) -> Upload:
    path = getattr(image, "filename", None)
    own = cast("dict[str, object]", getattr(image, "__dict__", {}))
    # Pillow reads the pixels when it is first asked for them, into what was called `im` before Pillow 11.
    untouched = own.get("_im", own.get("im", image)) is None
    if untouched and isinstance(path, str) and os.path.isfile(path):
        return _path(path)
    for name, parameters in ((image.format, {"quality": "keep"}), (image.format, {}), ("PNG", {}), ("TIFF", {})):
        buffer = io.BytesIO()
        try:
            if name is not None:
                image.save(buffer, name, **(parameters if name == "JPEG" else {}))
                return Upload(buffer.getvalue(), f"image.{name.lower()}")
        except (OSError, ValueError, KeyError):  # this format can't hold this image, or "keep" is not to be had
            continue
    raise ValueError("the image can't be encoded, neither in its own format nor as PNG or TIFF")


def _guess(name: str | None) -> str | None:
    if name is None:
        return None
    kind, coding = types().guess_type(name)
    return {"gzip": "application/gzip", "bzip2": "application/x-bzip2", "xz": "application/x-xz"}.get(
        coding or "", kind
    )
