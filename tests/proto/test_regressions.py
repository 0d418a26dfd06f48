"""What fuzzing found, each as the shortest case that shows it; the inputs themselves are in ``fuzz/corpus``."""

from __future__ import annotations

import pytest

from bento_proto import Data, End, Events, Exchange, Head, JSONItems, Limits, Origin, RemoteProtocolError, Request, Text
from bento_proto._content import charset
from bento_proto._outputs import Answer, Delivery


def _head(**fields: str) -> Head:
    return Head(200, tuple((name.replace("_", "-"), value) for name, value in fields.items()))


@pytest.mark.parametrize("unknown", ["utf-I8", "hex", "undefined", "x" * 100])
def test_a_charset_that_python_cannot_read_is_utf_8(unknown: str) -> None:
    # b"".decode("utf-I8") is "": only a text that is not empty has its coding looked up
    assert charset(_head(content_type=f"text/plain; charset={unknown}")) == "utf-8"


@pytest.mark.parametrize("endless", ["utf-7", "U7", "idna", "punycode", "unicode_escape", "raw-unicode-escape"])
def test_a_charset_that_holds_back_without_end_is_utf_8(endless: str) -> None:
    assert charset(_head(content_type=f"text/plain; charset={endless}")) == "utf-8"


@pytest.mark.parametrize(
    ("decoder", "body", "items"),
    [
        (JSONItems(lambda value: value, 100), b'{"a": 1} [2] ?', [{"a": 1}, [2]]),
        (JSONItems(lambda value: value, 100), b"[1][2]\xff", [[1], [2]]),
        (JSONItems(lambda value: value, 5), b"[1]" + b'"123456"', [[1]]),
        (Text(), b"t\xc3\xb6k\xff.", ["t", "ö", "k"]),
        (Events(10), b"data: 1\n\ndata: 12345678\n\n", [("1", "message", "", None)]),
    ],
)
def test_what_came_before_a_fault_in_the_same_bytes_is_delivered(
    decoder: JSONItems[object] | Text | Events, body: bytes, items: list[object]
) -> None:
    exchange = Exchange(
        Request("POST", Origin("http", "here", 80), "/"), lambda head: Answer(Delivery.ITEMS, decoder), Limits()
    )
    exchange.receive(Head(200))
    assert list(exchange.receive(Data(body))) == items
    assert isinstance(exchange.error, RemoteProtocolError)


def test_what_came_before_a_fault_in_the_compression_is_delivered() -> None:
    import gzip

    exchange = Exchange(
        Request("POST", Origin("http", "here", 80), "/"), lambda head: Answer(Delivery.ITEMS, Text()), Limits()
    )
    exchange.receive(_head(content_encoding="gzip"))
    assert list(exchange.receive(Data(gzip.compress(b"whole") + b"no gzip"))) == ["whole"]
    assert isinstance(exchange.error, RemoteProtocolError)


def test_a_number_that_ends_with_the_chunk_and_is_too_long_does_not_take_the_items_before_it_along() -> None:
    exchange = Exchange(
        Request("POST", Origin("http", "here", 80), "/"),
        lambda head: Answer(Delivery.ITEMS, JSONItems(lambda value: value, 100)),
        Limits(),
    )
    exchange.receive(Head(200))
    assert list(exchange.receive(Data(b"[1]" + b"9" * 4500, ends_chunk=True))) == [[1]]
    assert isinstance(exchange.error, RemoteProtocolError)


def test_the_end_is_no_second_fault() -> None:
    decoder = JSONItems(lambda value: value, 100)
    exchange = Exchange(
        Request("POST", Origin("http", "here", 80), "/"), lambda head: Answer(Delivery.ITEMS, decoder), Limits()
    )
    exchange.receive(Head(200))
    assert list(exchange.receive(Data(b"12"))) == []
    assert list(exchange.receive(End())) == [12]
    assert exchange.error is None
