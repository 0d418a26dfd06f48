"""The content codings `br` and `zstd`: offered and decoded where a package is installed, within bounds like gzip."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from types import ModuleType, SimpleNamespace

import pytest

from bento_proto import Data, Exchange, Head, LimitExceeded, Limits, RemoteProtocolError, Request, Session
from bento_proto.http import Origin
from bento_proto.http._accept_encoding import accept_encoding, has_brotli, zstd_module
from bento_proto.http._content_coding import inflater
from bento_proto.http._inflater import PIECE
from tests.proto.play import splits
from tests.proto.test_amplification import BOMB, JSON_ITEMS, JSON_VALUE, MIB, compressed

MODULES = ("_zstd", "backports", "backports.zstd", "compression.zstd", "brotli")
TEXT = b"Lorem ipsum " * 40 + bytes(range(256))


@pytest.fixture(autouse=True)
def looks_anew() -> Iterator[None]:
    """What is installed is looked for by each test, and again after it."""
    _forget()
    yield
    _forget()


def _forget() -> None:
    has_brotli.cache_clear()
    zstd_module.cache_clear()


@pytest.fixture(params=["br", "zstd"])
def coding(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    if name not in accept_encoding():
        pytest.skip(f"nothing is installed that decodes {name}")
    return name


def compress(coding: str, data: bytes) -> bytes:
    module = import_module("brotli" if coding == "br" else zstd_module())
    packed: bytes = module.compress(data)
    return packed


def decompressed(coding: str, pieces: Sequence[bytes], expansion: float = math.inf) -> bytes:
    machine = inflater(Head(200, (("content-encoding", coding),)), expansion)
    assert machine is not None
    plain: list[bytes] = []
    for piece in pieces:
        for block in machine.feed(piece):
            assert 0 < len(block) <= PIECE
            plain.append(block)
    machine.finish()
    return b"".join(plain)


def test_what_is_not_installed_is_neither_offered_nor_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in MODULES:
        monkeypatch.setitem(sys.modules, name, None)  # which Python takes for "not there"
    assert accept_encoding() == "gzip, deflate"
    for name in ("br", "zstd"):
        with pytest.raises(RemoteProtocolError, match="not accepted"):
            inflater(Head(200, (("content-encoding", name),)))


def test_what_is_installed_is_offered(coding: str) -> None:
    session = Session("http://h", environ={}, random=lambda: 0.0)
    assert coding in dict(session.options.headers)["accept-encoding"].split(", ")


def test_a_module_without_a_limit_of_its_output_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    old = ModuleType("brotli")
    monkeypatch.setitem(sys.modules, "brotli", old)  # something else of that name
    assert not has_brotli()
    vars(old)["Decompressor"] = SimpleNamespace  # brotli before 1.2
    _forget()
    assert not has_brotli()


def test_something_odd_in_the_place_of_a_package_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in MODULES[:3]:
        odd = ModuleType(name)
        odd.__spec__ = None
        monkeypatch.setitem(sys.modules, name, odd)
    assert zstd_module() == ""


@pytest.mark.parametrize("plain", [TEXT, b"", bytes(300_000)], ids=["text", "empty", "zeros"])
def test_a_body_is_decompressed_however_it_is_split(coding: str, plain: bytes) -> None:
    body = compress(coding, plain)
    assert {decompressed(coding, pieces) for pieces in splits(body)} == {plain}
    assert decompressed(coding.upper(), [body]) == plain


@pytest.mark.parametrize("size", [0, 1 << 15, 1 << 16, 1 << 17])
def test_output_that_fills_a_block_exactly_is_complete(coding: str, size: int) -> None:
    for more in (0, 1, 2, *range(3, 1500, 67)):
        plain = bytes(size + more)
        assert decompressed(coding, [compress(coding, plain)]) == plain


def test_zstd_may_have_several_frames() -> None:
    if "zstd" not in accept_encoding():
        pytest.skip("nothing is installed that decodes zstd")
    skippable = (0x184D2A50).to_bytes(4, "little") + (5).to_bytes(4, "little") + b"12345"
    frames = [compress("zstd", TEXT[:100]), skippable, compress("zstd", b""), compress("zstd", TEXT[100:])]
    assert {decompressed("zstd", pieces) for pieces in splits(b"".join(frames))} == {TEXT}
    with pytest.raises(RemoteProtocolError, match="incomplete"):
        decompressed("zstd", [b"".join(frames)[:-1]])


def test_zstd_has_windows_of_8_mebibytes_at_most() -> None:
    """As RFC 9659 has it: a window is memory of the receiver that no byte need have been sent for."""
    if "zstd" not in accept_encoding():
        pytest.skip("nothing is installed that decodes zstd")
    for log, fits in ((23, True), (24, False), (27, False)):
        frame = b"\x28\xb5\x2f\xfd\0" + bytes([(log - 10) << 3]) + b"\x01\0\0"  # an empty last block
        if fits:
            assert decompressed("zstd", [frame]) == b""
        else:
            with pytest.raises(RemoteProtocolError, match="decompressed"):
                decompressed("zstd", [frame])


def test_an_incomplete_body_is_an_error(coding: str) -> None:
    body = compress(coding, TEXT)
    for end in range(1, len(body)):
        with pytest.raises(RemoteProtocolError, match="incomplete"):
            decompressed(coding, [body[:end]])
    assert decompressed(coding, []) == b""
    assert decompressed(coding, [b""]) == b""


def _behind(coding: str) -> bytes:
    return compress(coding, TEXT) + b"junk"


def _corrupt(coding: str) -> bytes:
    return b"\xff" * 40 + compress(coding, TEXT)


@pytest.mark.parametrize("make", [_behind, _corrupt])
def test_data_that_is_not_in_the_coding_is_an_error(coding: str, make: Callable[[str], bytes]) -> None:
    for pieces in splits(make(coding)):
        with pytest.raises(RemoteProtocolError, match="decompressed"):
            decompressed(coding, pieces)


def before_the_fault(coding: str, pieces: Sequence[bytes]) -> bytes:
    machine = inflater(Head(200, (("content-encoding", coding),)), math.inf)
    assert machine is not None
    plain = bytearray()
    with pytest.raises(RemoteProtocolError, match="decompressed"):
        for piece in pieces:
            for block in machine.feed(piece):
                plain += block
    return bytes(plain)


@pytest.mark.parametrize("plain", [TEXT, bytes(300_000)], ids=["text", "zeros"])
def test_what_came_before_a_fault_does_not_depend_on_the_split(coding: str, plain: bytes) -> None:
    body = compress(coding, plain)
    faulty = body[:-1] + b"\xff" * 40
    assert len({before_the_fault(coding, pieces) for pieces in splits(faulty)}) == 1


def test_nor_where_a_part_of_a_piece_was_given_before() -> None:
    """A small window makes the decompressor give its output earlier."""
    if "br" not in accept_encoding():
        pytest.skip("nothing is installed that decodes br")
    body: bytes = import_module("brotli").compress(bytes(300_000), lgwin=16)
    given = {before_the_fault("br", pieces) for pieces in splits(body[:-1] + b"\xff" * 40)}
    assert len(given) == 1
    assert len(given.pop()) >= 1 << 16


def test_a_bomb_is_refused_where_its_bytes_would_be_held(coding: str) -> None:
    made, _ = compressed(JSON_VALUE, BOMB, coding=coding, pack=lambda body: compress(coding, body))
    assert isinstance(made.error, LimitExceeded)
    assert "over 100 times" in str(made.error)


def test_what_comes_of_one_read_is_limited_even_if_it_is_handed_on(coding: str) -> None:
    """The items of one read are in memory together. Of deflate they can't be more than this."""
    bomb = zstd_bomb(65) if coding == "zstd" else brotli_bomb(65)
    machine = inflater(Head(200, (("content-encoding", coding),)), 100)
    assert machine is not None
    size = 0
    with pytest.raises(LimitExceeded, match="over 100 times"):
        for block in machine.feed(bomb):
            size += len(block)
    assert 63 * MIB < size <= 64 * MIB
    assert len(decompressed(coding, [bomb])) == 65 * MIB


def test_items_that_one_read_becomes_are_limited(coding: str) -> None:
    """Each is complete, so none is held for the next one; but together they would be."""
    packed = compress(coding, b"[]\n" * MIB)
    assert len(packed) < 10_000
    made = Exchange(Request("POST", Origin("http", "h", 80), "/f"), JSON_ITEMS, Limits())
    made.receive(Head(200, (("content-encoding", coding),)))
    made.receive(Data(packed))
    assert isinstance(made.error, LimitExceeded)


def zstd_bomb(size: int) -> bytes:
    """So many mebibytes of zeros, as one frame per mebibyte."""
    return compress("zstd", bytes(MIB)) * size


def brotli_bomb(size: int) -> bytes:
    """So many mebibytes of zeros."""
    brotli = import_module("brotli")
    compressor = brotli.Compressor(quality=1)
    parts = [compressor.process(bytes(MIB)) for _ in range(size)]
    return b"".join([*parts, compressor.finish()])
