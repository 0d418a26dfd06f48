"""Heads and bytes: `http11.Wire`, and the `Exchange` behind it."""

from __future__ import annotations

from collections.abc import Sequence

from bento_proto import Exchange, Limits, Request
from bento_proto.exchange import State
from bento_proto.http import Origin
from bento_proto.http11 import HTTP11Exchange
from bento_proto.response import RawDecoder
from fuzz.support import Source, held, same, splits, unread

LIMITS = Limits(error=64, head=512, interim=2)
METHODS = ("GET", "POST", "HEAD")


def test_one_input(data: bytes) -> None:
    """Whatever arrives, nothing is raised and the exchange comes to an end; however it is cut, it is the same end.

    No more is held than one head and what came last of it.
    """
    source = Source(data)
    method, reused, seed = source.choice(METHODS), source.flag(), source.integer(0, 0xFFFF)
    data = source.rest()
    same(_outcome(method, reused, pieces) for pieces in splits(data, seed))


def _outcome(method: str, reused: bool, pieces: Sequence[bytes]) -> tuple[object, ...]:
    request = Request(method, Origin("http", "here", 80), "/")
    exchange = Exchange(request, lambda head: RawDecoder(), LIMITS)
    wire = HTTP11Exchange(exchange, reused=reused)
    assert b"".join(segment for segment in wire.segments() if isinstance(segment, bytes)).endswith(b"\r\n\r\n")
    items: list[bytes] = []
    most = 0  # a head that is too long is known to be with its last piece, which stays with it
    for piece in pieces:
        if piece:
            items += wire.receive(piece)
        most = max(most, len(piece))
        if len(piece) > 1:  # weighing takes longer than all else
            assert held(*unread(wire)) <= LIMITS.head + most
    items += wire.receive(b"")
    assert wire.is_over
    assert exchange.state in (State.DONE, State.FAILED, State.REDIRECTED)
    assert not (wire.is_reusable and exchange.state is State.FAILED and exchange.failure)
    head = exchange.head
    # What is not read to its end may leave the connection reusable if all of it happens to be there.
    reusable = wire.is_reusable if exchange.state is State.DONE else None
    told = (type(exchange.error), exchange.failure and exchange.failure.kind, reusable)
    if head is None:
        return told
    assert 200 <= head.status <= 999
    if exchange.error is not None and head.get("content-encoding"):
        return (head.status, head.headers)  # how much comes out before a fault depends on how it was cut
    return (head.status, head.headers, b"".join(items), *told)
