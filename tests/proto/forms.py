"""A reader of ``multipart/form-data`` that shares nothing with the writer under test."""

from __future__ import annotations

import re
from typing import NamedTuple

from bento_proto.http import FilePart
from bento_proto.request import Body

_DISPOSITION = re.compile(rb'form-data; name="([^"\r\n]*)"(?:; filename="([^"\r\n]*)")?')


class Part(NamedTuple):
    name: str
    file_name: str | None
    content_type: str | None
    content: bytes


def parse_form(content_type: str, body: bytes) -> list[Part]:
    """The parts in their order. Fails on anything that is not exactly as RFC 7578 has it."""
    kind, _, boundary = content_type.partition("; boundary=")
    assert kind == "multipart/form-data"
    mark = b"--" + boundary.encode()
    first, *between, last = (b"\r\n" + body).split(b"\r\n" + mark)
    assert (first, last) == (b"", b"--\r\n")
    return [_part(text) for text in between]


def _part(text: bytes) -> Part:
    assert text.startswith(b"\r\n")
    head, mark, content = text[2:].partition(b"\r\n\r\n")
    assert mark
    headers = dict(line.split(b": ", 1) for line in head.split(b"\r\n"))
    assert set(headers) <= {b"Content-Disposition", b"Content-Type"}
    match = _DISPOSITION.fullmatch(headers[b"Content-Disposition"])
    assert match is not None
    kind = headers.get(b"Content-Type")
    return Part(
        match[1].decode(),
        None if match[2] is None else match[2].decode(),
        None if kind is None else kind.decode(),
        content,
    )


def whole(body: Body) -> bytes:
    """The body as it goes out; the source of a file in it is its content."""
    return b"".join(_content(part) if isinstance(part, FilePart) else part for part in body.segments)


def _content(part: FilePart) -> bytes:
    assert isinstance(part.source, bytes)
    return part.source
