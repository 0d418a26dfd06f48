"""Server-sent events by the HTML standard, in any pieces."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bento_proto import LimitExceeded, ServerSentEvent
from bento_proto.response import EventStreamDecoder
from tests.proto.play import cut, splits

Event = ServerSentEvent


def events(pieces: list[bytes], limit: int = 1000) -> list[ServerSentEvent]:
    decoder = EventStreamDecoder(limit)
    found = [event for piece in pieces for event in [*decoder.feed(piece), *decoder.boundary()]]
    return [*found, *decoder.finish()]


STREAMS: dict[bytes, list[ServerSentEvent]] = {
    # the standard's own examples
    b"data: YHOO\ndata: +2\ndata: 10\n\n": [Event("YHOO\n+2\n10")],
    b": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n": [
        Event("first event", id="1"),
        Event("second event"),
    ],
    b"data\n\ndata\ndata\n\ndata:": [Event(""), Event("\n")],
    b"data:test\n\ndata: test\n\n": [Event("test"), Event("test")],
    b"event: add\ndata: 73857293\n\nevent: remove\ndata: 2153\n\n": [Event("73857293", "add"), Event("2153", "remove")],
    # lines end with any of the three, and with nothing else
    b"data: a\r\rdata: b\r\n\r\ndata: c\n\ndata: d\r\n\rdata: e\n\r\n": [Event(text) for text in "abcde"],
    b"data: a\rdata: b\r\n\rdata: c\r\r\n": [Event("a\nb"), Event("c")],
    b"data: a\r\n\ndata: b\r\n\n\n": [Event("a"), Event("b")],
    "data: a\x85b\u2028c\u2029d\x0be\x0cf\x1cg\n\n".encode(): [Event("a\x85b\u2028c\u2029d\x0be\x0cf\x1cg")],
    # one byte order mark goes, and only at the very start
    b"\xef\xbb\xbfdata: a\n\n": [Event("a")],
    b"\xef\xbb\xbf\xef\xbb\xbfdata: a\n\ndata: b\n\n": [Event("b")],
    b"data: \xef\xbb\xbfa\n\n\xef\xbb\xbfdata: b\n\n": [Event("\ufeffa")],
    # what is no UTF-8 becomes U+FFFD
    b"data: \xff\xe6\x97\n\ndata: \xe6\x97\xa5\n\n": [Event("\ufffd\ufffd"), Event("日")],
    # fields
    b"data:  two spaces \n\n": [Event(" two spaces ")],
    b"data:a:b: c\n\n": [Event("a:b: c")],
    b"Data: a\n data: b\ndata : c\nxdata: d\n:data: e\n\n": [],
    b"event: x\nevent: y\ndata: a\n\ndata: b\n\n": [Event("a", "y"), Event("b")],
    b"event: lost\n\nevent:\ndata: a\n\n": [Event("a")],
    b"id: 1\ndata: a\n\ndata: b\n\nid: 2\n\ndata: c\n\nid: 3\0\ndata: d\n\nid:\ndata: e\n\n": [
        Event("a", id="1"),
        Event("b", id="1"),
        Event("c", id="2"),
        Event("d", id="2"),
        Event("e"),
    ],
    b"retry: 300\ndata: a\n\ndata: b\n\nretry: 3s\nretry: -1\nretry:\ndata: c\n\n": [
        Event("a", retry=300),
        Event("b"),
        Event("c"),
    ],
    "retry: ٣\ndata: a\n\n".encode(): [Event("a")],
    b"retry: " + b"9" * 500 + b"\ndata: a\n\n": [Event("a", retry=10**12 - 1)],
    # what the end cuts off is no event
    b"data: a\n\ndata: b\n": [Event("a")],
    b"data: a": [],
    b"data: a\r": [],
    b"\n\n\n\r\r\n": [],
    b"": [],
}


@pytest.mark.parametrize("body", STREAMS, ids=lambda body: repr(body[:25]))
def test_events(body: bytes) -> None:
    for pieces in splits(body):
        assert events(pieces) == STREAMS[body]


def test_an_event_is_returned_with_its_last_byte() -> None:
    decoder = EventStreamDecoder(100)
    assert decoder.feed(b"data: a\r\n\r") == [Event("a")]  # the line feed to come belongs to this end
    assert decoder.feed(b"\n") == []
    assert decoder.feed(b"\n") == []
    assert decoder.feed(b"data: b\n\n") == [Event("b")]


text = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"), max_size=8)
cuts = st.lists(st.floats(0, 1), max_size=12).map(sorted)


@given(st.lists(st.tuples(st.lists(text, min_size=1, max_size=3), text), max_size=4), st.data(), cuts)
def test_written_events_are_parsed(
    written: list[tuple[list[str], str]], data: st.DataObject, places: list[float]
) -> None:
    end = st.sampled_from(["\n", "\r", "\r\n"])
    body = ""
    for lines, kind in written:
        for line in (*(f"data: {line}" for line in lines), f"event: {kind}", ""):
            body += line + (data.draw(end) if not body.endswith("\r") or line else "\r")
    sent = body.encode()
    pieces = cut(sent, [int(place * len(sent)) for place in places])
    assert events(pieces) == [Event("\n".join(lines), kind or "message") for lines, kind in written]


@given(st.lists(st.sampled_from(["data", ":", " ", "\r", "\n", "é", "\ufeff", "id", "a", "\0"])).map("".join), cuts)
def test_any_bytes_in_any_pieces_give_the_same(body: str, places: list[float]) -> None:
    sent = body.encode()
    assert events(cut(sent, [int(place * len(sent)) for place in places])) == events([sent])


@pytest.mark.parametrize(
    "body",
    [b"data: a\n\n" + b"data: 12345", b"data: a\n\n" + b"data: 12345\n\n", b"data: a\n\nid: 1\n: 23\ndata", b":\n" * 9],
)
def test_the_limit_is_for_one_event(body: bytes) -> None:
    whole = b"data: a\n\n" in body
    for pieces in splits(body):
        decoder = EventStreamDecoder(10 if whole else 8)
        found: list[ServerSentEvent] = []
        with pytest.raises(LimitExceeded) as caught:
            for piece in pieces:
                found += decoder.feed(piece)
        assert [*found, *caught.value.items] == ([Event("a")] if whole else [])
    for pieces in splits(b"data: 1234\n\n" * 10):
        assert len(events(pieces, 10)) == 10


@pytest.mark.parametrize("crumb", [b"ab", b"\ndata:a"])
def test_single_bytes_take_little_more_memory_than_their_size(crumb: bytes) -> None:
    decoder = EventStreamDecoder(1 << 20)
    tracemalloc.start()
    try:
        for _ in range(50_000):
            decoder.feed(crumb)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 1.5 * 50_000 * len(crumb)
