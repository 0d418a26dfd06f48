"""A transport's answers as events, and what it raises as failures."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Callable, Coroutine, Generator, Iterable, Iterator
from typing import TypeVar, cast

import pytest

from bento_proto import (
    ConnectError,
    ConnectionLost,
    Exchange,
    Limits,
    LocalProtocolError,
    Progress,
    Request,
    Step,
    Timeout,
)
from bento_proto.http import FilePart, Origin, Segment
from bento_proto.response._readers import whole_reader
from bento_proto.session import TransportExchange, TransportResponse, map_exceptions

T = TypeVar("T")
FILE = FilePart("path", 3)


def exchange_of(*body: Segment) -> Exchange[bytes]:
    request = Request("POST", Origin("http", "h", 3000), "/f?x=1", (("authorization", "secret"),), body)
    return Exchange(request, whole_reader(bytes, 100), Limits())


def carried(exchange: Exchange[bytes]) -> TransportExchange:
    return TransportExchange(Step(cast("Exchange[object]", exchange), Timeout(total=5)))


def run(coroutine: Coroutine[object, object, T]) -> T:
    """What a coroutine returns that waits for nothing."""
    with pytest.raises(StopIteration) as caught:
        coroutine.send(None)
    return cast("T", caught.value.value)


async def collected(blocks: AsyncIterable[bytes]) -> list[bytes]:
    return [block async for block in blocks]


async def some(*blocks: bytes) -> AsyncIterator[bytes]:
    for block in blocks:
        yield block


def test_the_request_in_the_terms_of_a_library() -> None:
    request = carried(exchange_of(b"bo", b"dy")).request(())
    assert (request.method, request.url, request.content, request.length) == ("POST", "http://h:3000/f?x=1", b"body", 4)
    assert request.timeout == Timeout(total=5)
    assert repr(request) == "<TransportRequest POST http://h:3000/f?x=1>"
    assert carried(exchange_of()).request(()).content == b""


@pytest.mark.parametrize("is_async", [False, True])
def test_a_body_with_a_file_is_counted_as_it_is_read(is_async: bool) -> None:
    exchange, told = exchange_of(b"a", FILE), list[Progress]()
    exchange.measure(told.append)
    wire = carried(exchange)
    blocks = [b"a", b"bcd"]
    content = wire.request(some(*blocks) if is_async else blocks).content
    if isinstance(content, AsyncIterable):
        assert run(collected(content)) == blocks
    else:
        assert not isinstance(content, bytes)
        assert list(content) == blocks
    wire.respond(TransportResponse(200, (), ()))
    assert [each.done for each in told if each.kind == "upload"] == [0, 4]


@pytest.mark.parametrize("is_async", [False, True])
def test_what_a_file_raises_while_it_is_read_is_raised(is_async: bool) -> None:
    def breaking() -> Iterator[bytes]:
        yield b"a"
        raise OSError("disk")

    async def async_breaking() -> AsyncIterator[bytes]:
        for block in breaking():
            yield block

    wire = carried(exchange_of(FILE))
    content = wire.request(async_breaking() if is_async else breaking()).content
    with pytest.raises(OSError, match="disk"), wire.failures():
        try:
            if isinstance(content, AsyncIterable):
                collected(content).send(None)
            else:
                list(cast("Iterable[bytes]", content))
        except OSError:
            raise ConnectionLost("the library broke off") from None


def test_a_response_in_blocks() -> None:
    exchange = exchange_of(b"body")
    wire = carried(exchange)
    assert wire.respond(TransportResponse(200, [("content-length", "4")], "blocks")) == "blocks"
    assert [*wire.receive(b"ab"), *wire.receive(b""), *wire.receive(b"cd"), *wire.receive(None)] == []
    assert exchange.result == b"abcd"
    assert wire.receive(None) == ()


def test_fields_of_a_decoded_body_are_left_out() -> None:
    fields = [("Content-Encoding", "gzip"), ("content-length", "9"), ("x", "y")]
    assert TransportResponse(200, fields, (), decoded=True).headers == (("x", "y"),)
    assert TransportResponse(200, fields, ()).headers == tuple(fields)


@pytest.mark.parametrize(
    ("raised", "kind", "sent"),
    [
        (ConnectError("refused"), ConnectError, False),
        (TimeoutError(), TimeoutError, True),
        (OSError("reset"), ConnectionLost, True),
        (ConnectionLost("reset"), ConnectionLost, True),
    ],
)
def test_what_is_raised_of_a_connection_is_the_error(raised: Exception, kind: type[Exception], sent: bool) -> None:
    exchange = exchange_of(b"body")
    carried(exchange).failed(raised)
    assert isinstance(exchange.error, kind)
    assert getattr(exchange.error, "sent", None) is sent
    assert exchange.error.__cause__ is raised


def test_the_cause_of_a_refused_connection_is_what_the_library_raised() -> None:
    exchange, error = exchange_of(), ConnectError("refused")
    error.__cause__ = OSError("111")
    carried(exchange).failed(error)
    assert exchange.error is not None
    assert exchange.error.__cause__ is error.__cause__


def test_anything_else_is_raised_again() -> None:
    wire = carried(exchange_of())
    with pytest.raises(KeyError), wire.failures():
        raise KeyError
    with pytest.raises(LocalProtocolError), wire.failures():
        wire.respond(TransportResponse(200, [("x", cast("str", 1))], ()))
    wire.failed(OSError("reset"))
    with pytest.raises(OSError, match="again"):
        wire.failed(OSError("again"))


def test_no_response_at_all_is_a_mistake() -> None:
    async def send() -> None:
        raise AssertionError

    for given in (None, send()):
        with pytest.raises(TypeError, match=r"send\(\) of a transport returns a TransportResponse, not a "):
            carried(exchange_of()).respond(cast("TransportResponse[object]", given))


@pytest.mark.parametrize("is_async", [False, True])
def test_closing_ends_the_response_once(is_async: bool) -> None:
    ended: list[str] = []

    def blocks() -> Generator[bytes, None, None]:
        try:
            yield b"a"
        finally:
            ended.append("blocks")

    async def async_blocks() -> AsyncIterator[bytes]:
        for block in reading:
            yield block

    async def close() -> None:
        ended.append("response")
        raise OSError("nobody is interested")

    wire, reading = carried(exchange_of()), blocks()
    closing: Callable[[], object] = close if is_async else lambda: ended.append("response")
    given = wire.respond(TransportResponse(200, (), async_blocks() if is_async else reading, closing))
    next(reading)
    rest = wire.close()
    if rest is not None:
        reading.close()
        run(rest())
    assert is_async == (rest is not None)
    assert isinstance(given, AsyncIterable) == is_async
    assert ended == ["blocks", "response"]
    assert wire.close() is None
    assert carried(exchange_of()).close() is None


def test_the_exceptions_of_a_library_become_those_that_say_what_they_mean() -> None:
    def failing(error: Exception) -> Iterator[bytes]:
        with map_exceptions({KeyError: ConnectError, LookupError: TimeoutError, ArithmeticError: ConnectionLost}):
            yield b"x"
            raise error

    for error, kind, says in (
        (KeyError("x"), ConnectError, "'x'"),
        (IndexError("slow"), TimeoutError, "slow"),
        (ZeroDivisionError(), ConnectionLost, "ZeroDivisionError"),
        (ValueError("other"), ValueError, "other"),
    ):
        blocks = failing(error)
        assert next(blocks) == b"x"
        with pytest.raises(kind) as caught:
            next(blocks)
        assert (str(caught.value), type(caught.value)) == (says, kind)
        assert caught.value is error or caught.value.__cause__ is error
