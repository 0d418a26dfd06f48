"""The laws of whatever reads what a server sends, for the sizes that a server may choose.

* Any split of a body gives the same items, and the same class of error behind the same items (its words may quote what
  has come): 4 MiB in one event, and in blocks with single bytes where it begins and ends; 20,000 bytes all in single
  bytes, as four million events would take a minute each.
* Reading takes linear time: twice the bytes are at most some 2.2 times the lines of Python. What C code does is not
  counted so. But each parser reads an adversary's 64 KiB here, the largest head that is accepted, of which a quadratic
  regular expression makes a minute each.
"""

from __future__ import annotations

import gzip
import json
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from types import FrameType
from typing import Any

import numpy as np
import pytest

from bento_proto import BentoMLException, Data, End, Exchange, Head, Limits, Request
from bento_proto.exchange import Reader
from bento_proto.exchange._failures import refusal
from bento_proto.http import Origin
from bento_proto.http._accept_encoding import accept_encoding
from bento_proto.http._content_coding import inflater
from bento_proto.http._content_headers import charset, file_name, media_type, parameters, safe_name
from bento_proto.http._cookies import Cookies, set_cookies
from bento_proto.http._curl import curl
from bento_proto.http._dates import retry_after, seconds_until
from bento_proto.http._headers import Headers, checked_fields, trace_id
from bento_proto.http._redaction import redacted_request_fields, redacted_response_fields, redacted_urls
from bento_proto.http._url import checked_target, parse_base_url, parse_proxy, quote_route, quote_segment, resolve
from bento_proto.http11 import HTTP11Exchange
from bento_proto.response._readers import event_reader, stream_reader, value_reader
from bento_proto.schema import Kind, Output, Schema
from bento_proto.testing._asked import form
from tests.proto.test_installed_codings import compress

pytestmark = pytest.mark.no_cover  # with which a line of Python takes several times as long

MIB = 1 << 20
ORIGIN = Origin("http", "h", 80)
REQUEST = Request("POST", ORIGIN, "/f")
LIMITS = Limits()


def lines(run: Callable[[], object]) -> int:
    """How many lines of Python are executed: a measure of time that does not depend on the machine."""
    count = 0

    def trace(frame: FrameType, event: str, argument: object) -> Any:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        run()
    finally:
        sys.settrace(before)
    return count


# --- parsers of fields, URLs and texts


def head(name: str, value: str) -> Head:
    return Head(200, ((name, value), ("date", "Mon, 06 Nov 2023 10:00:00 GMT")))


def kept_cookies(text: str) -> object:
    cookies = Cookies()
    cookies.take(ORIGIN, "/", head("set-cookie", text), 0)
    cookies.take(ORIGIN, "/", head("set-cookie", f"a=b; {text}"), 0)
    return cookies.header(ORIGIN, "/", 0), set_cookies(head("set-cookie", text))


def many_cookies(text: str) -> object:
    fields = tuple(("set-cookie", piece) for piece in text.split(";"))
    cookies = Cookies()
    cookies.take(ORIGIN, "/", Head(200, fields), 0)
    return cookies.header(ORIGIN, "/", 0), set_cookies(Head(200, fields))


def many_fields(text: str) -> object:
    fields = tuple((f"x-{number}", piece) for number, piece in enumerate(text.split(";")))
    found = Headers(Head(200, fields).headers)
    return dict(found), [found.get_all("x-1")], redacted_response_fields(fields), checked_fields(dict(found))


def shown(text: str) -> object:
    fields = [(name, text) for name in ("location", "link", "refresh", "set-cookie", "x-other")]
    return redacted_response_fields(tuple(fields)), redacted_request_fields(tuple(fields)), redacted_urls(text)


PARSERS: dict[str, Callable[[str], object]] = {
    "base URL": parse_base_url,
    "host of a base URL": lambda text: parse_base_url(f"http://{text}"),
    "proxy": lambda text: parse_proxy(f"http://{text}"),
    "target": lambda text: checked_target(f"/{text}"),
    "route": lambda text: (quote_route(text), quote_segment(text)),
    "Location": lambda text: resolve(ORIGIN, "/a/b", text),
    "host of a Location": lambda text: resolve(ORIGIN, "/", f"//{text}"),
    "a redacted URL": shown,
    "Set-Cookie": kept_cookies,
    "Set-Cookie, many": many_cookies,
    "fields": many_fields,
    "a field": lambda text: checked_fields({"a": text}),
    "the name of a field": lambda text: checked_fields({text: "a"}),
    "Expires": lambda text: (seconds_until(text, head("a", "b")), seconds_until(f"Mon, {text}", head("a", "b"))),
    "Retry-After": lambda text: retry_after(head("retry-after", text)),
    "traceparent": lambda text: trace_id((("traceparent", text),)),
    "parameters": parameters,
    "Content-Type": lambda text: (media_type(head("content-type", text)), charset(head("content-type", text))),
    "charset": lambda text: charset(head("content-type", f"text/plain; charset={text}")),
    "Content-Disposition": lambda text: file_name(head("content-disposition", text)),
    "filename": lambda text: file_name(head("content-disposition", f'attachment; filename="{text}"')),
    "filename*": lambda text: file_name(head("content-disposition", f"attachment; filename*=utf-8''{text}")),
    "a safe name": safe_name,
    "Content-Encoding": lambda text: inflater(head("content-encoding", text)),
    "an error's text": lambda text: refusal(Head(500), text.encode()),
    "an error's page": lambda text: refusal(Head(500), f"<html>{text}".encode()),
    "an error's JSON": lambda text: refusal(Head(400), json.dumps({"error": text, "detail": text}).encode()),
    "a command line": lambda text: curl(Request("POST", ORIGIN, "/", (("a", text),), (text.encode(),))),
    "a form": lambda text: list(form("multipart/form-data; boundary=b", f"--b\r\n{text}".encode())),
}
UNITS = [
    ";", "=", '"', "\\", " ", "a", ";a=b", ';a="', "%41", "/", "/../", "\\\\a", "?a=b&", "#", "@", "a:b@", ":", "[",
    ".", "é", "http://", "'", "9", "Mon, ", "<title", "<h1>", "&amp;", "\r\n", "\0", "{", "\r\n--b\r\na:b\r\n",
]  # fmt: skip


@pytest.mark.parametrize("name", PARSERS)
def test_parsers_take_linear_time(name: str) -> None:
    def read(text: str) -> None:
        with suppress(BentoMLException, ValueError):  # most of it is malformed
            PARSERS[name](text)

    for unit in UNITS:
        read(unit)
        text = unit * (2_000 // len(unit))
        read(text + unit)  # what is imported or compiled once is not counted
        assert lines(partial(read, text + text)) <= 2.2 * lines(partial(read, text)) + 100, unit
        read(unit * (LIMITS.head // len(unit)))


# --- decoders of bodies


def value(kind: Kind, schema: Schema) -> Reader[object]:
    return value_reader(Output(schema, kind, False), LIMITS)


def stream(kind: Kind, schema: Schema | None = None) -> Reader[object]:
    return stream_reader(Output(schema or {}, kind, True), LIMITS)


def repeated(*pieces: bytes) -> Callable[[int], bytes]:
    whole = b"".join(pieces)
    return lambda size: whole * (size // len(whole))


def array(piece: bytes) -> Callable[[int], bytes]:
    return lambda size: b"[" + (piece + b",") * (size // (len(piece) + 1)) + piece + b"]"


TEXT = "naïve €5 – 日本語 🍱\r\n"
UTF8, UTF16, JIS = (
    {"content-type": f"text/plain; charset={name}"} for name in ("utf-8", "utf-16-le", "shift_jis")
)  # fmt: skip
ROW = json.dumps({"a": 1.5, "b": ["x\n€", None, True], "c": {}}).encode()

# Readers, header fields, the body of a size, and what makes it invalid where it stands
BODIES: dict[str, tuple[Reader[object], dict[str, str], Callable[[int], bytes], bytes]] = {
    "JSON": (value(Kind.JSON, {}), {}, array(ROW), b"!"),
    "a string": (value(Kind.JSON, {}), {}, lambda size: b'"' + b"\\u20ac" * (size // 6) + b'"', b"\0"),
    "text": (value(Kind.TEXT, {}), UTF8, repeated(TEXT.encode()), b"\xff"),
    "bytes": (value(Kind.BYTES, {}), {}, repeated(b"abc"), b""),
    "tensor": (value(Kind.JSON, {"type": "tensor", "dtype": "float64"}), {}, array(b"[1.5, 2]"), b"!"),
    "frame": (value(Kind.JSON, {"type": "dataframe"}), {}, array(b'{"a": 1, "b": "x"}'), b"!"),
    "either": (value(Kind.EITHER, {"type": "object"}), {}, array(ROW), b""),
    "stream of JSON": (stream(Kind.JSON), {}, repeated(ROW, b"\n", b"[1]", b'"x"'), b"!"),
    "one large item": (stream(Kind.JSON), {}, array(ROW), b"!"),
    "stream of text": (stream(Kind.TEXT), UTF8, repeated(TEXT.encode()), b"\xff"),
    "stream of UTF-16": (stream(Kind.TEXT), UTF16, repeated(TEXT.encode("utf-16-le")), b"\x00\xdc"),
    "stream of Shift JIS": (stream(Kind.TEXT), JIS, repeated("日本語".encode("shift_jis")), b"\xff\xff"),
    "stream of bytes": (stream(Kind.BYTES), {}, repeated(b"abc"), b""),
    "events": (event_reader(LIMITS), {}, repeated(b"event: a\r\ndata: ", TEXT.encode(), b"id: 7\n\n"), b""),
    "lines of one event": (
        event_reader(LIMITS),
        {},
        lambda size: b"data: %b\n" % (b"x" * 57) * (size // 64) + b"\n",
        b"",
    ),
}
CODINGS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    **{name: partial(compress, name) for name in ("br", "zstd") if name in accept_encoding()},
}


def received(reader: Reader[object], fields: dict[str, str], pieces: Iterable[bytes], status: int = 200) -> object:
    """The items, those of text and bytes joined, and the error: in words, unless items came before it."""
    exchange = Exchange(REQUEST, reader, LIMITS)
    exchange.receive(Head(status, tuple(fields.items())))
    items: list[Any] = []
    for piece in pieces:
        if exchange.is_over:
            break
        items += exchange.receive(Data(piece))
    if not exchange.is_over:
        items += exchange.receive(End())
    error = exchange.error and (type(exchange.error), "" if exchange.is_streaming else str(exchange.error))
    if exchange.error is None and not items:
        found = exchange.result
        return found.tolist() if isinstance(found, np.ndarray) else str(found)
    if items and isinstance(items[0], (str, bytes)):
        items = [type(items[0])().join(items)]
    return items, error


def blocks(data: bytes, size: int) -> Iterator[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))


def odd_blocks(data: bytes) -> Iterator[bytes]:
    """The first and the last bytes singly, and between them pieces of odd sizes."""
    yield from blocks(data[:3000], 1)
    yield from blocks(data[3000:-3000], 65_521)
    yield from blocks(data[-3000:], 1)


def with_fault(data: bytes, fault: bytes, place: float) -> bytes:
    at = int(len(data) * place) // 2 * 2  # between the units of UTF-16
    return data[:at] + fault + data[at:]


@pytest.mark.parametrize("name", BODIES)
def test_any_split_of_a_large_body_gives_the_same(name: str) -> None:
    reader, fields, make, fault = BODIES[name]
    body = with_fault(make(4 * MIB), fault, 0.4)
    assert received(reader, fields, odd_blocks(body)) == received(reader, fields, [body])


@pytest.mark.parametrize("name", BODIES)
def test_single_bytes_give_the_same(name: str) -> None:
    reader, fields, make, fault = BODIES[name]
    bodies = [make(20_000)] + [with_fault(make(20_000), fault, place) for place in (0, 0.5, 1) if fault]
    for body in bodies:
        whole = received(reader, fields, [body])
        for size in (1, 2, 3, 100, 4096):
            assert received(reader, fields, blocks(body, size)) == whole
        assert received(reader, fields, blocks(body, 7), 500) == received(reader, fields, [body], 500)


@pytest.mark.parametrize("name", ["JSON", "stream of JSON", "stream of text", "events", "bytes"])
@pytest.mark.parametrize("coding", CODINGS)
def test_any_split_of_a_compressed_body_gives_the_same(coding: str, name: str) -> None:
    reader, fields, make, _ = BODIES[name]
    fields = {**fields, "content-encoding": coding}
    varied = b"".join(b"%d" % (number * 7919) for number in range(700))
    packed = CODINGS[coding](make(4_000) if name in ("JSON", "stream of JSON", "events") else varied)
    faults = (0, len(packed) // 2, len(packed) - 1)
    broken = [packed[:at] + bytes([packed[at] ^ 255]) + packed[at + 1 :] for at in faults]
    for body in (packed, packed[:-1], packed[: len(packed) // 2], packed + b"x", *broken):
        whole = received(reader, fields, [body])
        for size in (1, 3, 100):
            assert received(reader, fields, blocks(body, size)) == whole, (len(body), size)


@pytest.mark.parametrize("name", BODIES)
def test_bodies_take_linear_time(name: str) -> None:
    reader, fields, make, _ = BODIES[name]
    for size in (1, 64, MIB):
        small, large = (lines(partial(in_blocks, reader, fields, make(length), size)) for length in (6_000, 12_000))
        assert large <= 2.2 * small + 100, size


def in_blocks(reader: Reader[object], fields: dict[str, str], body: bytes, size: int) -> None:
    received(reader, fields, blocks(body, size))


# --- HTTP/1.1

OK = b"HTTP/1.1 200 OK\r\n"
WIRES: dict[str, Callable[[bytes], bytes]] = {
    "Content-Length": lambda body: OK + b"content-length: %d\r\n\r\n" % len(body) + body,
    "chunks": lambda body: (
        OK + b"transfer-encoding: chunked\r\n\r\n"
        + b"".join(b"%x\r\n%b\r\n" % (len(block), block) for block in blocks(body, 50)) + b"0\r\n\r\n"
    ),
    "chunks with extensions": lambda body: (
        OK + b"transfer-encoding: chunked\r\n\r\n"
        + b"".join(b"%x;a=b\r\n%b\r\n" % (len(block), block) for block in blocks(body, 50)) + b"0\r\nx: y\r\n\r\n"
    ),
    "until it closes": lambda body: OK + b"\r\n" + body,
    "fields": lambda body: OK + b"a: b\r\n" * (len(body) // 6) + b"content-length: 2\r\n\r\n[]",
}  # fmt: skip


def wired(pieces: Iterable[bytes]) -> object:
    exchange: Exchange[Any] = Exchange(REQUEST, stream(Kind.BYTES), Limits(head=1 << 30))
    wire = HTTP11Exchange(exchange)
    wire.data_to_send()
    items = [bytes(item) for piece in pieces if not wire.is_over for item in wire.receive(piece)]
    if not exchange.is_over:
        wire.connection_lost("closed") if exchange.head is None else items.extend(map(bytes, wire.receive(b"")))
    return b"".join(items), exchange.state, str(exchange.error), exchange.head and exchange.head.headers


@pytest.mark.parametrize("name", WIRES)
def test_any_split_of_http11_gives_the_same_in_linear_time(name: str) -> None:
    make = WIRES[name]
    data = make(b"abc" * (MIB // 16))
    assert wired(odd_blocks(data)) == wired([data])
    data = make(b"abc" * 1000)
    assert wired(blocks(data, 1)) == wired(blocks(data, 7)) == wired([data])
    for size in (1, 64, MIB):
        small, large = (lines(partial(wired, [*blocks(make(b"x" * length), size)])) for length in (6_000, 12_000))
        assert large <= 2.2 * small + 100, size
