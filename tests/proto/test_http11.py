"""HTTP/1.1 as bytes: requests, responses split anywhere, and whether the connection is reusable."""

from __future__ import annotations

from typing import NamedTuple, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bento_proto import (
    CallTimeout,
    ConnectError,
    ConnectionFailed,
    ConnectionLost,
    Data,
    Exchange,
    FailureKind,
    Head,
    Limits,
    LocalProtocolError,
    RemoteProtocolError,
    Request,
    ResultKind,
)
from bento_proto.exchange import Decoder, State
from bento_proto.exchange._body import Reader
from bento_proto.http import Chunks, FilePart, Origin, Proxy
from bento_proto.http11 import HTTP11Exchange
from bento_proto.response import RawDecoder, WholeDecoder

from .play import splits

ORIGIN = Origin("http", "service", 3000)
POST = Request("POST", ORIGIN, "/f", (("accept", "*/*"),), (b"{}",))


def items(head: Head) -> Decoder[object]:
    return RawDecoder()


def value(head: Head) -> Decoder[object]:
    return WholeDecoder(bytes, 1 << 20)


def file(head: Head) -> Decoder[object]:
    return RawDecoder(ResultKind.FILE)


class Outcome(NamedTuple):
    """What became of an answer."""

    state: State
    status: int | None
    body: bytes
    error: str
    reusable: bool


def carry_out(
    *pieces: bytes,
    request: Request = POST,
    reader: Reader[object] = items,
    reused: bool = False,
    closes: bool = False,
    limits: Limits = Limits(),  # noqa: B008 - a value
) -> Outcome:
    exchange = Exchange(request, reader, limits)
    wire = HTTP11Exchange(exchange, reused=reused)
    list(wire.segments())
    body = b""
    room = bytearray(max(map(len, pieces)))
    for piece in [*filter(None, pieces), *([b""] if closes else ())]:
        room[: len(piece)] = piece
        arrived = memoryview(room)[: len(piece)] if wire.accepts_memoryview else piece
        body += b"".join(item for item in wire.receive(arrived) if isinstance(item, (bytes, memoryview)))
    status = exchange.head.status if exchange.head else None
    error = type(exchange.error).__name__ if exchange.error else ""
    return Outcome(exchange.state, status, body, error, wire.is_reusable)


OK = b"HTTP/1.1 200 OK\r\n"
FIVE = OK + b"content-length: 5\r\n"
CHUNKED = OK + b"transfer-encoding: chunked\r\n\r\n"
MOVED = b"HTTP/1.1 307 Moved\r\nlocation: /g\r\n"
INTERIM = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n"
NOT_FOUND = b"HTTP/1.1 404 Not Found\r\ncontent-length: 9\r\n\r\nNot Found"


def done(body: bytes, *, reusable: bool, status: int = 200) -> Outcome:
    return Outcome(State.DONE, status, body, "", reusable)


def cut(body: bytes) -> Outcome:
    return Outcome(State.FAILED, 200, body, "ConnectionLost", False)


def refused(status: int, error: str, *, reusable: bool) -> Outcome:
    return Outcome(State.FAILED, status, b"", error, reusable)


def moved(*, reusable: bool) -> Outcome:
    return Outcome(State.REDIRECTED, 307, b"", "", reusable)


GARBAGE = Outcome(State.FAILED, None, b"", "RemoteProtocolError", False)

ANSWERS = [
    # of known length
    (FIVE + b"\r\nhello", False, done(b"hello", reusable=True)),
    (OK + b"content-length: 0\r\n\r\n", False, done(b"", reusable=True)),
    (FIVE + b"connection: Close\r\n\r\nhello", False, done(b"hello", reusable=False)),
    (b"HTTP/1.0 200 OK\r\ncontent-length: 5\r\n\r\nhello", False, done(b"hello", reusable=False)),
    (FIVE + b"\r\nhel", True, cut(b"hel")),
    (FIVE + b"\r\nhello, and more", False, done(b"hello", reusable=False)),
    # chunked
    (CHUNKED + b"5\r\nhello\r\n0\r\n\r\n", False, done(b"hello", reusable=True)),
    (CHUNKED + b"5;x=y\r\nhello\r\n1\r\n!\r\n0\r\nt: v\r\n\r\n", False, done(b"hello!", reusable=True)),
    (CHUNKED + b"5\r\nhello\r\n0\r\n\r\nHTTP/1.1 200", False, done(b"hello", reusable=False)),
    (CHUNKED + b"5\r\nhel", True, cut(b"hel")),
    (CHUNKED + b"5\r\nhello\r\n", True, cut(b"hello")),
    (CHUNKED + b"five\r\nhello", False, Outcome(State.FAILED, 200, b"", "RemoteProtocolError", False)),
    (OK + b"content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", False,
     done(b"hello", reusable=False)),
    # told about the connection
    (FIVE + b"Connection: keep-alive\r\n\r\nhello", False, done(b"hello", reusable=True)),
    (FIVE + b"Connection: Upgrade, Close\r\n\r\nhello", False, done(b"hello", reusable=False)),
    (INTERIM + FIVE + b"Connection: keep-alive\r\n\r\nhello", False, done(b"hello", reusable=True)),
    # until the peer closes
    (OK + b"x: y\r\n\r\nhello", True, done(b"hello", reusable=False)),
    (OK + b"x: y\r\n\r\n", True, done(b"", reusable=False)),
    # without a body
    (b"HTTP/1.1 204 No Content\r\n\r\n", False, done(b"", reusable=True, status=204)),
    (b"HTTP/1.1 304 No\r\ncontent-length: 13\r\n\r\n", False, done(b"", reusable=True, status=304)),
    # interim responses first
    (INTERIM + FIVE + b"\r\nhello", False, done(b"hello", reusable=True)),
    (b"HTTP/1.1 102 Processing\r\n\r\n" * 16 + FIVE + b"\r\nhello", False, done(b"hello", reusable=True)),
    (b"HTTP/1.1 102 Processing\r\n\r\n" * 17 + OK, False, GARBAGE),
    # refusals and redirects
    (NOT_FOUND, False, refused(404, "NotFound", reusable=True)),
    (NOT_FOUND[:-3], True, refused(404, "NotFound", reusable=False)),
    (CHUNKED.replace(b"200 OK", b"503 Oh") + b"2\r\noh\r\n0\r\n\r\n", False,
     refused(503, "ServiceUnavailable", reusable=True)),
    (MOVED + b"content-length: 0\r\n\r\n", False, moved(reusable=True)),
    (MOVED + b"\r\ngone", True, moved(reusable=False)),
    # not HTTP, or contradicting itself
    (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", False, GARBAGE),
    (FIVE + b"content-length: 6\r\n\r\nhello!", False, GARBAGE),
    (OK + b"content-length: -5\r\n\r\n", False, GARBAGE),
    (b"HTTP/1.1 101 Switching\r\nupgrade: h2c\r\n\r\n", False, GARBAGE),
    (OK[:9], True, GARBAGE._replace(error="ConnectionLost")),
]  # fmt: skip


@pytest.mark.parametrize("reader", [items, file])
@pytest.mark.parametrize(("answer", "closes", "outcome"), ANSWERS)
def test_any_split_of_a_response_gives_the_same(
    answer: bytes, closes: bool, outcome: Outcome, reader: Reader[object]
) -> None:
    for pieces in splits(answer):
        assert carry_out(*pieces, closes=closes, reader=reader) == outcome, pieces


@given(st.sampled_from(ANSWERS), st.sampled_from([items, file]), st.data())
def test_random_splits(case: tuple[bytes, bool, Outcome], reader: Reader[object], data: st.DataObject) -> None:
    answer, closes, outcome = case
    places = sorted(data.draw(st.lists(st.integers(0, len(answer)), max_size=12)))
    pieces = [answer[a:b] for a, b in zip([0, *places], [*places, len(answer)], strict=True)]
    assert carry_out(*pieces, closes=closes, reader=reader) == outcome


def test_a_redirect_whose_body_came_with_it_leaves_the_connection_reusable() -> None:
    answer = MOVED + b"content-length: 4\r\n\r\ngone"
    assert carry_out(answer) == moved(reusable=True)
    assert carry_out(answer[:-1]) == moved(reusable=False)  # nobody waits for the rest


def test_a_response_to_head_has_no_body() -> None:
    request = Request("HEAD", ORIGIN, "/")
    assert carry_out(OK + b"content-length: 5\r\n\r\n", request=request) == done(b"", reusable=True)


@pytest.mark.parametrize("piece", [1, 1 << 20])
def test_a_head_over_its_limit(piece: int) -> None:
    answer = OK + b"x: " + b"y" * 5000 + b"\r\ncontent-length: 0\r\n\r\n"
    pieces = [answer[at : at + piece] for at in range(0, len(answer), piece)]
    assert carry_out(*pieces, limits=Limits(head=4000)).error == "RemoteProtocolError"
    assert carry_out(*pieces, limits=Limits(head=6000)).state is State.DONE


IN_CHUNKS = OK + b"transfer-encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("before", "line", "behind"),
    [
        (IN_CHUNKS, b"2;x=%b\r\n", b"ab\r\n0\r\n\r\n"),
        (IN_CHUNKS + b"1\r\na\r\n", b"1;x=%b\r\n", b"b\r\n0\r\n\r\n"),
        (IN_CHUNKS + b"1;y=z\r\na\r\n", b"1;x=%b\r\n", b"b\r\n0\r\n\r\n"),
        (IN_CHUNKS + b"2\r\nab\r\n", b"0;x=%b\r\n\r\n", b""),
        (IN_CHUNKS + b"2;y=z\r\nab\r\n", b"0\r\nx: %b\r\n\r\n", b""),
        (b"", OK + b"x: %b\r\ncontent-length: 2\r\n\r\n", b"ab"),
        (b"HTTP/1.1 103 Early Hints\r\n\r\n", OK + b"x: %b\r\ncontent-length: 2\r\n\r\n", b"ab"),
        (b"", b"HTTP/1.1 103 Early Hints\r\nx: %b\r\n\r\n", IN_CHUNKS + b"2\r\nab\r\n0\r\n\r\n"),
    ],
)
@pytest.mark.parametrize("limit", [200, 20_000])
def test_the_limit_of_head_and_framing_is_the_same_however_they_are_split(
    before: bytes, line: bytes, behind: bytes, limit: int
) -> None:
    room, sizes = limit - len(line % b""), (1, 7) if limit < 1000 else (1000,)
    for size, over in ((0, False), (room, False), (room + 1, True), (room + 2, True), (3 * limit, True)):
        answer = before + line % (b"y" * size) + behind
        at = len(before) + len(line % (b"y" * size))
        halves = ([answer[:cut], answer[cut:]] for cut in (len(before), at - 2, at - 1, at, at + 1))
        whole = carry_out(answer, limits=Limits(head=limit))
        assert (whole.error == "RemoteProtocolError") is over
        assert over or (whole.state, whole.body) == (State.DONE, b"ab")
        for pieces in (*halves, *([answer[at : at + n] for at in range(0, len(answer), n)] for n in sizes)):
            assert carry_out(*filter(None, pieces), limits=Limits(head=limit)) == whole


def test_a_switch_of_protocols_is_an_error() -> None:
    request = Request("GET", ORIGIN, "/", (("connection", "upgrade"), ("upgrade", "websocket")))
    answer = b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n\r\nframes without end"
    assert carry_out(answer, request=request) == GARBAGE


@pytest.mark.parametrize(
    ("greeting", "says"),
    [
        (b"SSH-2.0-OpenSSH_9.6\r\n", "'SSH-2.0-OpenSSH_9.6'"),
        (b"220 mail.example ESMTP\r\n", "'220 mail.example ESMTP'"),
        (b"+OK POP3 ready\r\n", "'+OK POP3 ready'"),
        (b"-ERR wrong number of arguments for 'get' command\r\n", "-ERR wrong number of arguments"),
        (b"J\0\0\0\n8.0.36\0", r"'J\x00\x00\x00'"),
        (b"\xff\xfd\x18", "'\xff\xfd\\x18'"),
        (b"HTTPS", "'HTTPS'"),
        (b"http/1.1 200 OK\r\n\r\n", "'http/1.1 200 OK'"),
        (b"x" * 100, f"'{'x' * 60}...'"),
        (b"\x15\x03\x03\x00\x02\x02\x50", "a TLS alert, so its URL must start with https://"),
        (b"\0\0\x12\x04\0\0\0\0\0", "an HTTP/2 frame"),
    ],
)
def test_a_greeting_in_another_protocol_ends_the_exchange_at_once(greeting: bytes, says: str) -> None:
    for pieces in splits(greeting):
        exchange = Exchange(POST, items, Limits())
        wire = HTTP11Exchange(exchange)
        for piece in filter(None, pieces):
            wire.receive(piece)
        assert exchange.failure is not None
        assert exchange.failure.kind is FailureKind.PROTOCOL
        assert exchange.failure.reason.startswith("the server does not speak HTTP/1.1: it sent ")
        assert not wire.is_reusable
        if len(pieces) == 1:
            assert says in exchange.failure.reason


def test_the_ends_of_chunks_are_passed_on() -> None:
    ends: list[tuple[bytes, bool]] = []

    class Noting(Exchange[object]):
        __slots__ = ()

        def receive(self, event: object) -> tuple[()]:
            if isinstance(event, Data):
                ends.append((event.data, event.ends_chunk))
            elif isinstance(event, Chunks):
                ends.extend((piece, True) for piece in event.pieces)
            super().receive(event)  # type: ignore[arg-type]
            return ()

    wire = HTTP11Exchange(Noting(POST, items, Limits()))
    wire.receive(OK + b"transfer-encoding: chunked\r\n\r\n2\r\n12\r\n1\r\n")
    wire.receive(b"3\r\n4\r\n4")
    wire.receive(b"567\r\n0\r\n\r\n")
    assert ends == [(b"12", True), (b"3", True), (b"4", False), (b"567", True)]


def test_a_response_before_the_request_is_sent() -> None:
    exchange = Exchange(POST, items, Limits())
    wire = HTTP11Exchange(exchange)
    next(wire.segments())
    wire.receive(b"HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\n\r\n")
    assert exchange.error is not None
    assert exchange.error.error_code == 413
    assert not wire.is_reusable


def test_bytes_behind_the_response_make_the_connection_unusable() -> None:
    exchange = Exchange(POST, items, Limits())
    wire = HTTP11Exchange(exchange)
    list(wire.segments())
    wire.receive(OK + b"content-length: 1\r\n\r\n!")
    assert wire.is_over
    assert wire.is_reusable
    assert wire.receive(b"") == ()
    assert wire.is_reusable
    assert wire.receive(b"HTTP/1.1 200 OK\r\n") == ()
    assert not wire.is_reusable


def test_wants_data() -> None:
    exchange = Exchange(POST, value, Limits())
    wire = HTTP11Exchange(exchange)
    for piece in (OK + b"content-length: 2\r\n\r\n", b"1", b"2"):
        assert (wire.wants_data, wire.is_over) == (True, False)
        wire.receive(piece)
    assert (wire.wants_data, wire.is_over) == (False, True)
    assert repr(wire) == "<HTTP11Exchange <Exchange POST /f: done>>"

    wire = HTTP11Exchange(Exchange(POST, items, Limits()))
    wire.receive(OK + b"content-length: 2\r\n\r\n1")
    assert (wire.wants_data, wire.is_over) == (False, False)  # the caller reads on


@pytest.mark.parametrize(
    ("reused", "answered", "kind"),
    [
        (True, b"", FailureKind.IDLE_CLOSED),
        (True, b"HTTP", FailureKind.DISCONNECTED),
        (False, b"", FailureKind.DISCONNECTED),
        (False, b"HTTP", FailureKind.DISCONNECTED),
    ],
)
@pytest.mark.parametrize("how", ["lost", "lost unread", "closed"])
def test_a_connection_that_was_closed_while_idle(reused: bool, answered: bytes, kind: FailureKind, how: str) -> None:
    exchange = Exchange(POST, items, Limits())
    wire = HTTP11Exchange(exchange, reused=reused)
    if answered:
        wire.receive(answered)
    if how == "closed":
        wire.receive(b"")
    else:
        wire.connection_lost("reset", OSError("reset"), sent=how == "lost")
    assert exchange.failure is not None
    assert exchange.failure.kind is kind
    assert exchange.failure.sent is (how != "lost unread" or answered != b"")
    assert isinstance(exchange.error, ConnectionLost)
    assert exchange.error.sent is exchange.failure.sent


@pytest.mark.parametrize(
    ("error", "sending", "kind", "reason"),
    [
        (TimeoutError(), False, FailureKind.TIMEOUT, "the server did not answer in time"),
        (TimeoutError(), True, FailureKind.TIMEOUT, "the server did not take the request in time"),
        (BlockingIOError(11, "not yet"), False, FailureKind.TIMEOUT, "the server did not answer in time"),
        (OSError("reset"), False, FailureKind.DISCONNECTED, "the connection broke: reset"),
    ],
)
@pytest.mark.parametrize("sent", [True, False])
def test_what_an_error_of_the_connection_means(
    error: OSError, sending: bool, kind: FailureKind, reason: str, sent: bool
) -> None:
    exchange = Exchange(POST, items, Limits())
    HTTP11Exchange(exchange).failed(error, sending=sending, sent=sent)
    failure = exchange.failure
    assert failure is not None
    assert (failure.kind, failure.reason, failure.cause, failure.sent) == (kind, reason, error, sent)


class Alert(OSError):
    """As `ssl.SSLError` tells of one."""

    reason = "TLSV13_ALERT_CERTIFICATE_REQUIRED"


@pytest.mark.parametrize(
    ("reused", "answered", "kind"),
    [
        (False, b"", FailureKind.TLS),
        (True, b"", FailureKind.IDLE_CLOSED),
        (False, b"HTTP", FailureKind.DISCONNECTED),
    ],
)
def test_an_alert_in_place_of_the_first_response_is_a_failure_of_tls(
    reused: bool, answered: bytes, kind: FailureKind
) -> None:
    exchange = Exchange(POST, items, Limits())
    wire = HTTP11Exchange(exchange, reused=reused)
    if answered:
        wire.receive(answered)
    wire.connection_lost("the connection broke", Alert("certificate required"))
    assert exchange.failure is not None
    assert (exchange.failure.kind, exchange.failure.sent) == (kind, kind is not FailureKind.TLS)
    says = (
        "no TLS with http://service:3000: certificate required; if the server asks for a client certificate, give it "
        "by ssl_context=tls_context(client_cert=...)"
    )
    assert str(exchange.error) == (says if kind is FailureKind.TLS else "the connection broke")


def test_a_timeout() -> None:
    exchange = Exchange(POST, items, Limits())
    wire = HTTP11Exchange(exchange)
    wire.timed_out("too late", cause := TimeoutError())
    wire.timed_out("again")  # nothing fails twice
    error = exchange.error
    assert isinstance(error, CallTimeout)
    assert (str(error), error.__cause__, error.sent) == ("too late", cause, True)


@pytest.mark.parametrize(("received", "sent"), [(b"", False), (b"HTTP", True)])
def test_a_timeout_before_anything_was_sent(received: bytes, sent: bool) -> None:
    exchange = Exchange(POST, items, Limits())
    wire = HTTP11Exchange(exchange)
    if received:
        wire.receive(received)
    wire.timed_out("too late", sent=False)
    assert isinstance(exchange.error, CallTimeout)
    assert exchange.error.sent is sent


# --- what is sent


def sent(*body: bytes | FilePart, method: str = "POST", headers: tuple[tuple[str, str], ...] = ()) -> list[object]:
    request = Request(method, ORIGIN, "/f", headers, body)
    return list(HTTP11Exchange(Exchange(request, items, Limits())).segments())


def test_head_and_body_are_one_segment() -> None:
    assert sent(b'{"a":', b"1}", headers=(("x-y", "zé"),)) == [
        b'POST /f HTTP/1.1\r\nhost: service:3000\r\nx-y: z\xe9\r\ncontent-length: 7\r\n\r\n{"a":1}'
    ]


def test_no_body() -> None:
    assert sent(method="GET") == [b"GET /f HTTP/1.1\r\nhost: service:3000\r\n\r\n"]
    assert sent(method="PUT") == [b"PUT /f HTTP/1.1\r\nhost: service:3000\r\ncontent-length: 0\r\n\r\n"]
    assert sent(b"") == [b"POST /f HTTP/1.1\r\nhost: service:3000\r\ncontent-length: 0\r\n\r\n"]


def test_files_are_segments_of_their_own() -> None:
    first, second = FilePart("a", 3), FilePart("b", 4)
    head = b"POST /f HTTP/1.1\r\nhost: service:3000\r\ncontent-length: 10\r\n\r\n"
    assert sent(b"<", first, second, b"--") == [head + b"<", first, second, b"--"]
    assert sent(first)[1:] == [first]


def test_large_bytes_are_not_copied() -> None:
    large = b"x" * 100_000
    segments = sent(b"<", large, b">")
    assert segments[1] is large
    assert segments[2] == b">"


def test_data_to_send() -> None:
    large = b"x" * 100_000
    request = Request("POST", ORIGIN, "/f", (), (b"<", large, b">"))
    wire = HTTP11Exchange(Exchange(request, items, Limits()))
    head = b"POST /f HTTP/1.1\r\nhost: service:3000\r\ncontent-length: 100002\r\n\r\n"
    assert wire.data_to_send() == head + request.content
    assert request.content == b"<" + large + b">"


def test_a_small_request_is_one_bytes_object() -> None:
    small = HTTP11Exchange(Exchange(POST, items, Limits()))
    assert small.small_request() == HTTP11Exchange(Exchange(POST, items, Limits())).data_to_send()
    small.receive(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1")
    assert small.is_reusable


@pytest.mark.parametrize("body", [(), (b"1", b"2"), (b"x" * 30_000, b"y" * 30_000)])
def test_a_small_request_of_several_segments(body: tuple[bytes, ...]) -> None:
    request = Request("POST", ORIGIN, "/f", (), body)
    wire = HTTP11Exchange(Exchange(request, items, Limits()))
    assert wire.small_request() == b"".join(cast("list[bytes]", sent(*body)))


@pytest.mark.parametrize(
    "body", [(b"x" * 100_000,), (b"x" * 40_000, b"y" * 40_000), (FilePart("a", 1),), (b"1", FilePart("pipe"))]
)
def test_a_large_request_or_one_with_a_file_is_not_small(body: tuple[bytes | FilePart, ...]) -> None:
    request = Request("POST", ORIGIN, "/f", (), body)
    wire = HTTP11Exchange(Exchange(request, items, Limits()))
    assert wire.small_request() is None
    assert list(wire.segments()) == sent(*body)


def test_a_request_whose_bytes_are_counted_is_not_small() -> None:
    exchange = Exchange(POST, items, Limits())
    exchange.measure(None)
    assert HTTP11Exchange(exchange).small_request() is not None
    assert exchange.upload is not None
    assert exchange.upload.done == len(POST.content)


def test_data_to_send_refuses_files() -> None:
    request = Request("POST", ORIGIN, "/f", (), (b"<", FilePart("a", 3)))
    with pytest.raises(LocalProtocolError, match="a request with a file is sent segment by segment"):
        _ = request.content
    with pytest.raises(LocalProtocolError, match="a request with a file"):
        HTTP11Exchange(Exchange(request, items, Limits())).data_to_send()


def test_a_body_of_unknown_length_is_chunked() -> None:
    part, large = FilePart("pipe"), b"x" * 100_000
    request = Request("POST", ORIGIN, "/f", (), (b"<", part, large, b">"))
    wire = HTTP11Exchange(Exchange(request, items, Limits()))
    head = b"POST /f HTTP/1.1\r\nhost: service:3000\r\ntransfer-encoding: chunked\r\n\r\n"
    assert list(wire.segments()) == [
        head + b"1\r\n<\r\n", part, b"186a0\r\n", large, b"\r\n1\r\n>\r\n0\r\n\r\n"
    ]  # fmt: skip
    assert wire.frame(b"block") == wire.frame(memoryview(b"block")) == b"5\r\nblock\r\n"
    assert wire.frame(b"") == b""  # an empty chunk would be the last


def test_a_body_of_known_length_is_not_chunked() -> None:
    request = Request("POST", ORIGIN, "/f", (), (FilePart("a", 5),))
    assert HTTP11Exchange(Exchange(request, items, Limits())).frame(b"block") == b"block"


@pytest.mark.parametrize(
    "request_",
    [
        Request("POST", ORIGIN, "/f", (("x", "1\r\ny: 2"),)),
        Request("POST", ORIGIN, "/f", (("x y", "1"),)),
        Request("POST", ORIGIN, "/f g", ()),
        Request("POST", ORIGIN, "/f\r\nx: 1", ()),
        Request("PO ST", ORIGIN, "/f", ()),
        Request("POST", ORIGIN, "/f", (("x", "日"),)),
    ],
)
def test_headers_that_would_break_the_head_are_refused(request_: Request) -> None:
    with pytest.raises(LocalProtocolError, match="can't be sent"):
        HTTP11Exchange(Exchange(request_, items, Limits()))


def test_a_forwarded_request_has_the_absolute_form_and_the_proxys_headers() -> None:
    wire = HTTP11Exchange(Exchange(POST, items, Limits()), proxy=Proxy(Origin("http", "p", 3128), "me:pw"))
    head = b"".join(segment for segment in wire.segments() if isinstance(segment, bytes)).decode().lower()
    assert head.startswith("post http://service:3000/f http/1.1\r\nhost: service:3000\r\n")
    assert "\r\nproxy-authorization: basic bwu6chc=\r\n" in head
    wire = HTTP11Exchange(Exchange(POST, items, Limits()), proxy=Proxy(Origin("http", "p", 3128)))
    assert b"authorization" not in b"".join(s for s in wire.segments() if isinstance(s, bytes)).lower()


def test_a_407_is_a_refusal_of_the_proxy() -> None:
    answer = b"HTTP/1.1 407 Who\r\nContent-Length: 4\r\n\r\nwho?"
    older = answer.replace(b"1.1", b"1.0")  # which is read otherwise
    for pieces in (*splits(answer), *splits(older)):
        exchange = Exchange(POST, items, Limits())
        wire = HTTP11Exchange(exchange, proxy=Proxy(Origin("http", "p", 3128)))
        list(wire.segments())
        for piece in filter(None, pieces):
            assert not wire.receive(piece)
        assert isinstance(exchange.error, ConnectError)
        assert not exchange.error.sent
        assert "http://p:3128 requires a user" in str(exchange.error)
        assert not wire.is_reusable
    assert carry_out(answer) == refused(407, "BentoMLException", reusable=True)._replace(body=b"")


def test_max_read() -> None:
    def max_read(reader: Reader[object], headers: bytes) -> int:
        wire = HTTP11Exchange(Exchange(POST, reader, Limits()))
        before = wire.max_read
        wire.receive(OK + headers + b"\r\n")
        assert before <= wire.max_read
        return wire.max_read

    plain, compressed = b"content-length: 9\r\n", b"content-encoding: gzip\r\ncontent-length: 9\r\n"
    assert max_read(items, compressed) < max_read(items, plain) < max_read(file, plain)


def test_accepts_memoryview() -> None:
    def accepts_memoryview(head: bytes, reader: Reader[object] = file, *, watched: bool = False) -> bool:
        exchange = Exchange(POST, reader, Limits())
        if watched:
            exchange.recorder = lambda event: None
        wire = HTTP11Exchange(exchange)
        assert not wire.accepts_memoryview
        wire.receive(head)
        return wire.accepts_memoryview

    assert accepts_memoryview(FIVE + b"\r\n")
    assert accepts_memoryview(OK + b"x: y\r\n\r\n")
    assert not accepts_memoryview(FIVE + b"\r\n", items)
    assert not accepts_memoryview(FIVE + b"\r\n", watched=True)
    assert not accepts_memoryview(FIVE + b"content-encoding: gzip\r\n\r\n")
    assert not accepts_memoryview(CHUNKED)
    assert not accepts_memoryview(NOT_FOUND[:-3])


@pytest.mark.parametrize("size", range(1, 6))
def test_direct_reads_count_as_received_bytes(size: int) -> None:
    exchange = Exchange(POST, file, Limits())
    told: list[int] = []
    exchange.measure(lambda progress: told.append(progress.done))
    wire = HTTP11Exchange(exchange)
    list(wire.segments())
    assert wire.max_direct_read == 0
    wire.receive(FIVE + b"\r\n")
    assert wire.max_direct_read == 5
    wire.direct_read(size)
    assert wire.max_direct_read == 5 - size
    assert list(wire.receive(b"hello"[size:])) == [b"hello"[size:]][: 5 - size]
    assert exchange.state is State.DONE
    assert exchange.download is not None
    assert exchange.download.done == told[-1] == 5
    assert wire.is_over
    assert wire.is_reusable
    assert wire.max_direct_read == 0


@pytest.mark.parametrize("size", [-1, 0, 6])
def test_direct_reads_are_at_most_max_direct_read(size: int) -> None:
    wire = HTTP11Exchange(Exchange(POST, file, Limits()))
    wire.receive(FIVE + b"\r\n")
    with pytest.raises(LocalProtocolError, match="max_direct_read is 5"):
        wire.direct_read(size)
    wire.direct_read(2)
    assert wire.max_direct_read == 3
    wire.connection_lost("cut")
    assert wire.max_direct_read == 0
    with pytest.raises(LocalProtocolError, match="max_direct_read is 0"):
        wire.direct_read(1)


@pytest.mark.parametrize("head", [OK + b"x: y\r\n\r\n", CHUNKED, FIVE + b"content-encoding: gzip\r\n\r\n", b""])
def test_no_direct_reads_of_bodies_that_must_be_decoded(head: bytes) -> None:
    wire = HTTP11Exchange(Exchange(POST, file, Limits()))
    wire.receive(head)
    assert wire.max_direct_read == 0


def test_a_failed_exchange_takes_no_bytes() -> None:
    exchange = Exchange(POST, items, Limits())
    wire = HTTP11Exchange(exchange)
    exchange.receive(ConnectionFailed(FailureKind.CONNECT, "no"))
    assert isinstance(exchange.error, ConnectError)
    assert wire.receive(OK) == ()
    assert not isinstance(exchange.error, RemoteProtocolError)


# --- misuse


@pytest.mark.parametrize("data", [None, "text", 0, [b"x"], ()])
def test_what_is_received_is_bytes(data: bytes) -> None:
    exchange = Exchange(POST, items, Limits())
    wire = HTTP11Exchange(exchange)
    wire.data_to_send()
    for part in (b"", b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n", b"\r\n12"):
        if part:
            wire.receive(part)
        with pytest.raises(LocalProtocolError, match="what is received is bytes"):
            wire.receive(data)
    assert list(wire.receive(b"345")) == [b"345"]
    assert wire.is_reusable


@pytest.mark.parametrize("kind", [bytearray, memoryview])
def test_bytes_may_come_in_a_buffer_that_is_used_again(kind: type[bytearray]) -> None:
    answer = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n12345"
    for size in (1, 7, 100):
        exchange = Exchange(POST, value, Limits())
        wire = HTTP11Exchange(exchange)
        for at in range(0, len(answer), size):
            buffer = bytearray(answer[at : at + size])
            wire.receive(kind(buffer))
            buffer[:] = bytes(len(buffer))
        assert exchange.result == b"12345"


def test_an_exchange_is_carried_out_once() -> None:
    exchange = Exchange(POST, items, Limits())
    exchange.receive(Head(200))
    with pytest.raises(LocalProtocolError, match="has begun before: it is in state 'receiving'"):
        HTTP11Exchange(exchange)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nabcd",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n2\r\ncd\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2;x\r\nab\r\n2\r\ncd\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\nabcd",
    ],
)
@pytest.mark.parametrize("at", range(3))
def test_a_recorder_that_raises_closes_the_exchange_as_its_bytes_are_lost(answer: bytes, at: int) -> None:
    told: list[str] = []

    def record(event: object) -> None:
        if len(told) == at:
            raise OSError("no space left")
        told.append(type(event).__name__)

    exchange = Exchange(POST, items, Limits())
    exchange.recorder = record
    exchange.on_end = lambda: told.append("end")
    wire = HTTP11Exchange(exchange)
    wire.data_to_send()
    with pytest.raises(LocalProtocolError, match="the recorder raised a OSError"):
        for byte in (*answer, None):
            wire.receive(b"" if byte is None else bytes([byte]))
    assert len(told) == at + 1
    assert told[-1] == "end"
    assert (exchange.state, wire.is_over, wire.is_reusable) == (State.CLOSED, True, False)
    assert wire.receive(b"more") == ()
