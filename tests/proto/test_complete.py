"""An answer that came as a whole is the same as its parts."""

from __future__ import annotations

import gzip

import pytest

from bento_proto import ConnectionFailed, Exchange, FailureKind, Head, Limits, LocalProtocolError, Progress, Request
from bento_proto.exchange import ReaderFactory, State
from bento_proto.http import Complete, Origin, Received
from tests.proto.test_exchange import exchange, file, items, value

ZIPPED = (("content-encoding", "gzip"),)
ANSWERS = [
    Complete(Head(status, fields), body)
    for status in (100, 200, 204, 307, 404, 503)
    for fields in ((), (("location", "/"),), ZIPPED, (("content-encoding", "br"),))
    for body in (b"", b"[1, 2]", b'[1] "cut', b"[1]?", b"much too long for a value", gzip.compress(b"[1][2]"))
]
NAMES = [f"{answer.head.status} of {len(answer.body)} bytes, {number}" for number, answer in enumerate(ANSWERS)]


def outcome(of: Exchange[object], found: list[object]) -> tuple[object, ...]:
    error = of.error
    said = None if error is None else (type(error), str(error), error.trace_id, error.request_id)
    result = of.result if of.state is State.DONE and of.result_kind is not None and not of.is_streaming else None
    return of.state, of.is_over, of.head, of.result_kind, found, said, result


@pytest.mark.parametrize("reader", [value, items, file])
@pytest.mark.parametrize("answer", ANSWERS, ids=NAMES)
def test_it_comes_to_what_its_parts_come_to(reader: ReaderFactory[object], answer: Complete) -> None:
    whole, parted = exchange(reader=reader), exchange(reader=reader)
    at_once = list(whole.receive(answer))
    one_by_one: list[object] = []
    for part in answer.parts:
        if not parted.is_over:
            one_by_one += parted.receive(part)
    assert outcome(whole, at_once) == outcome(parted, one_by_one)
    assert whole.is_over


@pytest.mark.parametrize("answer", ANSWERS, ids=NAMES)
def test_a_witness_sees_the_parts(answer: Complete) -> None:
    seen: list[Received] = []
    watched, unwatched = exchange(), exchange()
    watched.recorder = seen.append
    assert list(watched.receive(answer)) == list(unwatched.receive(answer))
    assert watched.state is unwatched.state
    assert seen[0] is answer.head
    assert [type(event) for event in seen] == [type(part) for part in answer.parts][: len(seen)]


def test_its_bytes_are_counted() -> None:
    told: list[Progress] = []
    counted = Exchange(Request("GET", Origin("http", "h", 80), "/"), items, Limits())
    counted.measure(told.append)
    counted.receive(Complete(Head(200, (("content-length", "3"),)), b"[1]"))
    assert counted.download is not None
    assert counted.download.done == 3
    assert told[-1].done == told[-1].total == 3


@pytest.mark.parametrize(
    "before", [Head(200), Head(404), Head(307, (("location", "/"),)), ConnectionFailed(FailureKind.DISCONNECTED, "x")]
)
def test_it_must_be_all_that_comes(before: Received) -> None:
    begun = exchange(before)
    with pytest.raises(LocalProtocolError, match="is not allowed in state"):
        begun.receive(Complete(Head(200), b"1"))
