"""Answers framed in every way that there is, and in ways that there are not."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Sequence

from bento_proto import Exchange, Limits, Request
from bento_proto.exchange import State
from bento_proto.http import Origin
from bento_proto.http11 import HTTP11Exchange
from bento_proto.response import WholeDecoder
from fuzz.support import Source, splits

LIMITS = Limits(head=1024, interim=2)

CODINGS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    "identity": bytes,
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "Deflate": lambda body: zlib.compress(body)[2:-4],  # without zlib's frame, as some servers send it
}
# Fields that make an answer of length 5, or of chunks, one that nobody may guess the meaning of.
BAD_LENGTHS = (
    "content-length: 6", "content-length: +5", "content-length: -5", "content-length: 0x5", "content-length: 5_0",
    "content-length: 5, 6", "content-length: 5;", "content-length:", "content-length : 5", "content-length: \u0665",
)  # fmt: skip
BAD_FIELDS = (
    "content-encoding: br", "content-encoding: gzip, gzip", "transfer-encoding: gzip",
    "transfer-encoding: chunked, gzip", "transfer-encoding: identity", "a b: c", ": c", "no colon", "nul: \0",
    "x: " + "y" * 2000,
)  # fmt: skip
BAD_STATUSES = ("HTTP/1.1 20 OK", "HTTP/1.1 2000 OK", "HTTP/1.1 abc", "HTTP/1.1", "HTTP/x.1 200 OK", "ICY 200 OK", "\0")
BAD_CHUNKS = (
    b"g\r\nhello\r\n", b"-5\r\nhello\r\n", b"+5\r\nhello\r\n", b"0x5\r\nhello\r\n", b" 5\r\nhello\r\n",
    b"5\r\nhelloxx", b"4\r\nhello\r\n", b"6\r\nhello\r\n", b"\r\nhello\r\n", b"5_0\r\nhello\r\n",
    b"f" * 30 + b"\r\nhello\r\n",
)  # fmt: skip


def test_one_input(data: bytes) -> None:
    """What was framed comes out as it was, however it is cut, and leaves the connection as good as new.

    What ends before its end, or is framed wrongly, is never taken for an answer: the exchange fails.
    """
    source = Source(data)
    doing, seed = source.integer(0, 3), source.integer(0, 0xFFFF)
    if doing == 0:
        _whole(source, seed)
    elif doing == 1:
        _cut_short(source, seed)
    else:
        _refused(_wrong(source), seed)


def _answer(source: Source, framings: Sequence[str]) -> tuple[bytes, bytes, str, str]:
    """Head, body as it goes over the wire, coding and framing; the rest of the source is the body."""
    coding, framing = source.choice(tuple(CODINGS)), source.choice(framings)
    interims = source.integer(0, LIMITS.interim)
    size = source.integer(1, 64)
    body = CODINGS[coding](source.rest())
    fields = [f"content-encoding: {coding}"] if coding else []
    if framing == "length":
        fields.append(f"Content-Length: {len(body)}")
    elif framing == "chunked":
        fields.append("Transfer-Encoding: Chunked")
        chunks = [body[at : at + size] for at in range(0, len(body), size)]
        body = b"".join(b"%X;ext=1\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"
    early = b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" * interims
    return early + _head("HTTP/1.1 200 OK", fields), body, coding, framing


def _head(status: str, fields: Sequence[str]) -> bytes:
    return "\r\n".join((status, *fields, "", "")).encode("utf-8")


def _whole(source: Source, seed: int) -> None:
    head, body, coding, framing = _answer(source, ("length", "chunked", "close"))
    meant = source_body(body, coding, framing)
    for pieces in splits(head + body, seed):
        exchange, wire = _carried_out(pieces, close=framing == "close")
        assert exchange.state is State.DONE, exchange.error
        assert exchange.result == meant
        assert wire.is_reusable is (framing != "close")


def source_body(body: bytes, coding: str, framing: str) -> bytes:
    """What the body means, told without the code that is tested."""
    if framing == "chunked":
        plain, rest = b"", body
        while size := int(rest.partition(b"\r\n")[0].partition(b";")[0], 16):
            rest = rest.partition(b"\r\n")[2]
            plain, rest = plain + rest[:size], rest[size + 2 :]
        body = plain
    if coding == "gzip":
        return gzip.decompress(body)
    return zlib.decompress(body, -15 if coding == "Deflate" else 15) if coding.lower() == "deflate" else body


def _cut_short(source: Source, seed: int) -> None:
    place = source.integer(0, 0xFFFF)
    head, body, coding, framing = _answer(source, ("length", "chunked", "close"))
    whole = head + body
    end = place % len(whole)
    if framing == "close" and end >= len(head) and (coding in ("", "identity") or end == len(head)):
        return  # nothing in such an answer tells that it has no end
    for pieces in splits(whole[:end], seed):
        exchange, wire = _carried_out(pieces, close=True)
        assert exchange.state is State.FAILED, f"{whole[:end]!r} passed for whole"
        assert not wire.is_reusable


def _wrong(source: Source) -> bytes:
    kind = source.integer(0, 4)
    if kind == 0:
        fields = ["content-length: 5", source.choice(BAD_LENGTHS)]
        first = source.flag()
        return _head("HTTP/1.1 200 OK", fields[::-1] if first else fields) + b"hello"
    if kind == 1:
        return _head("HTTP/1.1 200 OK", ["content-length: 5", source.choice(BAD_FIELDS)]) + b"hello"
    if kind == 2:
        return _head(source.choice(BAD_STATUSES), ["content-length: 5"]) + b"hello"
    if kind == 3:
        interim = b"HTTP/1.1 100 Continue\r\n\r\n" * (LIMITS.interim + 1)
        return interim + _head("HTTP/1.1 200 OK", ["content-length: 5"]) + b"hello"
    good = b"5\r\nhello\r\n" * source.integer(0, 2)
    return _head("HTTP/1.1 200 OK", ["transfer-encoding: chunked"]) + good + source.choice(BAD_CHUNKS) + b"0\r\n\r\n"


def _refused(answer: bytes, seed: int) -> None:
    for pieces in splits(answer, seed):
        exchange, wire = _carried_out(pieces, close=True)
        assert exchange.state is State.FAILED, f"{answer!r} passed for an answer"
        assert not wire.is_reusable or b"content-encoding" in answer


def _carried_out(pieces: Sequence[bytes], *, close: bool) -> tuple[Exchange[bytes], HTTP11Exchange[bytes]]:
    request = Request("POST", Origin("http", "here", 80), "/", (), (b"{}",))
    exchange = Exchange(request, lambda head: WholeDecoder(bytes, 1 << 20), LIMITS)
    wire = HTTP11Exchange(exchange)
    list(wire.segments())
    for piece in pieces:
        if piece:
            wire.receive(piece)
    if close and not wire.is_over:
        wire.receive(b"")
    return exchange, wire
