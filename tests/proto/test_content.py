"""The header fields that describe a body: parameters, charset, file name, content coding."""

from __future__ import annotations

import codecs
import gzip
import math
import random
import zlib
from collections.abc import Iterator, Sequence
from encodings.aliases import aliases

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bento_proto import Head, RemoteProtocolError
from bento_proto.http import file_name, media_type, safe_name
from bento_proto.http._content_coding import ZlibInflater, inflater
from bento_proto.http._content_headers import charset, parameters
from tests.proto.play import splits


def head(**fields: str) -> Head:
    return Head(200, tuple((name.replace("_", "-"), value) for name, value in fields.items()))


# --- parameters, media type, charset


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("text/plain", {}),
        ("text/plain; charset=utf-8", {"charset": "utf-8"}),
        ("text/plain;charset=utf-8 ; q=1", {"charset": "utf-8", "q": "1"}),
        ('a; CharSet="x y"', {"charset": "x y"}),
        (r'a; name="a\"b\\c;d=e"; f=g', {"name": r'a"b\c;d=e', "f": "g"}),
        ('a; name=""', {"name": ""}),
        ("a; n=1; n=2", {"n": "1"}),
        ('a; n="never closed; m=1', {"n": "", "m": "1"}),
        ("a; ; =b; c", {}),
    ],
)
def test_parameters_of_a_field_value(value: str, found: dict[str, str]) -> None:
    assert parameters(value) == found


@pytest.mark.parametrize(
    ("value", "kind"), [("Text/Plain; charset=utf-8", "text/plain"), (" image/PNG ", "image/png"), ("", "")]
)
def test_media_types(value: str, kind: str) -> None:
    assert media_type(head(content_type=value)) == kind
    assert media_type(Head(200)) == ""


@pytest.mark.parametrize(
    ("declared", "read"),
    [
        ("ISO-8859-1", "ISO-8859-1"),
        ('"utf-16"', "utf-16"),
        ("shift_jis", "shift_jis"),
        ("nonsense", "utf-8"),
        ("base64", "utf-8"),
        ("x\xff", "utf-8"),
        ("", "utf-8"),
    ],
)
def test_the_declared_charset_is_used_if_python_has_it(declared: str, read: str) -> None:
    assert charset(head(content_type=f"text/plain; charset={declared}")) == read
    assert charset(Head(200)) == "utf-8"


@pytest.mark.parametrize("name", sorted({*aliases, *aliases.values()}))
def test_any_bytes_can_be_decoded_with_replacement_in_any_charset(name: str) -> None:
    taken = charset(head(content_type=f"text/plain; charset={name}"))
    for data in (bytes(range(256)) * 3, b"\\d \\N{", b"a-\xff", b"xn--\xff", b"+/v8-"):
        assert isinstance(data.decode(taken, "replace"), str)
    assert codecs.getincrementaldecoder(taken)().decode(b"") == ""


# --- file names


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ('attachment; filename="table.csv"', "table.csv"),
        ("attachment; filename=table.csv", "table.csv"),
        ("attachment; filename*=utf-8''report%20final.pdf", "report final.pdf"),
        ("attachment; filename=\"x.txt\"; filename*=UTF-8'de'%C3%BC.txt", "ü.txt"),
        ("attachment; filename*=iso-8859-1''%FC.txt", "ü.txt"),
        # malformed: the plain name counts
        ("attachment; filename*=%FC.txt; filename=a.txt", "a.txt"),
        ("attachment; filename*=utf-8''%FF; filename=a.txt", "a.txt"),
        ("attachment; filename*=utf-16''a; filename=a.txt", "a.txt"),
        # raw UTF-8 comes out of a head as Latin-1, raw Latin-1 as itself
        ('attachment; filename="\xc3\xbc.txt"', "ü.txt"),
        ('attachment; filename="\xfc.txt"', "ü.txt"),
        ('attachment; filename="../../evil.txt"', "evil.txt"),
        ("attachment; filename*=utf-8''..%5C..%5Cevil.txt", "evil.txt"),
        ('attachment; filename="/"', None),
        ("inline", None),
        ("", None),
    ],
)
def test_file_names_of_content_dispositions(disposition: str, name: str | None) -> None:
    assert file_name(head(content_disposition=disposition)) == name


def test_no_content_disposition_means_no_file_name() -> None:
    assert file_name(Head(200)) is None


@pytest.mark.parametrize(
    ("given_name", "safe"),
    [
        ("a.txt", "a.txt"),
        ("/etc/passwd", "passwd"),
        ("C:\\dir\\a.txt", "a.txt"),
        ("a:b?.txt", "a_b_.txt"),
        ("a\x00\n\x7f.txt", "a___.txt"),
        ("abc\u202etxt.exe", "abc_txt.exe"),
        ("\u200b-rf", "_-rf"),
        ("CON\u2060", "CON_"),
        ("\ud800x", "_x"),
        ("~root", "_root"),
        (".bashrc", "_bashrc"),
        ("-rf", "_rf"),
        ("--.-x.txt", "_x.txt"),
        ("a-b", "a-b"),
        ("...", None),
        ("..", None),
        ("dir/", None),
        ("  a. . ", "a"),
        ("\ud800.txt", "_.txt"),
        ("con", "_con"),
        ("Aux.tar.gz", "_Aux.tar.gz"),
        ("console", "console"),
        ("a" * 300, "a" * 200),
        ("a" * 300 + ".tar", "a" * 196 + ".tar"),
        ("a" * 300 + "." + "b" * 33, "a" * 200),
        ("ü" * 150 + ".txt", "ü" * 98 + ".txt"),
    ],
)
def test_safe_names(given_name: str, safe: str | None) -> None:
    assert safe_name(given_name) == safe


@given(st.text(max_size=300) | st.text("./\\ \x00:aA1\u202e", max_size=300))
def test_any_name_becomes_one_inside_the_directory(name: str) -> None:
    safe = safe_name(name)
    if safe is not None:
        assert safe_name(safe) == safe
        assert 0 < len(safe.encode()) <= 200
        assert not set(safe) & set('/\\\x00<>:"|?*')
        assert not safe.startswith(".")
        assert not safe.endswith((".", " "))


# --- codings


def _raw_deflate(data: bytes) -> bytes:
    machine = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    return machine.compress(data) + machine.flush()


def _inflated(coding: str, pieces: Sequence[bytes]) -> bytes:
    machine = inflater(head(content_encoding=coding))
    assert machine is not None
    plain = b"".join(b"".join(machine.feed(piece)) for piece in pieces)
    machine.finish()
    return plain


TEXT = b"Lorem ipsum " * 40 + bytes(range(256))


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", gzip.compress(TEXT)),
        ("X-GZip", gzip.compress(TEXT)),
        ("identity, gzip", gzip.compress(TEXT)),
        ("gzip", gzip.compress(TEXT) + bytes(9)),  # padded with zeros, as by tools that write blocks
        ("gzip", gzip.compress(TEXT[:100]) + bytes(3) + gzip.compress(TEXT[100:]) + bytes(1)),
        ("gzip", gzip.compress(TEXT[:100]) + gzip.compress(b"") + gzip.compress(TEXT[100:])),
        ("deflate", zlib.compress(TEXT)),
        ("deflate", zlib.compress(TEXT, 0)),
        ("deflate", _raw_deflate(TEXT)),
        ("deflate", zlib.compress(TEXT) + b"what follows is nobody's"),
    ],
)
def test_a_body_is_decompressed_however_it_is_split(coding: str, body: bytes) -> None:
    assert {_inflated(coding, pieces) for pieces in splits(body)} == {TEXT}


@pytest.mark.parametrize("size", [0, 1 << 16, 1 << 17])
def test_output_that_fills_a_block_exactly_is_complete(size: int) -> None:
    for more in (0, 1, 2, *range(3, 1500, 67)):
        plain = bytes(size + more)
        assert _inflated("gzip", [gzip.compress(plain)]) == plain
        assert _inflated("deflate", [zlib.compress(plain)]) == plain
        assert _inflated("deflate", [_raw_deflate(plain)]) == plain


def test_a_decompression_bomb_comes_in_blocks_of_bounded_size() -> None:
    bomb = gzip.compress(bytes(5 << 20), 9)
    sizes = [len(piece) for piece in ZlibInflater(False, math.inf).feed(bomb)]
    assert max(sizes) == 1 << 16
    assert sum(sizes) == 5 << 20


@pytest.mark.parametrize(("coding", "body"), [("gzip", gzip.compress(TEXT)), ("deflate", zlib.compress(TEXT))])
def test_an_incomplete_compressed_body_is_an_error(coding: str, body: bytes) -> None:
    for end in range(1, len(body)):
        with pytest.raises(RemoteProtocolError, match="incomplete"):
            _inflated(coding, [body[:end]])
    assert _inflated(coding, []) == b""  # an answer without content has no coding either
    assert _inflated(coding, [b""]) == b""


def test_an_incomplete_second_gzip_member_is_an_error() -> None:
    with pytest.raises(RemoteProtocolError, match="incomplete"):
        _inflated("gzip", [gzip.compress(b"a"), gzip.compress(b"b")[:-1]])


@pytest.mark.parametrize(("coding", "body"), [("gzip", b"no gzip"), ("deflate", b"\xff\xff"), ("gzip", TEXT)])
def test_data_that_is_not_in_the_declared_coding_is_an_error(coding: str, body: bytes) -> None:
    for pieces in splits(body):
        with pytest.raises(RemoteProtocolError, match="decompressed"):
            _inflated(coding, pieces)


@pytest.mark.parametrize("codings", [[], [""], ["identity"], ["identity, ,"], ["none"]])
def test_no_content_coding_means_no_decompressor(codings: list[str]) -> None:
    assert inflater(Head(200, tuple(("Content-Encoding", coding) for coding in codings))) is None


@pytest.mark.parametrize(
    "codings", [["compress"], ["gzip, gzip"], ["gzip", "deflate"], ["br, zstd"], ["x" * 1000], ["\0" * 1000]]
)
def test_a_content_coding_that_was_not_accepted_is_an_error(codings: list[str]) -> None:
    with pytest.raises(RemoteProtocolError, match="not accepted") as caught:
        inflater(Head(200, tuple(("content-encoding", coding) for coding in codings)))
    assert len(str(caught.value)) < 200


# --- laws of the decompressors


def drained(coding: str, data: bytes, size: int) -> tuple[bytes, str]:
    """What is decompressed, and the error that ends it."""
    machine = inflater(Head(200, (("content-encoding", coding),)))
    assert machine is not None
    found = bytearray()
    try:
        for at in range(0, len(data), size):
            for block in machine.feed(data[at : at + size]):
                found += block
        machine.finish()
    except RemoteProtocolError as error:
        return bytes(found), str(error)
    return bytes(found), ""


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_corrupt_data_gives_the_same_bytes_and_the_same_error_however_it_is_split(coding: str) -> None:
    chance = random.Random(1)
    plain = b"".join(b"%d,%s;" % (number, chance.randbytes(number % 7)) for number in range(3000))
    whole = gzip.compress(plain) if coding == "gzip" else zlib.compress(plain)
    for number in range(25):
        at = chance.randrange(len(whole)) if number else len(whole) - 2  # the check at the end
        broken = bytearray(whole)
        broken[at] ^= 1 << chance.randrange(8)
        first = drained(coding, bytes(broken), 1)
        for size in (2, 7, 100, 1024, 5000, len(whole)):
            assert drained(coding, bytes(broken), size) == first
        if number == 0:
            assert first[0] == plain
            assert "incorrect" in first[1]


def test_many_small_members_in_one_event_take_linear_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each member copies what follows it: of one piece of the input, and not of all."""
    fed: list[int] = []
    blocks = ZlibInflater._blocks

    def watched(machine: ZlibInflater, data: bytes) -> Iterator[bytes]:
        fed.append(len(data))
        return blocks(machine, data)

    monkeypatch.setattr(ZlibInflater, "_blocks", watched)
    data = gzip.compress(b"x") * 2000
    assert drained("gzip", data, len(data)) == (b"x" * 2000, "")
    assert max(fed) <= 1 << 13
    assert sum(fed) == len(data)
