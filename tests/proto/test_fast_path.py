"""The parser and writer for the usual form of HTTP/1.1: for any input the result is that of h11."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

import h11
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bento_proto import Exchange, Head, Limits, LocalProtocolError, RemoteProtocolError, Request, ResultKind
from bento_proto.exchange import Decoder
from bento_proto.http import Fields, Origin, Proxy
from bento_proto.http11 import HTTP11Exchange
from bento_proto.http11 import _exchange as http11
from bento_proto.http11 import _fast_path as _plain

ORIGIN = Origin("http", "host", 3000)
LIMITS = Limits(head=200, interim=2)


class Pieces:
    """A decoder that shows what it is given, and refuses a "!"."""

    result_kind = ResultKind.ITEMS

    def feed(self, data: bytes, /) -> list[bytes]:
        if b"!" in data:
            raise RemoteProtocolError("not that")
        return [data] if data else []

    def boundary(self) -> list[bytes]:
        return [b"|"]

    def finish(self) -> list[bytes]:
        return [b"."]


def reader(head: Head) -> Decoder[bytes]:
    return Pieces()


@contextmanager
def only_h11() -> Iterator[None]:
    """Everything is h11's to judge."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(http11, "read_head", lambda data: None)
        patch.setattr(http11, "may_become_plain", lambda data, seen: False)
        yield


def outcome(method: str, pieces: list[bytes], *, closes: bool) -> object:
    """All that an answer comes to."""
    exchange = Exchange(Request(method, ORIGIN, "/x"), reader, LIMITS)
    wire = HTTP11Exchange(exchange)
    list(wire.segments())
    items = [item for piece in pieces for item in wire.receive(piece)]
    reusable = wire.is_reusable
    if closes:
        items += wire.receive(b"")
    head = (exchange.head.status, exchange.head.headers) if exchange.head else None
    lost = exchange.failure.kind if exchange.failure else None
    return head, items, exchange.state, lost, type(exchange.error), wire.is_over, reusable


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place for place in set(places) if 0 < place < len(data)), len(data)]
    return [data[a:b] for a, b in pairwise(edges)]


# --- answers

STATUS_LINES = [
    b"HTTP/1.1 200", b"HTTP/1.1 200 ", b"HTTP/1.0 200 OK", b"HTTP/1.1 404 Not Found", b"HTTP/1.1 100 Continue",
    b"HTTP/1.1 204 No Content", b"HTTP/1.1 304 Not", b"HTTP/1.1 302 Found", b"HTTP/1.1 099 x", b"HTTP/1.1 700 x",
    b"HTTP/1.1  200 OK", b"http/1.1 200 OK", b"HTTP/1.1 200 \xe9t\xe9", b"HTTP/1.1 200 \x01", b"HTTP/2.0 200 OK", b"",
    b" HTTP/1.1 200 OK", b"\x16\x03\x01", b"HTTP/1.1 20 OK", b"HTTP/1.1 2000 OK",
]  # fmt: skip
FIELDS = [
    b"content-length: 5", b"Content-Length:5", b"content-length: 0", b"content-length: 5, 5", b"content-length: +5",
    b"content-length: 5 ", b"content-length: \t5", b"content-length: 005", b"content-length:", b"content-length: 1_0",
    b"content-length: " + b"9" * 21, b"content-length: \xb2", b"transfer-encoding: chunked", b"content-length: x",
    b"Transfer-Encoding: Chunked", b"transfer-encoding: gzip, chunked", b"transfer-encoding: chunked ",
    b"location: /y", b"connection: close", b"Connection: Keep-Alive", b"x: y", b"x:", b"x : y", b": y", b"x",
    b" folded", b"\tfolded", b"x: \xe9", b"x: \x00", b"x: \x0b", b"x: a\x7f", b"x\xe9: y", b"x: a\tb  c \t",
    b"x: a\rb", b"x: " + b"y" * 90,
]  # fmt: skip
CHUNKS = [
    b"5\r\nhello\r\n", b"05\r\nhello\r\n", b"A\r\n0123456789\r\n", b"1;x=y\r\na\r\n", b"1 \r\na\r\n", b"1\r\na\n",
    b"1\r\nab\r\n", b"0\r\n\r\n", b"0\r\n\r\n", b"00\r\n\r\n", b"0\r\nx: y\r\n\r\n", b"0\r\nx y\r\n\r\n", b"0\n\n",
    b"x\r\n", b"-1\r\n", b"0x1\r\na\r\n", b"1_0\r\n", b"\r\n", b"1\n", b"1" * 21 + b"\r\n", b"1" * 20 + b"\r\n",
    b"1" * 30, b"0\r", b"\x00", b"2\r\na\x00\r\r\n", b"0" * 19 + b"1\r\na\r\n", b"0" * 250, b"1;" + b"e" * 250,
]  # fmt: skip
BREAKS = [b"\r\n"] * 12 + [b"\n", b"\r", b"\r\r\n"]
METHODS = ["POST", "GET", "HEAD", "CONNECT"]
PLACES = st.lists(st.integers(0, 300), max_size=6)


@st.composite
def answers(draw: st.DrawFn) -> bytes:
    """Answers with as many surprises as may be, and some with none."""
    interim = draw(st.sampled_from([b"", b"", b"", b"HTTP/1.1 100 Continue\r\n\r\n"]))
    status = draw(st.sampled_from([b"HTTP/1.1 200 OK"] * 20 + STATUS_LINES))
    fields = draw(st.lists(st.sampled_from(FIELDS), max_size=3))
    head = b"".join(line + draw(st.sampled_from(BREAKS)) for line in (status, *fields, b""))
    plain = st.sampled_from([b"", b"hello", b"hello world", b"hell"])
    return interim + head + draw(plain | st.lists(st.sampled_from(CHUNKS), max_size=4).map(b"".join))


PLAIN = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n"
SIZED = PLAIN + b"content-length: 5\r\n\r\n"
CHUNKED = PLAIN + b"transfer-encoding: chunked\r\n\r\n"
MOVED = b"HTTP/1.1 302 Found\r\nlocation: /y\r\ntransfer-encoding: chunked\r\n\r\n"


@example(SIZED + b"hello", [1, 20, 60], "POST", False)
@example(SIZED + b"hello!", [], "POST", False)
@example(CHUNKED + b"5\r\nhello\r\n0\r\n\r\n", [], "POST", False)
@example(CHUNKED + b"5\r\nhello\r\n0\r\n\r\n!", [], "POST", False)
@example(CHUNKED + b"5\r\nhello\r\n0\r\n\r\n", list(range(200)), "POST", False)
@example(CHUNKED + b"5\r\nhello\r\n3;x\r\nabc\r\n0\r\nx: y\r\n\r\n", [], "POST", False)
@example(CHUNKED + b"5\r\nhelloXY5\r\nhello\r\n0\r\n\r\n", [], "POST", False)
@example(CHUNKED + b"1\r\na\r\n1\r\n!\r\n1\r\na\r\n0\r\n\r\n", [], "POST", False)
@example(CHUNKED + b"5\r\nhello\r\n", [], "POST", True)
@example(CHUNKED + b"5\r\nhello\r\n0\r\n\r\n", [], "HEAD", False)
@example(CHUNKED + b"5\r\nhello\r\n0\r\n\r\n", [], "CONNECT", False)
@example(MOVED + b"1\r\na\r\n0\r\n\r\n", [], "POST", False)
@example(MOVED + b"0\r\n\r\n", [], "POST", False)
@example(PLAIN + b"x: " + b"y" * 300 + b"\r\n", [], "POST", False)
@example(PLAIN + b"content-length: " + b"0" * 19 + b"5\r\n\r\nhello", [], "POST", False)
@example(PLAIN + b"content-length: " + b"0" * 20 + b"5\r\n\r\nhello", [], "POST", False)
@example(PLAIN + b"content-length: 5\r\ncontent-length: 5\r\n\r\nhello", [], "POST", False)
@example(PLAIN + b"content-length: 5\r\ncontent-length: 6\r\n\r\nhello!", [], "POST", False)
@example(PLAIN + b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", [], "POST", False)
@example(PLAIN + b"transfer-encoding: chunked\r\n" * 2 + b"\r\n5\r\nhello\r\n0\r\n\r\n", [], "POST", False)
@example(PLAIN + b"transfer-encoding: chunked\r\ntransfer-encoding: gzip\r\n\r\n0\r\n\r\n", [], "POST", False)
@example(PLAIN + b"x: 1\r\nx: 2\r\ncontent-length: 5\r\n\r\nhello", [], "POST", False)
@example(CHUNKED + b"0" * 19 + b"5\r\nhello\r\n0\r\n\r\n", [], "POST", False)
@example(CHUNKED + b"0" * 20 + b"5\r\nhello\r\n0\r\n\r\n", [], "POST", False)
@given(answers(), PLACES, st.sampled_from(METHODS), st.booleans())
def test_responses_are_parsed_as_by_h11(data: bytes, places: list[int], method: str, closes: bool) -> None:
    pieces = cut(data, places)
    read = outcome(method, pieces, closes=closes)
    with only_h11():
        assert read == outcome(method, pieces, closes=closes)


@given(st.sampled_from([SIZED, CHUNKED]), st.binary(max_size=40), st.binary(max_size=40), PLACES)
def test_random_bytes_are_parsed_as_by_h11(head: bytes, field: bytes, body: bytes, places: list[int]) -> None:
    pieces = cut(head[:-2] + field + b"\r\n\r\n" + body, places)
    read = outcome("POST", pieces, closes=False)
    with only_h11():
        assert read == outcome("POST", pieces, closes=False)


@pytest.mark.parametrize("answer", [SIZED + b"hello", CHUNKED + b"5\r\nhello\r\nB\r\nhello world\r\n0\r\n\r\n"])
@pytest.mark.parametrize("step", [1, 7, 1000])
def test_usual_responses_need_no_h11(answer: bytes, step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    # Or else the tests above would compare h11 with itself.
    monkeypatch.setattr(h11, "Connection", None)
    read = outcome("POST", cut(answer, list(range(0, len(answer), step))), closes=False)
    assert isinstance(read, tuple)
    assert b"".join(read[1]).replace(b"|", b"") in (b"hello.", b"hellohello world.")
    assert read[-2:] == (True, True)


def test_a_head_in_single_bytes_is_parsed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    searched: list[int] = []
    may_become_plain = _plain.may_become_plain
    monkeypatch.setattr(http11, "read_head", lambda data: read.append(len(data)))

    def counting(data: bytearray, seen: int) -> bool:
        searched.append(len(data) - seen)
        return may_become_plain(data, seen)

    monkeypatch.setattr(http11, "may_become_plain", counting)
    outcome("POST", cut(SIZED, list(range(len(SIZED)))), closes=False)
    assert read == [len(SIZED)]
    assert searched == [1] * len(SIZED)


def test_lines_that_responses_share_are_parsed_once() -> None:
    shared = b"HTTP/1.1 200 OK\r\nServer: s\r\nX: y\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n"
    first, second = _plain.read_head(shared), _plain.read_head(shared)
    assert first is not None
    assert second is not None
    pairs = list(zip(first[0].headers, second[0].headers, strict=True))
    assert all(one == other for one, other in pairs)
    assert [one[0] for one, other in pairs if one is other] == ["server", "content-length"]


# --- requests


def test_requests_share_a_head_unless_a_proxy_forwards_them() -> None:
    request = Request("POST", ORIGIN, "/x", (), (b"1",))
    proxy = Proxy(Origin("http", "proxy", 3128), "user:password")
    for _ in range(2):
        forwarded = _plain.request_head(request, 1, proxy)
        assert forwarded.startswith(b"POST http://host:3000/x HTTP/1.1\r\nhost: host:3000\r\nproxy-authorization: ")
        direct = _plain.request_head(request.with_body((b"12",)), 2, None)
        assert direct == b"POST /x HTTP/1.1\r\nhost: host:3000\r\ncontent-length: 2\r\n\r\n"
    assert len(request.encoded) == 1


NAMES = ["x", "X-Y", "", "x y", "x:", "x\r\n", "\xe9", "x\n", "cookie", "☃"]
VALUES = ["", "a", "a b", " a", "a ", "a\tb", "a\r\nb: c", "a\n", "\xe9", "☃", "a\x00", "a\x0b", "\x85", "\xa0", "\x1c"]
FIELD = st.tuples(
    st.sampled_from(NAMES) | st.text(max_size=5),
    st.sampled_from(VALUES) | st.text(st.characters(max_codepoint=300), max_size=8),
).filter(lambda field: field[0].lower() not in ("host", "content-length", "transfer-encoding"))


@example("POST", "/", [("x: y", "z")], (b"body",))
@example("POST", "/", [("x", "a\r\nb: c")], (b"body",))
@example("POST", "/", [("x\r\ny", "z")], (b"body",))
@given(
    st.sampled_from(["GET", "POST", "get", "G T", "", "M-SEARCH", "É"]) | st.text(max_size=4),
    st.sampled_from(["/", "/a?b=c", "*", "", "/ ", "/\xe9", "/\r\n"]) | st.text(max_size=6),
    st.lists(FIELD, max_size=3),
    st.sampled_from([(), (b"body",)]),
)
def test_requests_are_written_as_by_h11(
    method: str, target: str, fields: list[tuple[str, str]], body: tuple[bytes, ...]
) -> None:
    request = Request(method, ORIGIN, target, tuple(fields), body)
    assert written(request) == by_h11(request)


def written(request: Request) -> bytes | None:
    try:
        segments = HTTP11Exchange(Exchange(request, reader, LIMITS)).segments()
    except LocalProtocolError:
        return None
    return b"".join(segment for segment in segments if isinstance(segment, bytes))


def by_h11(request: Request) -> bytes | None:
    headers: Fields = (("host", request.origin.authority), *request.headers)
    if request.body or request.method in ("POST", "PUT", "PATCH"):
        headers += (("content-length", str(request.content_length)),)
    try:
        raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        head = h11.Connection(h11.CLIENT).send(h11.Request(method=request.method, target=request.target, headers=raw))
    except (h11.LocalProtocolError, UnicodeEncodeError):
        return None
    assert head is not None
    return head + b"".join(segment for segment in request.body if isinstance(segment, bytes))


@pytest.mark.parametrize("step", [1, 7, 1000])
def test_undecodable_bodies_give_the_same_error_as_with_h11(step: int) -> None:
    answer = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 6\r\n\r\nno zip"
    pieces = cut(answer, list(range(0, len(answer), step)))
    read = outcome("POST", pieces, closes=False)
    with only_h11():
        assert read == outcome("POST", pieces, closes=False)
