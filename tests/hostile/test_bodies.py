"""Bodies that are not what they claim to be, or far more of it."""

from __future__ import annotations

import gzip
import io
import json
import struct
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from bento_sync import BentoMLException, InternalServerError, LimitExceeded, Limits, RemoteProtocolError, SyncHTTPClient
from tests.parity.faces import Connect

from .promises import READS, assert_right, within
from .server import Peer, Server, answer, send

MIB = 1 << 20


def deflated(data: bytes) -> bytes:
    machine = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return machine.compress(data) + machine.flush()


# --- codings


@pytest.mark.parametrize(
    ("coding", "encode"),
    [
        ("gzip", gzip.compress),
        ("x-gzip", gzip.compress),
        ("GZip", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", deflated),
        ("identity", bytes),
        ("gzip", lambda data: gzip.compress(data[:3]) + gzip.compress(data[3:])),
    ],
    ids=["gzip", "x-gzip", "case", "zlib", "deflate", "identity", "members"],
)
@pytest.mark.parametrize("pause", [None, 0.0], ids=["at once", "byte by byte"])
def test_a_compressed_answer_is_decompressed(
    client: SyncHTTPClient, server: Server, coding: str, encode: Callable[[bytes], bytes], pause: float | None
) -> None:
    whole = answer(encode(b"hello, compressed"), f"Content-Encoding: {coding}")
    server.script(Peer.request, send(whole, pause=pause), Peer.serve)
    assert client.echo() == "hello, compressed"
    assert_right(client)
    assert server.connections == 1


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        # "hello, compressed", as one block that is not compressed
        ("br", b"\x0b\x08\x80hello, compressed\x03"),
        ("zstd", b"(\xb5/\xfd \x11\x89\0\0hello, compressed"),
    ],
    ids=["br", "zstd"],
)
@pytest.mark.parametrize("pause", [None, 0.0], ids=["at once", "byte by byte"])
def test_an_answer_in_a_coding_that_needs_a_package(
    client: SyncHTTPClient, server: Server, coding: str, body: bytes, pause: float | None
) -> None:
    """It is offered and decoded, or neither."""
    server.script(Peer.request, send(answer(body, f"Content-Encoding: {coding}"), pause=pause), Peer.serve)
    try:
        found = client.echo()
    except RemoteProtocolError:
        found = ""
    offered = server.requests[0].headers["accept-encoding"].split(", ")
    assert found == ("hello, compressed" if coding in offered else "")
    assert_right(client)


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", b"not compressed at all"),
        ("gzip", gzip.compress(b"cut off")[:-4]),
        ("gzip", gzip.compress(b"cut off")[:12]),
        ("gzip", gzip.compress(b"bad sum")[:-8] + bytes(8)),
        ("gzip", gzip.compress(b"and more") + b"\x1f\x8b then garbage"),
        ("deflate", b"\x78\x9c not deflate"),
        ("deflate", gzip.compress(b"gzip in fact")),
        ("br", b"\x0b\x02\x80hel"),  # whether it can be decoded here or not
        ("zstd", b"(\xb5/\xfd"),
        ("gzip, gzip", gzip.compress(gzip.compress(b"twice"))),
        ("nonsense", b"{}"),
    ],
)
@pytest.mark.parametrize("read", READS)
def test_a_wrong_coding_is_an_error_in_every_way_of_reading(
    connect: Connect, server: Server, tmp_path: Path, read: str, coding: str, body: bytes
) -> None:
    client = connect(download_dir=tmp_path)
    server.script(Peer.request, send(answer(body, f"Content-Encoding: {coding}")), Peer.serve)
    with pytest.raises(RemoteProtocolError):
        READS[read](client)
    assert not list(tmp_path.iterdir())
    assert_right(client)


@pytest.mark.parametrize("coding", ["gzip", "br", "nonsense"])
def test_an_error_status_counts_whatever_its_body_is_coded_in(
    client: SyncHTTPClient, server: Server, coding: str
) -> None:
    server.script(Peer.request, send(answer(b"?", f"Content-Encoding: {coding}", status="500 Oops")))
    with pytest.raises(InternalServerError):
        client.echo()
    server.settle()
    assert_right(client)


# --- bombs


def bomb(piece: bytes, size: int) -> bytes:
    machine = zlib.compressobj(9, wbits=zlib.MAX_WBITS | 16)
    pieces = [machine.compress(piece * (MIB // len(piece))) for _ in range(size // MIB)]
    return b"".join(pieces) + machine.flush()


def grown_by(action: Callable[[], None]) -> int:
    """The most memory that Python objects took at a time while it went on, in this process."""
    tracemalloc.start()
    try:
        action()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("read", ["text", "json", "bytes", "image", "request"])
def test_a_bomb_meets_the_limit_of_the_body(connect: Connect, server: Server, read: str) -> None:
    client = connect(limits=Limits(body=4 * MIB))
    whole = answer(bomb(b" ", 32 * MIB), "Content-Encoding: gzip")
    server.script(Peer.request, send(whole))

    def call() -> None:
        with pytest.raises(LimitExceeded):
            READS[read](client)

    assert grown_by(call) < 24 * MIB
    assert_right(client)


@pytest.mark.parametrize("piece", [b'{"a": "%b"}' % (b"x" * 1000), b" "], ids=["items", "spaces"])
def test_a_bomb_in_a_stream_takes_no_more_memory_than_its_items(connect: Connect, server: Server, piece: bytes) -> None:
    client = connect(limits=Limits(item=4 * MIB), timeout=60)
    server.script(Peer.request, send(answer(bomb(piece, 64 * MIB), "Content-Encoding: gzip")), Peer.serve)

    def call() -> None:
        with client.objects() as stream:
            for _, _ in zip(range(1000), stream, strict=False):
                pass

    assert grown_by(call) < 24 * MIB
    assert_right(client)


@pytest.mark.parametrize("read", ["file", "stream of bytes", "stream of text"])
def test_a_bomb_that_is_handed_on_takes_little_memory(
    connect: Connect, server: Server, tmp_path: Path, read: str
) -> None:
    client = connect(download_dir=tmp_path, timeout=60)
    size = 48 * MIB
    server.script(Peer.request, send(answer(bomb(b" ", size), "Content-Encoding: gzip")), Peer.serve)

    def call() -> None:
        if read == "file":
            path = client.file()
            assert path.stat().st_size == size
            path.unlink()
        else:
            with client.call("bytes" if read == "stream of bytes" else "words") as stream:
                assert sum(map(len, stream)) == size

    assert grown_by(call) < 24 * MIB
    assert_right(client)


def test_a_bomb_in_an_error_is_read_up_to_its_limit(connect: Connect, server: Server) -> None:
    client = connect(limits=Limits(error=1 << 16))
    server.script(
        Peer.request, send(answer(bomb(b"x", 32 * MIB), "Content-Encoding: gzip", status="500 Oops")), Peer.stall
    )

    def call() -> None:
        with pytest.raises(InternalServerError):
            client.echo()

    assert grown_by(call) < 16 * MIB
    assert_right(client)


# --- text and values


@pytest.mark.parametrize("body", [b"\xff\xfe\xff", b"\xc3", b"caf\xe9", b"\xed\xa0\x80"])
@pytest.mark.parametrize("endpoint", ["echo", "value", "words", "objects", "numbers"])
def test_what_is_not_utf8_is_an_error(client: SyncHTTPClient, server: Server, endpoint: str, body: bytes) -> None:
    server.script(Peer.request, send(answer(body)), Peer.serve)
    with pytest.raises(RemoteProtocolError):
        result = client.call(endpoint)
        list(result)
    assert_right(client)


@pytest.mark.parametrize(
    "charset", ["utf-7", "unicode_escape", "raw_unicode_escape", "idna", "punycode", "undefined", "rot13", "zip", "hex",
                "mbcs", "x" * 5000, "\xff", "utf-8\0", '"', ""]
)  # fmt: skip
@pytest.mark.parametrize("endpoint", ["echo", "words", "anything"])
def test_an_odd_charset_does_no_harm(client: SyncHTTPClient, server: Server, endpoint: str, charset: str) -> None:
    body = b"+AGE- \\u0061 caf\xc3\xa9"
    server.script(Peer.request, send(answer(body, f"Content-Type: text/plain; charset={charset}")), Peer.serve)
    if "\0" in charset:
        with pytest.raises(RemoteProtocolError):
            client.call(endpoint)
    else:
        assert "".join(client.call(endpoint)) == body.decode()
    assert_right(client)


@pytest.mark.parametrize("body", ["[" * 200_000, '{"a":' * 200_000, "[" * 200_000 + "]" * 200_000])
@pytest.mark.parametrize("endpoint", ["value", "objects"])
def test_deep_json_is_an_error(client: SyncHTTPClient, server: Server, endpoint: str, body: str) -> None:
    server.script(Peer.request, send(answer(body.encode())), Peer.serve)
    with pytest.raises(RemoteProtocolError):
        list(client.call(endpoint))
    assert_right(client)


def test_deep_json_in_an_error_leaves_the_error(client: SyncHTTPClient, server: Server) -> None:
    for depth in (100, 300, 900, 200_000):
        deep = "[" * depth + "]" * depth
        body = f'{{"error": "no", "detail": [{{"loc": [{deep}], "msg": "deep"}}]}}'
        server.script(Peer.request, send(answer(body.encode(), status="400 No")))
        with pytest.raises(BentoMLException) as info:
            client.echo()
        assert str(info.value)
        assert repr(info.value)
        server.settle()
    assert_right(client)


@pytest.mark.parametrize("endpoint", ["value", "objects", "numbers"])
def test_huge_numbers_are_errors(client: SyncHTTPClient, server: Server, endpoint: str) -> None:
    server.script(Peer.request, send(answer(b"9" * 100_000)), Peer.serve)
    with within(60), pytest.raises(RemoteProtocolError):
        list(client.call(endpoint))
    assert_right(client)


def test_numbers_beyond_a_float_and_nan_are_python_floats(client: SyncHTTPClient, server: Server) -> None:
    server.script(Peer.request, send(answer(b'{"a": 1e999, "b": NaN, "c": -Infinity, "d": 1e-999}')), Peer.serve)
    value = client.value()
    assert value["a"] == float("inf") == -value["c"]
    assert value["b"] != value["b"]
    assert value["d"] == 0
    assert_right(client)


def test_long_names_and_repeated_names_are_read(client: SyncHTTPClient, server: Server) -> None:
    name = "n" * MIB
    server.script(Peer.request, send(answer(json.dumps({name: 1}).encode()[:-1] + b', "a": 1, "a": 2}')), Peer.serve)
    assert client.value() == {name: 1, "a": 2}
    assert_right(client)


# --- images


def png(width: int, height: int, *chunks: tuple[bytes, bytes]) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(chunk(*c) for c in chunks) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no image",
        b"\x89PNG\r\n\x1a\n",
        png(200_000, 200_000),
        png(1, 1, (b"zTXt", b"k\0\0" + zlib.compress(bytes(8 * MIB)))),
        b"BM" + bytes(60),
        b"GIF89a" + bytes(20),
        b"\xff\xd8\xff\xe0" + bytes(20),
        b"II*\0" + b"\xff" * 60,
        png(1, 1)[:20],
        b"RIFF\xff\xff\xff\xffWEBPVP8 " + bytes(30),
    ],
    ids=["empty", "text", "signature", "enormous", "text bomb", "bmp", "gif", "jpeg", "tiff", "cut", "webp"],
)
@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
def test_what_is_no_image_is_an_error(client: SyncHTTPClient, server: Server, body: bytes) -> None:
    server.script(Peer.request, send(answer(body, "Content-Type: image/png")), Peer.serve)
    with pytest.raises(RemoteProtocolError):
        client.picture()
    assert_right(client)


def test_an_image_is_read_all_the_same(client: SyncHTTPClient, server: Server) -> None:
    image = pytest.importorskip("PIL.Image")
    buffer = io.BytesIO()
    image.new("RGB", (3, 2), "red").save(buffer, "PNG")
    server.script(Peer.request, send(answer(buffer.getvalue(), "Content-Type: image/png")), Peer.serve)
    assert client.picture().size == (3, 2)
    assert_right(client)
