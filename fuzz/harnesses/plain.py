"""`http11.Wire` with its reader of plain answers, and with h11 for all of them: they come to the same."""

from __future__ import annotations

from collections.abc import Sequence
from unittest import mock

from bento_proto import Exchange, Limits, Request
from bento_proto.http import Origin
from bento_proto.http11 import HTTP11Exchange
from bento_proto.http11 import _exchange as http11
from bento_proto.response import RawDecoder
from fuzz.support import Source, cut

LIMITS = Limits(error=64, head=512, interim=2)
METHODS = ("POST", "GET", "HEAD", "CONNECT")


def test_one_input(data: bytes) -> None:
    """Whatever arrives, however it is cut: items, error, and whether the connection is kept are what h11 gives.

    Other protocols than HTTP are left out: they are recognised before h11, which would wait for more.
    """
    source = Source(data)
    method, seed, closes = source.choice(METHODS), source.integer(0, 0xFFFF), source.flag()
    pieces = [piece for piece in cut(source.rest(), seed) if piece] + [b""] * closes
    with mock.patch.object(http11, "foreign", return_value=""):
        read = _outcome(method, pieces)
        with mock.patch.multiple(http11, read_head=lambda data: None, may_become_plain=lambda data, seen: False):
            by_h11 = _outcome(method, pieces)
    assert read == by_h11, f"{read} instead of {by_h11}"


def _outcome(method: str, pieces: Sequence[bytes]) -> tuple[object, ...]:
    request = Request(method, Origin("http", "here", 80), "/")
    exchange = Exchange(request, lambda head: RawDecoder(), LIMITS)
    wire = HTTP11Exchange(exchange)
    list(wire.segments())
    items = [item for piece in pieces for item in wire.receive(piece)]
    head = (exchange.head.status, exchange.head.headers) if exchange.head is not None else None
    lost = exchange.failure and exchange.failure.kind
    return head, items, exchange.state, type(exchange.error), lost, wire.is_over, wire.is_reusable
