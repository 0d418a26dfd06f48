"""The driver tier misused: every state of its machines, and everything that is wrong to do in it.

Each wrong call raises `LocalProtocolError` and changes nothing: the machine goes on like one that never met it. So each
case has two machines, one of which is misused, and compares what both do afterwards.
"""

from __future__ import annotations

import array
import asyncio
import io
import itertools
import math
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bento_proto import (
    BentoMLException,
    ConnectionFailed,
    ConnectionLost,
    Data,
    End,
    Exchange,
    FailureKind,
    Flow,
    FlowRunner,
    Head,
    Limits,
    LocalProtocolError,
    Progress,
    Request,
    RetryPolicy,
    ServiceUnavailable,
    Session,
    Step,
    Timeout,
)
from bento_proto.batch import BatchState
from bento_proto.exchange import Decoder, ResultKind, State
from bento_proto.http import Chunks, FilePart, Origin, Proxy, Received
from bento_proto.http._credentials import Credential
from bento_proto.http._url import parse_base_url
from bento_proto.http11 import HTTP11Exchange, SocksTunnel, Tunnel
from bento_proto.policy._authorization import Authorization
from bento_proto.policy._congestion import CongestionControl
from bento_proto.pool import ConnectionPool, PooledConnection
from bento_proto.request import Upload, bind
from bento_proto.response import JSONStreamDecoder, RawDecoder, WholeDecoder
from bento_proto.session import TransportExchange, TransportResponse
from bento_proto.testing import Playback, ServiceDouble

ORIGIN: Final = Origin("http", "h", 80)
REQUEST: Final = Request("POST", ORIGIN, "/f", (), (b"{}",))
LIMITS: Final = Limits(error=100)

Misuse = Callable[[Any], object]


class Text(str):
    __slots__ = ()


def released() -> memoryview:
    view = memoryview(b"abc")
    view.release()
    return view


NO_BYTES: Final[dict[str, object]] = {
    "None": None,
    "text": "abc",
    "a subclass of str": Text("abc"),
    "a number": 5,
    "True": True,
    "a list": [1, 2],
    "bytes in a list": [b"abc"],
    "an iterator": iter([b"abc"]),
    "an array": array.array("B", b"abc"),
    "a released view": released(),
    "the type": bytes,
    "a class": object(),
}
NO_SECONDS: Final[dict[str, object]] = {
    "None": None, "text": "1", "bytes": b"1", "NaN": math.nan, "infinity": math.inf, "too large": 10**400,
    "complex": 1j,
}  # fmt: skip
NO_SIZES: Final[dict[str, object]] = {"None": None, "text": "1", "0.5": 0.5, "-1": -1, "10**9": 10**9, "bytes": b"x"}


def same_after(
    make: Callable[[], Any],
    rest: Callable[[Any], object],
    misuse: Callable[[Any, Any], object],
    argument: object = None,
) -> None:
    """Check that a machine does the same after a wrong call as one that never met it."""
    misused, other = make(), make()
    for _ in range(2):
        with pytest.raises(LocalProtocolError):
            misuse(misused, argument)
    assert rest(misused) == rest(other)


def error_of(exchange: Exchange[Any]) -> object:
    return exchange.error and (type(exchange.error), str(exchange.error))


# --- an exchange, by messages


def items(head: Head) -> Decoder[object]:
    return JSONStreamDecoder(lambda item: item, 1000)


def value(head: Head) -> Decoder[object]:
    return WholeDecoder(bytes, 1000)


def file(head: Head) -> Decoder[object]:
    return RawDecoder(ResultKind.FILE)


def deferring(head: Head) -> Decoder[object]:
    decoder = WholeDecoder(len, 1 << 20)
    decoder.feed(b"x" * 300_000)  # large enough to be converted elsewhere
    return decoder


LENGTH: Final = (("content-length", "6"),)
EXCHANGES: Final[dict[str, tuple[Any, list[Received]]]] = {
    "new": (items, []),
    "items": (items, [Head(200), Data(b"[1")]),
    "items in an object": (items, [Head(200, LENGTH), Data(b"[1")]),
    "a value": (value, [Head(200), Data(b"[1")]),
    "a file": (file, [Head(200, LENGTH), Data(b"[1")]),
    "a file without a length": (file, [Head(200), Data(b"[1")]),
    "a file that is compressed": (file, [Head(200, (("content-encoding", "gzip"),))]),
    "to be converted": (deferring, [Head(200), Data(b"x"), End()]),
    "a refusal": (items, [Head(500), Data(b"no")]),
    "redirected": (items, [Head(302, (("location", "/"),))]),
    "done": (items, [Head(200), End()]),
    "failed": (items, [ConnectionFailed(FailureKind.TIMEOUT, "slow")]),
}


def in_state(name: str, *, is_closed: bool = False) -> Exchange[Any]:
    reader, events = EXCHANGES[name]
    made: Exchange[Any] = Exchange(REQUEST, reader, LIMITS)
    made.defers = True
    made.measure(None)
    for event in events:
        made.receive(event)
    if is_closed:
        made.close()
    return made


def goes_on(exchange: Exchange[Any]) -> object:
    """All that an exchange does from here on."""
    seen: list[object] = []
    for event in (Head(200), Data(b", 2]"), Data(b"["), End()):
        with suppress(LocalProtocolError):
            seen += map(bytes_or_object, exchange.receive(event))
        seen.append((exchange.state, exchange.wants_data, exchange.is_over, exchange.is_busy, error_of(exchange)))
    exchange.convert()
    exchange.close()
    assert exchange.download is not None
    result = exchange.result if exchange.state is State.DONE and exchange.result_kind is ResultKind.VALUE else None
    return seen, exchange.state, error_of(exchange), exchange.download.done, result, exchange.error_body


def bytes_or_object(item: object) -> object:
    return item.tobytes() if isinstance(item, memoryview) else item


EVENTS: Final[list[Received]] = [
    Head(200), Head(500), Head(307, (("location", "/"),)), Data(b""), Data(b"x"), Chunks([b"1"]), End(),
    ConnectionFailed(FailureKind.DISCONNECTED, "gone"),
]  # fmt: skip


@pytest.mark.parametrize("name", EXCHANGES)
@pytest.mark.parametrize("is_closed", [False, True])
def test_an_exchange_takes_no_wrong_data(name: str, is_closed: bool) -> None:
    make = partial(in_state, name, is_closed=is_closed)
    for kind, data in NO_BYTES.items():
        for event in (Data(data), Chunks([data]), Chunks(data), data)[: 2 if kind == "bytes in a list" else 4]:  # type: ignore[arg-type, list-item]
            same_after(make, goes_on, lambda machine, event: machine.receive(event), event)
    can_count = not is_closed and name in ("a file", "a file without a length")
    for size in NO_SIZES.values():
        if size != 10**9 or name != "a file without a length" or not can_count:
            same_after(make, goes_on, lambda machine, size: machine.count(size), size)
    if not can_count:
        same_after(make, goes_on, lambda machine, _: machine.count(1))
    if make().state is not State.DONE:
        same_after(make, goes_on, lambda machine, _: machine.result)
    if make().state is not State.WAITING:
        same_after(make, goes_on, lambda machine, _: HTTP11Exchange(machine))
        token = Credential(parse_base_url("http://h"), "token", {})
        same_after(make, goes_on, lambda machine, _: Authorization(machine, token).complete())


@pytest.mark.parametrize("name", EXCHANGES)
def test_an_exchange_that_was_closed_takes_nothing_and_has_told_so_once(name: str) -> None:
    for event in EVENTS:
        ended: list[str] = []
        exchange = in_state(name)
        was_over, state = exchange.is_over, exchange.state
        exchange.on_end = partial(ended.append, "end")
        for _ in range(3):
            exchange.close()
            state, error = exchange.state, exchange.error
            with pytest.raises(LocalProtocolError):
                exchange.receive(event)
            exchange.convert()
            assert (exchange.state, exchange.error, exchange.is_over, exchange.wants_data) == (
                state,
                error,
                True,
                False,
            )
        assert (state is State.CLOSED) is not was_over
        assert ended == ["end"]


@pytest.mark.parametrize("number", range(len(EVENTS)))
def test_the_end_is_told_once_whatever_happens(number: int) -> None:
    event = EVENTS[number]
    for name in EXCHANGES:
        ended: list[bool] = []
        exchange = in_state(name)

        def end(exchange: Exchange[Any] = exchange, ended: list[bool] = ended) -> None:
            ended.append(exchange.is_over)
            exchange.close()  # which does nothing
            with pytest.raises(LocalProtocolError):
                exchange.receive(End())

        exchange.on_end = end
        with suppress(LocalProtocolError):
            exchange.receive(event)
        assert ended == ([True] if exchange.is_over and not in_state(name).is_over else [])
        exchange.convert()
        exchange.close()
        assert ended == [True]


def test_a_result_to_be_converted_takes_nothing_else() -> None:
    for event in EVENTS:
        same_after(partial(in_state, "to be converted"), goes_on, lambda machine, event: machine.receive(event), event)
    exchange = in_state("to be converted")
    exchange.convert()
    assert exchange.result == 300_001


@pytest.mark.parametrize("kind", ["bytes", "bytearray", "memoryview", "wide view", "every other byte", "subclass"])
@pytest.mark.parametrize("reader", [value, file])
def test_every_buffer_of_bytes_is_the_same_body(kind: str, reader: Any) -> None:
    class Bytes(bytes):
        pass

    views: dict[str, Any] = {
        "bytes": b"abcd",
        "bytearray": bytearray(b"abcd"),
        "memoryview": memoryview(b"abcd"),
        "wide view": memoryview(b"abcd").cast("H"),
        "every other byte": memoryview(b"a-b-c-d-")[::2],
        "subclass": Bytes(b"abcd"),
    }
    whole: Exchange[Any] = Exchange(REQUEST, reader, LIMITS)
    whole.receive(Head(200, (("content-length", "4"),)))
    found = [bytes(item) for item in whole.receive(Data(views[kind]))]
    whole.receive(End())
    assert whole.state is State.DONE
    wired: Exchange[Any] = Exchange(REQUEST, reader, LIMITS)
    wire = HTTP11Exchange(wired)
    wire.data_to_send()
    wire.receive(bytearray(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n"))
    assert [bytes(item) for item in wire.receive(views[kind])] == found
    assert wire.is_reusable
    assert (whole.result if reader is value else b"".join(found)) == b"abcd"


def test_progress_that_raises_while_bytes_go_past_the_exchange_fails_it() -> None:
    def tell(progress: Progress) -> None:
        if progress.done:
            raise ZeroDivisionError

    exchange: Exchange[Any] = Exchange(REQUEST, file, LIMITS)
    exchange.measure(tell)
    exchange.receive(Head(200, (("content-length", "100000"),)))
    with pytest.raises(ZeroDivisionError):
        exchange.count(99_999)
    assert (exchange.state, exchange.is_over, exchange.wants_data) == (State.FAILED, True, False)
    assert str(exchange.error) == "a ZeroDivisionError was raised while an event was taken"


# --- an exchange, by bytes

HEAD: Final = b"HTTP/1.1 200 OK\r\n"
WIRES: Final[dict[str, bytes]] = {
    "new": b"",
    "a part of the head": HEAD,
    "a part of another head": b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nA: b\r\n c\r\n",
    "Content-Length": HEAD + b"content-length: 6\r\n\r\n[1",
    "chunks": HEAD + b"transfer-encoding: chunked\r\n\r\n2\r\n[1\r\n4",
    "chunks with extensions": HEAD + b"transfer-encoding: chunked\r\n\r\n2;a=b\r\n[1\r\n4",
    "until it closes": HEAD + b"\r\n[1",
    "redirected": b"HTTP/1.1 302 Found\r\nlocation: /\r\ncontent-length: 0\r\n\r\n",
    "done": HEAD + b"content-length: 2\r\n\r\n[]",
    "failed": b"SSH-2.0-OpenSSH\r\n",
    "refused": b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 6\r\n\r\nno",
}
TAILS: Final[dict[str, bytes]] = {
    "new": HEAD + b"content-length: 2\r\n\r\n[]",
    "a part of the head": b"content-length: 2\r\n\r\n[]",
    "a part of another head": b"content-length: 2\r\n\r\n[]",
    "chunks": b"\r\n, 2]\r\n0\r\n\r\n",
    "chunks with extensions": b"\r\n, 2]\r\n0\r\n\r\n",
}


def wire_of(name: str, reader: Any = items) -> HTTP11Exchange[Any]:
    wire: HTTP11Exchange[Any] = HTTP11Exchange(Exchange(REQUEST, reader, LIMITS))
    wire.data_to_send()
    if WIRES[name]:
        wire.receive(WIRES[name])
    return wire


def ends(name: str, wire: HTTP11Exchange[Any]) -> object:
    """All that a wire does from here on."""
    exchange = wire._exchange  # pyright: ignore[reportPrivateUsage] - to see that it is untouched
    found = [*map(bytes_or_object, wire.receive(TAILS.get(name, b", 2]"))), *wire.receive(b"")]
    return found, exchange.state, error_of(exchange), wire.is_over, wire.is_reusable, wire.wants_data, wire.max_read


@pytest.mark.parametrize("reader", [items, file])
@pytest.mark.parametrize("name", WIRES)
def test_a_wire_takes_no_wrong_data(name: str, reader: Any) -> None:
    make, rest = partial(wire_of, name, reader), partial(ends, name)
    for data in NO_BYTES.values():
        same_after(make, rest, lambda wire, data: wire.receive(data), data)
    for size in (*NO_SIZES.values(), 0):
        same_after(make, rest, lambda wire, size: wire.direct_read(size), size)
    same_after(make, rest, lambda wire, _: wire.data_to_send())
    same_after(make, rest, lambda wire, _: wire.segments())
    same_after(make, rest, lambda wire, _: wire.small_request())


CALLS: Final[dict[str, Misuse]] = {
    "receive": lambda wire: wire.receive(b"x"),
    "receive the end": lambda wire: wire.receive(b""),
    "failed": lambda wire: wire.failed(OSError()),
    "timed out": lambda wire: wire.timed_out("slow"),
    "connection lost": lambda wire: wire.connection_lost("gone"),
    "direct read": lambda wire: wire.direct_read(1),
    "send again": lambda wire: wire.data_to_send(),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("reader", [items, file])
@pytest.mark.parametrize("name", ["new", "Content-Length", "chunks", "chunks with extensions", "until it closes"])
def test_what_an_exchange_calls_can_call_nothing_of_its_wire(name: str, reader: Any, call: str) -> None:
    refused: list[str] = []

    def meddle(wire: HTTP11Exchange[Any], event: object) -> None:
        try:
            CALLS[call](wire)
        except LocalProtocolError:
            refused.append(call)

    wire, other = wire_of(name, reader), wire_of(name, reader)
    wire._exchange.recorder = partial(meddle, wire)  # pyright: ignore[reportPrivateUsage]
    other._exchange.recorder = lambda event: None  # pyright: ignore[reportPrivateUsage]
    assert ends(name, wire) == ends(name, other)
    assert set(refused) == {call}


@given(
    name=st.sampled_from(sorted(WIRES)),
    steps=st.lists(st.sampled_from(sorted(NO_BYTES)) | st.sampled_from(["segments", "direct"]), max_size=6),
    cuts=st.lists(st.integers(0, 80), max_size=6),
)
def test_any_misuse_between_any_pieces_changes_nothing(name: str, steps: list[str], cuts: list[int]) -> None:
    whole = WIRES[name] + TAILS.get(name, b", 2]")
    bounds = [0, *sorted(min(cut, len(whole)) for cut in cuts), len(whole)]
    seen: list[object] = []
    for misused in (True, False):
        wire: HTTP11Exchange[Any] = HTTP11Exchange(Exchange(REQUEST, items, LIMITS))
        wire.data_to_send()
        found: list[object] = []
        for number, (start, end) in enumerate(itertools.pairwise(bounds)):
            if misused and number < len(steps):
                with pytest.raises(LocalProtocolError):
                    wrong(wire, steps[number])
            if start < end:
                found += wire.receive(whole[start:end])
        seen.append((found, wire.is_over, wire.is_reusable, error_of(wire._exchange)))  # pyright: ignore[reportPrivateUsage]
    assert seen[0] == seen[1]


def wrong(wire: HTTP11Exchange[Any], step: str) -> None:
    if step == "segments":
        wire.segments()
    elif step == "direct":
        wire.direct_read(10**9)
    else:
        wire.receive(NO_BYTES[step])  # type: ignore[arg-type]


# --- tunnels

THERE: Final = Origin("https", "service.example", 443)
CONNECTED: Final = b"HTTP/1.1 200 OK\r\n\r\n"
SOCKS: Final = b"\5\0" + b"\5\0\0\1" + bytes(6)


def tunnel(kind: str, received: bytes) -> Tunnel | SocksTunnel:
    made: Tunnel | SocksTunnel
    if kind == "http":
        made = Tunnel(Proxy(Origin("http", "p", 3128)), THERE, LIMITS)
    else:
        made = SocksTunnel(Proxy(Origin("socks5", "p", 1080)), THERE)
    with suppress(BentoMLException, OSError):
        if received:
            made.receive(received)
    return made


@pytest.mark.parametrize(
    ("kind", "received", "rest", "is_over"),
    [
        ("http", b"", CONNECTED, False),
        ("http", CONNECTED[:9], CONNECTED[9:], False),
        ("http", CONNECTED, b"", True),
        ("http", b"HTTP/1.1 407 No\r\n\r\n", CONNECTED, True),
        ("http", b"nonsense\r\n\r\n", CONNECTED, True),
        ("socks", b"", SOCKS, False),
        ("socks", SOCKS[:7], SOCKS[7:], False),
        ("socks", SOCKS, b"", True),
        ("socks", b"\4\0", SOCKS, True),
        ("socks", b"\5\0\5\2" + bytes(8), SOCKS + SOCKS, True),
    ],
)
def test_a_tunnel_that_is_open_or_has_failed_takes_nothing(
    kind: str, received: bytes, rest: bytes, is_over: bool
) -> None:
    def after(machine: Tunnel | SocksTunnel) -> object:
        if not is_over:
            machine.receive(rest)
            assert machine.is_open
        return machine.is_open, repr(machine)

    make = partial(tunnel, kind, received)
    for data in NO_BYTES.values():
        same_after(make, after, lambda machine, data: machine.receive(data), data)
    if is_over:
        for data in (b"", b"x", rest):
            same_after(make, after, lambda machine, data: machine.receive(data), data)


# --- flows


def steps(count: int) -> Flow[list[float]]:
    times: list[float] = []
    for _ in range(count):
        exchange: Exchange[Any] = Exchange(REQUEST, items, LIMITS)
        for event in (Head(200), End()):
            exchange.receive(event)
        times.append((yield Step(exchange, Timeout())))
    return times


RUNS: Final[dict[str, Callable[[FlowRunner[Any]], object]]] = {
    "begun": lambda run: None,
    "resumed": lambda run: run.resume(1.0),
    "skipped": lambda run: run.skip(5),
}


def times(run: FlowRunner[Any]) -> object:
    now = 10.0
    while run.step is not None:
        run.resume(now := now + 1)
    return run.result


@pytest.mark.parametrize("state", RUNS)
def test_a_flow_takes_no_wrong_times(state: str) -> None:
    def make() -> FlowRunner[Any]:
        run = FlowRunner(steps(3))
        RUNS[state](run)
        return run

    for seconds in NO_SECONDS.values():
        same_after(make, times, lambda run, seconds: run.resume(seconds), seconds)
        same_after(make, times, lambda run, seconds: run.skip(seconds), seconds)
    same_after(make, times, lambda run, _: run.skip(-1))
    same_after(make, times, lambda run, _: run.result)
    same_after(make, times, lambda run, _: FlowRunner(run._flow))


@pytest.mark.parametrize("is_closed", [True, False])
def test_a_flow_that_is_over_takes_nothing(is_closed: bool) -> None:
    def make() -> FlowRunner[Any]:
        run = FlowRunner(steps(1))
        if is_closed:
            run.close()
        else:
            times(run)
        return run

    def after(run: FlowRunner[Any]) -> object:
        run.close()
        with suppress(LocalProtocolError):
            return run.step, run.result
        return None

    for now in (0.0, 10.0, math.nan, None):
        same_after(make, after, lambda run, now: run.resume(now), now)
    same_after(make, after, lambda run, _: FlowRunner(run._flow))


@pytest.mark.parametrize("given_", [None, 5, b"", [], iter([]), steps, asyncio.sleep, object])
def test_what_is_no_flow_is_not_run(given_: Any) -> None:
    with pytest.raises(LocalProtocolError, match="a flow is a generator, and no "):
        FlowRunner(given_)


# --- uploads

FILES: Final[dict[str, Any]] = {
    "name": "S",
    "type": "service",
    "routes": [
        {
            "name": "two",
            "route": "/two",
            "input": {"type": "object", "properties": {"a": {"type": "file"}, "b": {"type": "file"}}},
            "output": {"type": "string"},
        }
    ],
}


@pytest.mark.parametrize(
    "uploads",
    [
        [], [Upload(b"1")], [Upload(b"1")] * 3, [None, None], [b"1", b"2"], [Upload(b"1"), Upload("text")],  # type: ignore[arg-type]
        [Upload(None), Upload(b"")],  # type: ignore[arg-type]
    ],
)  # fmt: skip
def test_each_source_of_a_call_has_an_upload(uploads: Any) -> None:
    session = Session("http://h", environ={}, random=lambda: 0.5, schema=FILES)
    call = bind(session.endpoint("two"), (), {"a": io.BytesIO(b"1"), "b": io.BytesIO(b"2")})
    with pytest.raises(LocalProtocolError, match="the call has 2 sources"):
        FlowRunner(session.call(call, uploads, "b", session.options, 0))
    run = FlowRunner(session.call(call, [Upload(b"1"), Upload(FilePart("b", 1))], "b", session.options, 0))
    assert run.step is not None
    assert FilePart("b", 1) in run.step.exchange.request.body


# --- connections


class Waiter:
    pass


Pool = ConnectionPool[str, Waiter]
HELD: Final = Waiter()
WAITING: Final = Waiter()


def pool(waits: bool) -> tuple[Pool, PooledConnection[str]]:
    made: Pool = ConnectionPool(1, 1)
    place = made.acquire(HELD, 0)
    assert place is not None
    place.open("a", 0)
    if waits:
        assert made.acquire(WAITING, 0) is None
    return made, place


@pytest.mark.parametrize("reusable", [True, False])
@pytest.mark.parametrize("waits", [True, False])
def test_a_place_is_given_back_once_and_to_its_pool(waits: bool, reusable: bool) -> None:
    def after(given: tuple[Pool, PooledConnection[str]]) -> object:
        made, place = given
        first = made.release(place, 1, reusable=reusable)
        second = None if first is None else made.release(place, 2, reusable=True)
        with pytest.raises(LocalProtocolError, match="nobody holds"):
            made.release(place, 3, reusable=True)
        return first, second, made.in_use, made.idle, made.waiting, made.closing

    foreign = pool(False)[1]
    for place in (foreign, PooledConnection[str](), None):
        same_after(partial(pool, waits), after, lambda given, place: given[0].release(place, 1, reusable=True), place)


def test_who_waits_may_ask_again_and_keeps_its_turn() -> None:
    made, place = pool(True)
    other = Waiter()
    assert [made.acquire(waiter, 0) for waiter in (other, WAITING, other)] == [None, None, None]
    assert made.waiting == 2
    assert [made.release(place, 1, reusable=True) for _ in range(3)] == [WAITING, other, None]


# --- batches and the congestion control


class Control:
    """A control with calls under way, some of which are over."""

    def __init__(self, refused: bool) -> None:
        self.control = CongestionControl(lambda: 0.5)
        self.slots = [self.control.begin(self) for _ in range(4)]
        if refused:
            self.control.refuse(self.slots[0], 0)
        else:
            self.control.accept(self.slots[0])
        self.control.drop(self.slots[1])

    def rest(self) -> object:
        for slot in self.slots[:2] * 2:
            self.control.drop(slot)
        self.control.accept(self.slots[2])
        self.control.refuse(self.slots[3], 1)
        return (
            self.control.limit,
            self.control.accepted,
            self.control.outage(2),
            self.control.wait(self, 1),
            repr(self.control),
        )


@pytest.mark.parametrize("refused", [True, False])
def test_a_call_ends_once_and_where_it_began(refused: bool) -> None:
    foreign = CongestionControl(lambda: 0.5).begin(None)
    for which in (0, 1, None):

        def slot(made: Control, which: int | None = which) -> Any:
            return foreign if which is None else made.slots[which]

        same_after(partial(Control, refused), Control.rest, lambda made, slot: made.control.accept(slot(made)), slot)
        same_after(partial(Control, refused), Control.rest, lambda made, slot: made.control.refuse(slot(made), 1), slot)


def batch(concurrency: Any, ended: bool) -> BatchState:
    state = BatchState([], concurrency, retries=RetryPolicy(attempts=3), control=CongestionControl(lambda: 0.5))
    for number in range(4):
        state.start(number)
    for _ in range(3):
        assert state.due(0) is not None
    state.finish(0, "a", 1)
    state.drop(1)
    if ended:
        state.end()
    return state


@pytest.mark.parametrize("ended", [True, False])
@pytest.mark.parametrize("concurrency", [8, "auto"])
def test_a_call_of_a_batch_ends_once(concurrency: Any, ended: bool) -> None:
    def after(state: BatchState) -> object:
        found: list[object] = [state.progress, state.running, state.concurrency, state.due(1), state.wait(1)]
        for number in (2, 3):
            if number == 2 or found[3] is not None:
                state.finish(number, "b", 2)
        if not ended:
            state.end()
        outcome = state.take()
        return found, outcome and (outcome.number, outcome.result), state.take(), state.progress, state.is_idle

    make = partial(batch, concurrency, ended)
    for number in (0, 1, 3, 99, -1, None, "2"):
        same_after(make, after, lambda state, number: state.finish(number, "x", 1), number)
        same_after(make, after, lambda state, number: state.fail(number, ValueError(), 1), number)
        same_after(make, after, lambda state, number: state.fail(number, ServiceUnavailable("busy"), 1), number)
    for error in (None, "an error", ValueError, KeyboardInterrupt()):
        same_after(make, after, lambda state, error: state.fail(2, error, 1), error)
    if ended:
        same_after(make, after, lambda state, _: state.start(5))
        same_after(make, after, lambda state, _: state.end())
        same_after(make, after, lambda state, _: state.end(ValueError()))


def test_an_input_that_was_taken_while_an_error_ended_the_batch_is_not_called() -> None:
    state = BatchState([], 2)
    for number in range(2):
        state.start(number)
        state.due(0)
    state.fail(0, ValueError("no"))
    state.start("late")
    assert (state.due(0), state.wait(0), state.running) == (None, math.inf, 1)
    with pytest.raises(ValueError, match="no"):
        state.take()


# --- what stands in for a server, and a library that carries requests


def step() -> Step:
    return Step(Exchange(REQUEST, items, LIMITS), Timeout())


def test_a_playback_waits_and_receives_by_turns() -> None:
    double = ServiceDouble()

    @double.endpoint
    def f() -> int:
        return 1

    def make(waits: bool) -> Playback:
        played = Playback(step(), double, b"{}")
        if waits:
            played.wait()
        return played

    def after(played: Playback) -> object:
        found: list[object] = []
        while not played.is_over:
            with suppress(LocalProtocolError):
                played.wait()
            found += played.receive()
        return found, played.exchange.state, error_of(played.exchange)

    same_after(partial(make, True), after, lambda played, _: played.wait())
    same_after(partial(make, False), after, lambda played, _: played.receive())


@pytest.mark.parametrize("name", sorted(NO_BYTES.keys() - {"None"}))
def test_the_blocks_of_a_transport_are_bytes(name: str) -> None:
    block: Any = NO_BYTES[name]
    carried = step()
    wire = TransportExchange(carried)
    wire.request(iter(()))
    wire.respond(TransportResponse(200, (), [block]))
    with pytest.raises(TypeError, match="the blocks of a response are bytes, not "):
        wire.receive(block)
    assert wire.receive(b"[1]") == [1] or carried.exchange.error is None
    wire.close()
    assert isinstance(carried.exchange.error, ConnectionLost)
