"""The framing of forms: what `multipart` writes, read back as a server reads it."""

from __future__ import annotations

import re

from bento_proto.http import FilePart
from bento_proto.request._multipart import Field, multipart
from fuzz.support import Source

BOUNDARY = "5b0f3c1e9a"
DISPOSITION = re.compile(r'form-data; name="([^"\r\n\0]*)"(?:; filename="([^"\r\n\0]*)")?')
LONGEST = 255  # of a file's name, in the server's file system


def test_one_input(data: bytes) -> None:
    """Names and contents come back as they were, in their order, whatever is in them: no name opens another part.

    Files are left to the adapter, one segment each, and without any the form is one segment.
    """
    source = Source(data)
    fields = [_field(source) for _ in range(source.integer(0, 5))]
    body = multipart(fields, BOUNDARY)
    assert body.content_type == f"multipart/form-data; boundary={BOUNDARY}"
    files = [segment for segment in body.segments if isinstance(segment, FilePart)]
    assert files == [field.content for field in fields if isinstance(field.content, FilePart)]
    assert len(body.segments) == 2 * len(files) + 1
    wire = b"".join(part if isinstance(part, bytes) else bytes(part.source) for part in body.segments)  # type: ignore[call-overload]
    parts = _parts(wire)
    assert len(parts) == len(fields)
    for (name, file_name, content_type, content), field in zip(parts, fields, strict=True):
        expected = field.content.source if isinstance(field.content, FilePart) else field.content
        assert name == _plain(field.name)
        assert content == expected
        assert content_type == field.content_type
        assert (file_name is None) is (field.file_name is None)
        if file_name is not None and field.file_name is not None:
            assert _plain(field.file_name).endswith(file_name.removeprefix("\ufffd"))
            assert len(file_name.encode()) <= LONGEST or "%" in file_name  # an escape counts when it is undone


def _field(source: Source) -> Field:
    content = source.field().replace(BOUNDARY.encode(), b"")
    return Field(
        source.text(),
        FilePart(content, len(content)) if source.flag() else content,
        source.choice((None, source.text(), source.text() * 50)),
        source.choice((None, "image/png")),
    )


def _plain(name: str) -> str:
    """A name as the HTML standard writes it; the quote's escape can't be told from itself."""
    name = name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A").replace("\0", "_")
    return name.encode("utf-8", "replace").decode()


def _parts(wire: bytes) -> list[tuple[str, str | None, str | None, bytes]]:
    """RFC 2046, section 5.1.1: parts between boundaries that stand at the beginning of a line."""
    preamble, *parts, end = (b"\r\n" + wire).split(b"\r\n--" + BOUNDARY.encode())
    assert (preamble, end) == (b"", b"--\r\n")
    found = []
    for part in parts:
        head, blank, content = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        assert blank
        fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        disposition = DISPOSITION.fullmatch(fields.pop("Content-Disposition"))
        assert disposition is not None, head
        content_type = fields.pop("Content-Type", None)
        assert not fields
        found.append((disposition[1], disposition[2], content_type, content))
    return found
