"""What a head says of its body: file names, charsets, codings."""

from __future__ import annotations

import unicodedata

from bento_proto import Head, RemoteProtocolError
from bento_proto.http import file_name, media_type, safe_name
from bento_proto.http._content_coding import inflater
from bento_proto.http._content_headers import charset, parameters
from fuzz.support import Source

LONGEST = 255
# What Windows takes for a device, with any suffix: https://learn.microsoft.com/windows/win32/fileio/naming-a-file
DEVICES = {"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"}
DEVICES |= {f"{port}{number}" for port in ("COM", "LPT") for number in "123456789\xb9\xb2\xb3"}
BIDIRECTIONAL = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


def test_one_input(data: bytes) -> None:
    """Whatever a head says, it has a charset that decodes, a media type, and a file name that is safe, or none.

    A safe name is one segment of a path on every platform, no device, not hidden, not too long, and safe already.
    A Content-Encoding is undone, or a `RemoteProtocolError`. A name that was written by the book is read by it.
    """
    source = Source(data)
    doing = source.integer(0, 2)
    if doing == 0:
        _check(safe_name(source.rest().decode("utf-8", "surrogateescape")))
    elif doing == 1:
        _written(source.rest().decode("utf-8", "replace"))
    else:
        field = source.choice(("content-disposition", "content-type", "content-encoding"))
        value = source.rest().decode("latin-1")
        head = Head(200, ((field, value),))
        _check(file_name(head))
        assert isinstance(media_type(head), str)
        assert all(name == name.lower() for name in parameters(value))
        assert isinstance(b"a b".decode(charset(head), "replace"), str)
        try:
            inflater(head)
        except RemoteProtocolError as error:
            assert field == "content-encoding"
            assert len(str(error)) < 200


def _check(name: str | None) -> None:
    if name is None:
        return
    assert name == name.encode().decode()
    assert name not in ("", ".", "..")
    assert not name.startswith((".", " "))
    assert not name.endswith((".", " "))
    assert not set(name) & set('/\\<>:"|?*')
    assert not any(unicodedata.category(c) == "Cc" or unicodedata.bidirectional(c) in BIDIRECTIONAL for c in name)
    assert name.partition(".")[0].rstrip(" ").upper() not in DEVICES
    assert len(name.encode()) <= LONGEST
    assert safe_name(name) == name


def _written(name: str) -> None:
    """RFC 6266 and RFC 8187, as a server writes them that does it well."""
    percent = "".join(f"%{byte:02X}" for byte in name.encode())
    quoted = name.replace("\\", "\\\\").replace('"', '\\"').encode().decode("latin-1")
    for value in (f"attachment; filename*=UTF-8''{percent}", f'attachment; filename="{quoted}"'):
        if "\n" not in value:  # which can't stand in a header
            assert file_name(Head(200, (("content-disposition", value),))) == safe_name(name)
