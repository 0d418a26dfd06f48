"""A fuzz harness of your own: copy this file, and put in the schema of your Service and the limits of your client.

::

    pip install bento-client atheris
    python fuzz_bento.py corpus/          fuzzes, from the inputs in that folder, until something fails
    python fuzz_bento.py crash-0123...    runs one input again, also where no atheris is installed

An input is four bytes of settings, and then what a server sends on one connection, as bytes of HTTP/1.1. Any other
fuzzer will do: let it call `test_one_input`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

try:
    import atheris as fuzzer  # type: ignore[import-untyped]
except ImportError:
    fuzzer = None
FUZZER: Any = fuzzer

with FUZZER.instrument_imports(include=["bento_proto", "h11"]) if FUZZER else nullcontext():
    from bento_proto import ConnectionFailed, Data, End, Exchange, FailureKind, Head, Limits, LocalProtocolError
    from bento_proto.exchange import ResultKind, State
    from bento_proto.http11 import HTTP11Exchange
    from bento_proto.response import exchange_for
    from bento_proto.schema import parse_service

# Yours: the `/schema.json` of your Service, and the limits that your client has.
SCHEMA = b"""{"name": "Mine", "routes": [
  {"name": "value", "route": "/value", "output": {"type": "object"}},
  {"name": "text", "route": "/text", "output": {"type": "string"}},
  {"name": "file", "route": "/file", "output": {"type": "file"}},
  {"name": "words", "route": "/words", "output": {"type": "string", "is_stream": true}},
  {"name": "objects", "route": "/objects", "output": {"type": "object", "is_stream": true}}
]}"""
LIMITS = Limits(body=1 << 16, item=1 << 12, error=1 << 10, head=1 << 12)

ENDPOINTS = tuple(parse_service(SCHEMA).endpoints.values())
SETTINGS = 4
EDGE = 2_000  # as many bytes come singly at either end of an input: four million events would take a minute
SEEDS = (
    b"\0\0\0\0HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\n{\"a\": 1}",
    b"\1\0\0\0HTTP/1.1 500 Oops\r\ncontent-type: application/json\r\n\r\n{\"error\": \"no\"}",
    b"\3\1\7\1HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\none \r\n3\r\ntwo\r\n0\r\n\r\n",
    b"\4\1\1\2HTTP/1.1 200 OK\r\n\r\n{\"a\": 1}{\"a\": ",
)  # fmt: skip


def test_one_input(data: bytes) -> None:
    """Whatever a server sends, an exchange takes it: nothing is raised, and what goes wrong is `Exchange.error`.

    However it is cut, there are the same items, the same result, and the same error behind the same items. Results,
    items and errors keep their limits. An exchange that is over stays as it is: it takes no event, and closing it
    changes nothing.
    """
    if len(data) < SETTINGS:
        return
    endpoint, carry, block, ending = data[:SETTINGS]
    data = data[SETTINGS:]
    if carry % 2:
        outcomes = [as_bytes(endpoint, pieces, ending % 3) for pieces in splits(data, 1 + block)]
    else:
        head, body = head_and_body(data)
        outcomes = [as_messages(endpoint, head, pieces, ending % 3) for pieces in splits(body, 1 + block)]
    for other in outcomes[1:]:
        assert other == outcomes[0], f"cut in another way, {other} comes of it, and not {outcomes[0]}"


def splits(data: bytes, size: int) -> Iterator[list[bytes]]:
    """The same bytes in one piece, in blocks, and one by one; none is empty, which would mean the end."""
    end = max(EDGE, len(data) - EDGE)
    yield cut(data, len(data))
    yield cut(data, max(size, len(data) // EDGE))
    yield [*cut(data[:EDGE], 1), *cut(data[EDGE:end], end), *cut(data[end:], 1)]


def cut(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size or 1)]


def head_and_body(data: bytes) -> tuple[Head, bytes]:
    """A response for who has an HTTP library: the fields as they stand there, and status 200 where there is none."""
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    status = first[9:12] if first[9:12].isdecimal() else "200"
    fields = [(name, value.strip()) for name, colon, value in (line.partition(":") for line in lines) if colon]
    return Head(int(status), tuple(fields)), body


def as_messages(endpoint: int, head: Head, pieces: Sequence[bytes], ending: int) -> str:
    exchange, ended = begun(endpoint)
    exchange.receive(head)
    items: list[object] = []
    for event in (*map(Data, pieces), (End(), ConnectionFailed(FailureKind.TIMEOUT, "nothing came"), None)[ending]):
        if event is None:
            exchange.close()
        elif not exchange.is_over:
            items += exchange.receive(event)
    return outcome(exchange, items, ended)


def as_bytes(endpoint: int, pieces: Sequence[bytes], ending: int) -> str:
    exchange, ended = begun(endpoint)
    wire = HTTP11Exchange(exchange)
    wire.data_to_send()
    items = [item for piece in pieces for item in wire.receive(piece)]
    if ending == 0:
        items += wire.receive(b"")
    elif ending == 1:
        wire.timed_out("nothing came")
    else:
        exchange.close()
    return outcome(exchange, items, ended)


def begun(endpoint: int) -> tuple[Exchange[object], list[bool]]:
    exchange, ended = exchange_for(ENDPOINTS[endpoint % len(ENDPOINTS)], limits=LIMITS), list[bool]()
    exchange.on_end = lambda: ended.append(True)
    return exchange, ended


def outcome(exchange: Exchange[object], items: Sequence[object], ended: Sequence[bool]) -> str:
    """What came of it, as text that can be compared; of text and bytes only the sum counts."""
    assert exchange.is_over
    assert exchange.state in (State.DONE, State.FAILED, State.REDIRECTED, State.CLOSED)
    assert (exchange.error is None) is (exchange.state in (State.DONE, State.REDIRECTED))
    assert not isinstance(exchange.error, LocalProtocolError), "a defect, and not the server's doing"
    assert len(ended) == 1, "hooks are told of the end once"
    stays_over(exchange)
    assert len(exchange.error_body) <= LIMITS.error
    value: object = list(items)
    if exchange.state is State.DONE and exchange.result_kind is ResultKind.VALUE:
        value = exchange.result
        assert not isinstance(value, (str, bytes)) or len(value) <= LIMITS.body
    elif exchange.result_kind is ResultKind.FILE or all(isinstance(item, bytes) for item in items):
        value = b"".join(item for item in items if isinstance(item, bytes))
    elif all(isinstance(item, str) for item in items):
        value = "".join(map(str, items))
    return repr((exchange.head and exchange.head.status, value, exchange.state, type(exchange.error)))


def stays_over(exchange: Exchange[object]) -> None:
    before = (exchange.state, exchange.error, exchange.failure)
    for event in (Head(200), Data(b"more"), End(), ConnectionFailed(FailureKind.DISCONNECTED, "late")):
        try:
            exchange.receive(event)
        except LocalProtocolError:
            continue
        raise AssertionError(f"{event} is taken by an exchange that is over")
    exchange.close()
    exchange.close()
    assert (exchange.state, exchange.error, exchange.failure) == before, "closing changes one that is over"


def main() -> None:
    if not FUZZER:
        for path in sys.argv[1:]:
            test_one_input(Path(path).read_bytes())
            print(f"{path} holds")
        return
    with FUZZER.instrument_imports(include=["bento_proto", "h11"]):
        for seed in SEEDS:  # the core loads much when it first needs it
            test_one_input(seed)
    FUZZER.Setup(sys.argv, test_one_input)
    FUZZER.Fuzz()


if __name__ == "__main__":
    main()
