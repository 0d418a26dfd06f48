"""`TextDecoder` and `RawDecoder`: bodies whose items are whatever has arrived."""

from __future__ import annotations

import codecs

from bento_proto import Head, RemoteProtocolError
from bento_proto.http._content_headers import charset
from bento_proto.response import RawDecoder, TextDecoder
from fuzz.support import Source, decoded, held, same, splits

CHARSETS = (
    "utf-8", "UTF-16", "utf-32-be", "utf-8-sig", "latin-1", "cp1252", "shift_jis", "gb18030", "big5hkscs", "euc_kr",
    "iso2022_jp_2", "hz", "utf-7", "idna", "punycode", "unicode_escape", "charmap", "hex", "undefined", "mbcs",
)  # fmt: skip
# Where the mark of the byte order is not there, or is cut, Python decodes a whole and its pieces by different rules.
MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
MARKED = {"utf-16", "utf-32", "utf-8-sig"}
HELD_BACK = 16  # of a character that is cut


def test_one_input(data: bytes) -> None:
    """However a body is cut, the sum of its items is the same, and it is what Python decodes.

    Whichever charset a server declares, there is a decoder, and it holds back one character at most.
    """
    source = Source(data)
    declared = source.choice(CHARSETS) if source.flag() else source.field().decode("latin-1")
    name = charset(Head(200, (("content-type", f"text/plain; charset={declared}"),)))
    seed, body = source.integer(0, 0xFFFF), source.rest()
    text, error = same(_text(name, pieces) for pieces in splits(body, seed))
    if codecs.lookup(name).name in MARKED and not body.startswith(MARKS):
        return
    try:
        assert (text, error) == (body.decode(name), None), name
    except UnicodeError:
        assert error is RemoteProtocolError
    items, _ = decoded(RawDecoder, [[body[:3], b"", body[3:]]])
    assert b"".join(item for item in items if isinstance(item, bytes)) == body


def _text(name: str, pieces: list[bytes]) -> tuple[str, type[RemoteProtocolError] | None]:
    decoder = TextDecoder(name)
    text = ""
    try:
        for piece in pieces:
            text += "".join(decoder.feed(piece))
            state = decoder._decoder.getstate()
            assert held(state) <= HELD_BACK
        return text + "".join(decoder.finish()), None
    except RemoteProtocolError as error:
        return text + "".join(map(str, error.items)), type(error)
