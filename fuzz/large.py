"""Large inputs for the harnesses: what no corpus should hold as files, made when it is needed."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

CORPUS = Path(__file__).resolve().parent / "corpus"
OK = b"HTTP/1.1 200 OK\r\n"
ROW = json.dumps({"a": 1.5, "b": ["x\n€", None, True], "c": {}}).encode()
EVENT = b"event: a\r\ndata: one\r\ndata: two\r\nid: 7\r\n\r\n"
# What repeats, for the harnesses that read bodies.
UNITS = {
    "json_items": (ROW + b"\n", b"1 ", b'"\\u20ac"'),
    "json_whole": (b"[", ROW, b" "),
    "sse": (EVENT, b"data: x\n", b"\r"),
    "text": ("naïve €5 – 日本語 🍱\r\n".encode(), b"\xff", "日本語".encode("shift_jis")),
}
WIRES = {"wire": (b"\0\0\1\7", b"\1\1\0\7"), "plain": (b"\0\1\7\1",)}  # their settings, which stand before the bytes


def seeds(name: str, size: int) -> Iterator[bytes]:
    """A few inputs of about that many bytes for a harness.

    Its seeds with their second half repeated; bodies in every framing, for what reads HTTP/1.1; and what a body may
    have many of. An input begins with the settings of the harness, so those stay.
    """
    corpus = sorted((CORPUS / name).iterdir())
    for path in corpus[:: len(corpus) // 4 + 1]:
        seed = path.read_bytes()
        yield stretched(seed[: len(seed) // 2], seed[len(seed) // 2 :], size)
    for unit in UNITS.get(name, ()):
        yield stretched(b"\0\0\0\7", unit, size)
    for settings in WIRES.get(name, ()):
        for response in responses(size):
            yield settings + response


def stretched(start: bytes, unit: bytes, size: int) -> bytes:
    """The start, and the unit behind it as often as there is room."""
    return start + unit * max(1, (size - len(start)) // max(1, len(unit)))


def responses(size: int) -> Iterator[bytes]:
    """Responses with a large body: by length, in chunks, compressed, until the end; a large head, a large number."""
    body = stretched(b"", ROW, size)
    packed = gzip.compress(bytes(range(256)) * (size // 256), 0)
    yield OK + b"content-length: %d\r\n\r\n" % len(body) + body
    yield (
        OK
        + b"transfer-encoding: chunked\r\n\r\n"
        + b"%x\r\n%b\r\n" % (len(ROW), ROW) * (size // len(ROW))
        + b"0\r\n\r\n"
    )
    yield OK + b"content-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(packed) + packed
    yield OK + b"\r\n" + body
    yield stretched(OK, b"a: b\r\n", size) + b"\r\n"
    yield OK + b"content-length: " + b"9" * 5000 + b"\r\n\r\n{}"
