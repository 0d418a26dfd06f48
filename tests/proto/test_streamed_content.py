"""Responses whose bodies are read as they arrive: the sync and the async kind say the same."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Generator, Iterable
from typing import TypeVar

import pytest

from bento_proto import Data, End, Exchange, Head, LimitExceeded, Limits, NotFound, Request
from bento_proto.http import Origin
from bento_proto.response import AsyncStreamedContent, StreamedContent
from bento_proto.response._readers import bytes_reader

T = TypeVar("T")

REQUEST = Request("GET", Origin("http", "h", 80), "/x")
PIECES = (b"caf\xc3", b"\xa9\r", b"\nb\n", b"\xff")
TEXT = (("content-type", "text/plain"),)


def exchange(status: int = 200, limits: Limits = Limits(), body: bytes = b"") -> Exchange[bytes]:  # noqa: B008
    made = Exchange(REQUEST, bytes_reader(), limits)
    made.receive(Head(status, TEXT))
    if body:
        made.receive(Data(body))
        made.receive(End())
    return made


def sync_body(closed: list[bool], pieces: Iterable[bytes] = PIECES) -> Generator[bytes, None, None]:
    try:
        yield from pieces
    finally:
        closed.append(True)


async def async_body(closed: list[bool], pieces: Iterable[bytes] = PIECES) -> AsyncGenerator[bytes, None]:
    try:
        for piece in pieces:
            yield piece
    finally:
        closed.append(True)


def run(coroutine: Coroutine[object, None, T]) -> T:
    """The result of a coroutine that waits for nothing."""
    with pytest.raises(StopIteration) as stopped:
        coroutine.send(None)
    result: T = stopped.value.value
    return result


async def all_of(items: AsyncIterator[T]) -> list[T]:
    return [item async for item in items]


def sync(limits: Limits = Limits(), closed: list[bool] | None = None) -> StreamedContent:  # noqa: B008
    return StreamedContent(exchange(limits=limits), sync_body([] if closed is None else closed))


def asynchronous(limits: Limits = Limits(), closed: list[bool] | None = None) -> AsyncStreamedContent:  # noqa: B008
    return AsyncStreamedContent(exchange(limits=limits), async_body([] if closed is None else closed))


def test_bytes_text_and_lines() -> None:
    assert list(sync().iter_bytes()) == run(all_of(asynchronous().iter_bytes())) == list(PIECES)
    text = ["caf", "é\r", "\nb\n", "\ufffd"]
    assert list(sync().iter_text()) == run(all_of(asynchronous().iter_text())) == text
    lines = ["café", "b", "\ufffd"]
    assert list(sync().iter_lines()) == run(all_of(asynchronous().iter_lines())) == lines
    assert sync().read() == run(asynchronous().read()) == run(asynchronous().aread()) == b"".join(PIECES)


def test_a_character_that_is_cut_off() -> None:
    content = StreamedContent(exchange(), sync_body([], [b"a\xc3"]))
    assert list(content.iter_text()) == ["a", "\ufffd"]
    assert list(StreamedContent(exchange(), sync_body([], [b"\xc3", b"\xa9"])).iter_text()) == ["é"]
    later = AsyncStreamedContent(exchange(), async_body([], [b"a\xc3"]))
    assert run(all_of(later.iter_text())) == ["a", "\ufffd"]


def test_what_it_says_of_the_response() -> None:
    content = sync()
    assert (content.status_code, content.reason_phrase, content.url) == (200, "OK", "http://h/x")
    assert (content.is_success, content.is_error, content.encoding) == (True, False, "utf-8")
    assert content.raise_for_status() is content


def test_leaving_closes_the_stream() -> None:
    closed: list[bool] = []
    with sync(closed=closed) as content:
        assert next(content.iter_bytes()) == PIECES[0]
    assert closed == [True]

    async def leave() -> None:
        async with asynchronous(closed=closed) as later:
            async for _ in later.iter_bytes():
                break

    run(leave())
    assert closed == [True, True]


def test_limits() -> None:
    small = Limits(item=3, body=5)
    with pytest.raises(LimitExceeded, match="a line of the response is over 3 characters"):
        list(sync(small).iter_lines())
    closed: list[bool] = []
    with pytest.raises(LimitExceeded, match="over 5 bytes"):
        sync(small, closed).read()
    assert closed == [True]


def test_the_body_of_an_error_is_there() -> None:
    refused = exchange(404, body=b'{"error": "gone"}')
    content, later = StreamedContent(refused, None), AsyncStreamedContent(refused, None)
    assert content.read() == run(later.read()) == b'{"error": "gone"}'
    assert list(content.iter_lines()) == ['{"error": "gone"}']
    for each in (content, later):
        with pytest.raises(NotFound, match="gone"):
            each.raise_for_status()
