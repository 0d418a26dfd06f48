"""``multipart/form-data`` (RFC 7578): the framing as bytes; the adapter reads the files between."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bento_proto._frozen import Frozen
from bento_proto.http._messages import Segment

# HTML standard, "multipart form data": only these are escaped; all else is UTF-8.
_ESCAPES: Final = str.maketrans({'"': "%22", "\r": "%0D", "\n": "%0A", "\0": "_"})
# The server makes a temporary file whose name ends with this one; file systems allow 255 bytes.
_NAME_BYTES: Final = 180


class Field(Frozen):
    """One part of a form.

    Attributes:
        name: the name of the parameter.
        content: the bytes, or the file that the adapter reads.
        file_name: the file name, which makes the part a file to the server; None for a field.
        content_type: the Content-Type; None for none.
    """

    name: str
    content: Segment
    file_name: str | None
    content_type: str | None


class Body(Frozen):
    """The body of a request.

    Attributes:
        content_type: the Content-Type.
        segments: the body in order.
    """

    content_type: str
    segments: tuple[Segment, ...]


def multipart(fields: Sequence[Field], boundary: str) -> Body:
    """Encode a form.

    Adjacent bytes are joined, so that a form without files is one segment.
    """
    segments: list[Segment] = []
    text = bytearray()
    for field in fields:
        text += f'--{boundary}\r\nContent-Disposition: form-data; name="{_escaped(field.name)}"'.encode()
        if field.file_name is not None:
            text += f'; filename="{_shortened(_escaped(field.file_name))}"'.encode()
        if field.content_type is not None:
            text += f"\r\nContent-Type: {field.content_type}".encode()
        text += b"\r\n\r\n"
        if isinstance(field.content, bytes):
            text += field.content
        else:
            segments += (bytes(text), field.content)
            text.clear()
        text += b"\r\n"
    text += f"--{boundary}--\r\n".encode()
    segments.append(bytes(text))
    return Body(f"multipart/form-data; boundary={boundary}", tuple(segments))


def _escaped(text: str) -> str:
    return text.translate(_ESCAPES).encode("utf-8", "replace").decode()


def _shortened(name: str) -> str:
    """The end of a long name: the server needs the suffix only."""
    return name.encode()[-_NAME_BYTES:].decode(errors="ignore")
