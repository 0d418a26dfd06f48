"""The exchange: its whole transition table, what its states mean, and the exceptions of error responses."""

from __future__ import annotations

import gzip
import itertools
import json
import pickle
import zlib
from collections.abc import Callable, Sequence
from functools import partial

import pytest

from bento_proto import (
    BentoMLException,
    CallTimeout,
    ConnectError,
    ConnectionFailed,
    ConnectionLost,
    Data,
    End,
    Exchange,
    FailureKind,
    Head,
    InternalServerError,
    InvalidArgument,
    LimitExceeded,
    Limits,
    LocalProtocolError,
    Progress,
    RemoteProtocolError,
    Request,
    ResultKind,
    ServiceUnavailable,
)
from bento_proto.exchange import TRANSITIONS, Decoder, Input, Reader, State
from bento_proto.http import Chunks, Origin, Received
from bento_proto.response import JSONStreamDecoder, RawDecoder, WholeDecoder
from bento_proto.response._readers import document_reader

REQUEST = Request("POST", Origin("http", "h", 80), "/add", (("authorization", "Bearer secret"),))
LIMITS = Limits(error=8)


def value(head: Head) -> Decoder[object]:
    return WholeDecoder(bytes, 8)


def items(head: Head) -> Decoder[object]:
    return JSONStreamDecoder(lambda item: item, 8)


def file(head: Head) -> Decoder[object]:
    return RawDecoder(ResultKind.FILE)


def exchange(*events: Received, reader: Reader[object] = items) -> Exchange[object]:
    made = Exchange(REQUEST, reader, LIMITS)
    for event in events:
        made.receive(event)
    return made


def contents(of: Exchange[object]) -> dict[str, object]:
    return {
        name: list(held) if isinstance(held := getattr(of, name), (list, bytearray)) else held for name in of.__slots__
    }


# --- the table

# How each state is come to, and an event for each input; there may be several.
PATHS: dict[State, list[list[Received]]] = {
    State.WAITING: [[]],
    State.RECEIVING: [[Head(200)], [Head(204), Data(b"1")]],
    State.RECEIVING_ERROR: [[Head(400)], [Head(599), Data(b"x")]],
    State.REDIRECTED: [[Head(307, (("location", "/"),))]],
    State.DONE: [[Head(200), End()], [Head(201), Data(b"1"), End()]],
    State.FAILED: [
        [ConnectionFailed(FailureKind.CONNECT, "x")],
        [Head(200), ConnectionFailed(FailureKind.DISCONNECTED, "x")],
        [Head(200), Data(b"?")],
        [Head(200), Data(b"["), End()],
        [Head(100)],
        [Head(404), End()],
        [Head(404), Data(b"x" * 9)],
    ],
    State.CLOSED: [],
}
EVENTS: dict[Input, list[Received]] = {
    Input.SUCCESS: [Head(200), Head(204), Head(304), Head(399)],
    Input.ERROR: [Head(301), Head(308), Head(400), Head(500), Head(999), Head(499, (("location", "/"),))],
    Input.REDIRECT: [Head(status, (("Location", "/"),)) for status in (301, 302, 303, 307, 308)],
    Input.DATA: [Data(b""), Data(b"[]"), Data(b"1", ends_chunk=True)],
    Input.END: [End()],
    Input.CONNECTION_FAILED: [ConnectionFailed(loss, "x") for loss in FailureKind],
}
PAIRS = list(itertools.product(State, EVENTS))


def test_the_table_covers_every_state_and_input() -> None:
    assert set(TRANSITIONS) == set(PATHS) == set(State)
    assert {what for row in TRANSITIONS.values() for what in row} == {*EVENTS, Input.INVALID, Input.CLOSE} == set(Input)
    assert {state for row in TRANSITIONS.values() for state in row.values()} == set(State) - {State.WAITING}
    for state, path in ((state, path) for state, paths in PATHS.items() for path in paths):
        assert exchange(*path).state is state
        assert exchange(*path).is_over is not bool(TRANSITIONS[state])


@pytest.mark.parametrize(("state", "what"), [pair for pair in PAIRS if pair[1] in TRANSITIONS[pair[0]]])
def test_allowed_inputs_lead_to_the_next_state(state: State, what: Input) -> None:
    for path, event in itertools.product(PATHS[state], EVENTS[what]):
        moved = exchange(*path)
        moved.receive(event)
        assert moved.state is TRANSITIONS[state][what]
        assert (moved.error is not None) == (moved.state is State.FAILED)
        assert (moved.failure is not None) == (what is Input.CONNECTION_FAILED)


def in_state(state: State) -> list[Exchange[object]]:
    """An exchange for each way into a state."""
    if state is not State.CLOSED:
        return [exchange(*path) for path in PATHS[state]]
    made = [exchange(*path) for before in BREAKS for path in PATHS[before]]
    for each in made:
        each.close()
    return made


@pytest.mark.parametrize(("state", "what"), [pair for pair in PAIRS if pair[1] not in TRANSITIONS[pair[0]]])
def test_other_inputs_raise_and_change_nothing(state: State, what: Input) -> None:
    for unmoved, event in itertools.product(in_state(state), EVENTS[what]):
        before = contents(unmoved)
        with pytest.raises(LocalProtocolError, match=f"'{what.value}' is not allowed in state '{state.value}'"):
            unmoved.receive(event)
        assert contents(unmoved) == before


BREAKS: dict[State, list[list[Received]]] = {
    State.WAITING: [[Head(100)], [Head(199)], [Head(200, (("content-encoding", "compress"),))], [Head(101)]],
    State.RECEIVING: [
        [Head(200), Data(b"?")],
        [Head(200), Data(b'"12345678"')],
        [Head(200), Data(b"["), End()],
        [Head(200), Data(b"01", ends_chunk=True)],
        [Head(200, (("content-encoding", "gzip"),)), Data(b"no gzip")],
        [Head(200, (("content-encoding", "gzip"),)), Data(gzip.compress(b"1")[:-1]), End()],
    ],
    State.RECEIVING_ERROR: [
        [Head(500), Data(b"12345678")],
        [Head(500, (("content-encoding", "gzip"),)), Data(b"no gzip")],
    ],
}


@pytest.mark.parametrize("state", BREAKS)
def test_undecodable_input_is_invalid(state: State) -> None:
    assert {state for state, row in TRANSITIONS.items() if Input.INVALID in row} == set(BREAKS)
    for path in BREAKS[state]:
        broken = exchange(*path[:-1])
        assert broken.state is state
        assert list(broken.receive(path[-1])) == []
        assert broken.state is TRANSITIONS[state][Input.INVALID]
        assert isinstance(broken.error, InternalServerError if state is State.RECEIVING_ERROR else RemoteProtocolError)
        assert broken.failure is None


# --- closing


@pytest.mark.parametrize("state", State)
def test_closing_ends_what_is_not_over_and_is_harmless_twice(state: State) -> None:
    for closed in in_state(state):
        before = contents(closed)
        told: list[str] = []
        if Input.CLOSE in TRANSITIONS[state]:
            closed.on_end = partial(told.append, "end")
        for _ in range(2):
            closed.close()
            assert closed.state is TRANSITIONS[state].get(Input.CLOSE, state)
            assert (closed.is_over, closed.wants_data) == (True, False)
        assert isinstance(closed.error, ConnectionLost) if told else closed.error is before["error"]
        assert told == (["end"] if Input.CLOSE in TRANSITIONS[state] else [])


# --- what is no event, and functions of the caller that raise or call back

NONSENSE: list[Callable[[], object]] = [
    lambda: None,
    lambda: b"",
    lambda: "HTTP/1.1 200 OK",
    lambda: 200,
    lambda: Head,
    lambda: End,
    object,
    lambda: State.DONE,
    lambda: exchange(),
    lambda: Data("text"),  # type: ignore[arg-type]
    lambda: Data(None),  # type: ignore[arg-type]
    lambda: Data([1]),  # type: ignore[arg-type]
    lambda: Chunks(None),  # type: ignore[arg-type]
    lambda: Chunks(5),  # type: ignore[arg-type]
    lambda: Chunks(["text"]),  # type: ignore[list-item]
    lambda: Chunks([b"1", None]),  # type: ignore[list-item]
    lambda: Head("200"),  # type: ignore[arg-type]
    lambda: Head(None),  # type: ignore[arg-type]
    lambda: Head(200, {}),  # type: ignore[arg-type]
    lambda: Head(200, {"te": "x"}),  # type: ignore[arg-type]
    lambda: Head(200, None),  # type: ignore[arg-type]
    lambda: Head(200, "ab"),  # type: ignore[arg-type]
    lambda: Head(200, ("ab",)),  # type: ignore[arg-type]
    lambda: Head(200, (("a",),)),  # type: ignore[arg-type]
    lambda: Head(200, (("a", 1),)),  # type: ignore[arg-type]
    lambda: Head(200, ((b"a", b"b"),)),  # type: ignore[arg-type]
    lambda: ConnectionFailed(None, "x"),  # type: ignore[arg-type]
    lambda: ConnectionFailed("timeout", "x"),  # type: ignore[arg-type]
]


@pytest.mark.parametrize("number", range(len(NONSENSE)))
@pytest.mark.parametrize("state", State)
def test_what_is_no_event_raises_and_changes_nothing(state: State, number: int) -> None:
    for unmoved in in_state(state):
        before = contents(unmoved)
        with pytest.raises(LocalProtocolError):
            unmoved.receive(NONSENSE[number]())  # type: ignore[arg-type]
        assert contents(unmoved) == before


def test_the_headers_of_other_libraries() -> None:
    fields = {"Content-Type": "text/plain", "x": "y"}
    assert Head(200, fields.items()).headers == tuple(fields.items())  # type: ignore[arg-type]
    assert Head(200, [["X", "y"]]).first == {"x": "y"}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("state", "what"), [pair for pair in PAIRS if pair[1] in TRANSITIONS[pair[0]]], ids=lambda value: value.value
)
def test_a_recorder_that_raises_changes_nothing(state: State, what: Input) -> None:
    for path, event in itertools.product(PATHS[state], EVENTS[what]):
        unmoved = exchange(*path)

        def again(event: Received, unmoved: Exchange[object] = unmoved) -> None:
            unmoved.receive(event)

        def close(event: Received, unmoved: Exchange[object] = unmoved) -> None:
            unmoved.close()

        def fail(event: Received) -> None:
            raise OSError("no space left")

        for recorder, cause in ((again, LocalProtocolError), (close, LocalProtocolError), (fail, OSError)):
            unmoved.recorder = recorder
            before = contents(unmoved)
            with pytest.raises(LocalProtocolError, match="the recorder raised a") as caught:
                unmoved.receive(event)
            assert isinstance(caught.value.__cause__, cause)
            assert contents(unmoved) == before
        unmoved.recorder = None
        unmoved.receive(event)
        assert unmoved.state is TRANSITIONS[state][what]


def test_a_function_of_the_caller_that_raises_ends_the_exchange() -> None:
    def explode(*_: object) -> Decoder[object]:
        raise ZeroDivisionError

    told: list[object] = []
    cases: list[tuple[list[Received], str]] = [
        ([Head(200)], "reader"),
        ([Head(200), Data(b"[1]")], "convert"),
        ([Head(200)], "progress"),
    ]
    for path, kind in cases:
        readers: dict[str, Reader[object]] = {
            "reader": explode,
            "convert": lambda head: JSONStreamDecoder[object](explode, 8),
            "progress": items,
        }
        broken = exchange(*path[:-1], reader=readers[kind])
        broken.on_end = lambda: told.append("end")
        if kind == "progress":
            broken.measure(explode)
        with pytest.raises(ZeroDivisionError):
            broken.receive(path[-1])
        assert (broken.state, broken.is_over, broken.wants_data) == (State.FAILED, True, False)
        assert str(broken.error) == "a ZeroDivisionError was raised while an event was taken"
        with pytest.raises(LocalProtocolError, match="not allowed in state 'failed'"):
            broken.receive(End())


def test_a_function_of_the_caller_cannot_call_back() -> None:
    caught: list[str] = []

    def convert(value: object) -> object:
        for call in (lambda: called.receive(Data(b"[2]")), called.close):
            with pytest.raises(LocalProtocolError) as error:
                call()
            caught.append(str(error.value))
        return value

    called = exchange(Head(200), reader=lambda head: JSONStreamDecoder(convert, 8))
    assert list(called.receive(Data(b"[1]"))) == [[1]]
    assert caught == ["the exchange is taking another event", "the exchange is taking an event"]
    assert called.state is State.RECEIVING


def test_a_body_may_come_in_other_types_of_bytes() -> None:
    for kind in (bytearray, memoryview):
        buffer = bytearray(b"abc")
        kept = exchange(Head(200), Data(kind(buffer)), reader=value)  # type: ignore[arg-type]
        buffer[:] = b"xyz"
        kept.receive(End())
        assert kept.result == b"abc"
        handed_on = exchange(Head(200), reader=file)
        (item,) = handed_on.receive(Data(memoryview(b"abc")))  # type: ignore[arg-type]
        assert isinstance(item, memoryview)


# --- Content-Length


@pytest.mark.parametrize("status", [200, 500])
@pytest.mark.parametrize("size", [1, 2, 100])
def test_a_body_has_the_length_that_its_head_says(status: int, size: int) -> None:
    def outcome(body: bytes, length: str) -> tuple[list[object], State, str]:
        made = Exchange(REQUEST, lambda head: RawDecoder(), LIMITS)
        made.receive(Head(status, (("Content-Length", length),)))
        found: list[object] = []
        for at in range(0, len(body), size):
            if not made.is_over:
                found += made.receive(Data(body[at : at + size]))
        if not made.is_over:
            found += made.receive(End())
        return [b"".join(found)], made.state, str(made.error)  # type: ignore[arg-type]

    whole, state = [b"abc"], State.DONE
    short, long = (
        "the response ended 1 bytes before its Content-Length",
        "the response is longer than its Content-Length",
    )
    if status == 500:
        whole, state, short, long, fine = [b""], State.FAILED, "abc", "abc", "abc"
    else:
        fine = "None"
    assert outcome(b"abc", "3") == (whole, state, fine)
    assert outcome(b"abc", "4") == (whole, State.FAILED, short)
    assert outcome(b"abcd", "3") == (whole, State.FAILED, long)
    assert outcome(b"abc", "03x") == (whole, state, fine)  # such a head an adapter refuses


@pytest.mark.parametrize("digits", [21, 5000])
@pytest.mark.parametrize(("status", "error"), [(200, RemoteProtocolError), (500, InternalServerError)])
def test_a_length_of_more_digits_than_any_has_is_an_error(
    status: int, error: type[BentoMLException], digits: int
) -> None:
    made = exchange(Head(status, (("content-length", "9" * digits),)))
    assert type(made.error) is error
    assert status == 500 or str(made.error) == f"the Content-Length of the response has {digits} digits"
    assert isinstance(exchange(Head(200, (("content-length", "9" * 20),)), End()).error, ConnectionLost)


def test_a_body_that_is_too_short_is_a_lost_connection() -> None:
    cut = exchange(Head(200, (("content-length", "5"),)), Data(b"[1]"), End())
    assert isinstance(cut.error, ConnectionLost)
    assert cut.error.sent is True
    assert cut.failure is not None
    assert (cut.failure.kind, cut.result_kind) == (FailureKind.DISCONNECTED, ResultKind.ITEMS)


@pytest.mark.parametrize(
    ("method", "status", "fields"),
    [
        ("HEAD", 200, ()),
        ("CONNECT", 200, ()),
        ("POST", 204, ()),
        ("POST", 304, ()),
        ("POST", 200, (("transfer-encoding", "chunked"),)),
    ],
)
def test_a_content_length_that_says_nothing_of_the_body(
    method: str, status: int, fields: tuple[tuple[str, str], ...]
) -> None:
    made = Exchange(Request(method, REQUEST.origin, "/"), items, LIMITS)
    made.receive(Head(status, (("content-length", "5"), *fields)))
    made.receive(End())
    assert made.state is State.DONE


def test_bytes_of_a_file_that_go_past_the_exchange_count() -> None:
    made = exchange(Head(200, (("content-length", "5"),)), reader=file)
    made.receive(Data(b"a"))
    for size in (5, -1):
        with pytest.raises(LocalProtocolError):
            made.count(size)
    made.count(3)
    made.receive(Data(b"b"))
    made.receive(End())
    assert made.state is State.DONE
    with pytest.raises(LocalProtocolError, match="not allowed in state 'done'"):
        made.count(1)
    for other in (exchange(Head(200)), exchange(reader=file)):
        with pytest.raises(LocalProtocolError):
            other.count(1)
    endless = exchange(Head(200), reader=file)
    endless.measure(None)
    endless.count(1_000_000)
    assert endless.download is not None
    assert endless.download.done == 1_000_000


def test_an_error_status_in_an_unknown_content_coding() -> None:
    refused = exchange(Head(503, (("content-encoding", "compress"),)))
    assert refused.state is State.FAILED
    assert isinstance(refused.error, ServiceUnavailable)


# --- what the adapter is told


@pytest.mark.parametrize(
    ("path", "reader", "wants_data", "is_streaming"),
    [
        ([], value, True, False),
        ([Head(200)], value, True, False),
        ([Head(200), Data(b"1")], value, True, False),
        ([Head(200), End()], value, False, False),
        ([Head(200)], items, False, True),
        ([Head(200)], file, False, True),
        ([Head(200), End()], items, False, True),
        ([Head(200), ConnectionFailed(FailureKind.DISCONNECTED, "x")], items, False, True),
        ([Head(500)], items, True, False),
        ([Head(500), Data(b"x")], value, True, False),
        ([Head(500), End()], value, False, False),
        ([Head(303, (("location", "/"),))], value, False, False),
        ([ConnectionFailed(FailureKind.DISCONNECTED, "x")], items, False, False),
    ],
)
def test_wants_data_and_is_streaming(
    path: list[Received], reader: Reader[object], wants_data: bool, is_streaming: bool
) -> None:
    told = exchange(*path, reader=reader)
    assert (told.wants_data, told.is_streaming) == (wants_data, is_streaming)


@pytest.mark.parametrize(
    ("path", "is_refused"),
    [
        ([], False),
        ([Head(404)], False),
        ([Head(404), End()], True),
        ([Head(599), ConnectionFailed(FailureKind.DISCONNECTED, "x")], True),
        ([Head(301), End()], True),
        ([Head(307, (("location", "/"),))], False),
        ([Head(200), End()], False),
        ([Head(200), Data(b"?")], False),
        ([Head(100)], False),
        ([Head(204, (("content-encoding", "compress"),))], False),
        ([ConnectionFailed(FailureKind.TIMEOUT, "x")], False),
    ],
)
def test_a_refusal_is_an_error_status(path: list[Received], is_refused: bool) -> None:
    assert exchange(*path).is_refused is is_refused


def test_what_separates_compressed_items_is_not_held() -> None:
    packed = gzip.compress(b" " * 400_000 + b"1 " + b"\n" * 400_000 + b"2")
    found = exchange(Head(200, (("content-encoding", "gzip"),)))
    assert [*found.receive(Data(packed)), *found.receive(End())] == [1, 2]
    assert found.error is None


def test_a_value_is_available_when_it_is_complete() -> None:
    kept = exchange(reader=value)
    for event in (Head(200), Data(b"ab"), Data(b"c"), End()):
        with pytest.raises(LocalProtocolError, match="no result"):
            _ = kept.result
        assert kept.receive(event) == ()
    assert kept.result == b"abc"


def test_items_are_returned_and_not_kept() -> None:
    given_out = exchange(Head(200))
    assert list(given_out.receive(Data(b"[1][2]3"))) == [[1], [2]]
    assert list(given_out.receive(End())) == [3]
    with pytest.raises(LocalProtocolError, match="no result"):
        _ = given_out.result


def test_an_invalid_value_has_no_result() -> None:
    broken = exchange(Head(200), Data(b"123456789"), reader=value)
    assert isinstance(broken.error, LimitExceeded)
    with pytest.raises(LocalProtocolError, match="no result"):
        _ = broken.result


def large(parse: Callable[[object], object]) -> Reader[object]:
    def of_bytes(data: bytes) -> object:
        return parse(json.loads(data))

    return lambda head: WholeDecoder(of_bytes, 1 << 20, lambda document: parse(document.value()))


DOCUMENT = json.dumps([*range(60_000)]).encode()
LARGE: list[Received] = [Head(200), Data(DOCUMENT), End()]


def test_an_adapter_may_convert_a_large_result_elsewhere() -> None:
    told: list[Progress] = []
    made = Exchange(REQUEST, large(repr), LIMITS)
    made.defers = True
    made.measure(told.append)
    for event in LARGE:
        made.receive(event)
    assert (made.awaits_conversion, made.wants_data, made.is_over, made.state) == (True, False, False, State.RECEIVING)
    assert told[-1].done == told[-1].total == len(DOCUMENT)
    reports = len(told)
    with pytest.raises(LocalProtocolError, match="no result"):
        _ = made.result
    made.convert()
    made.convert()
    assert (made.awaits_conversion, made.is_over, made.state) == (False, True, State.DONE)
    assert (made.result == repr([*range(60_000)]), made.error, len(told)) == (True, None, reports)


def test_so_may_it_convert_what_is_no_document() -> None:
    made = Exchange(REQUEST, lambda head: WholeDecoder(len, 1 << 20), LIMITS)
    made.defers = True
    events: list[Received] = [Head(200), Data(b"x" * 300_000), Data(b"y"), End()]
    for event in events:
        made.receive(event)
    assert made.awaits_conversion
    made.convert()
    assert made.result == 300_001


def test_the_conversion_of_a_large_result_may_fail() -> None:
    def refuse(value: object) -> object:
        raise RemoteProtocolError("it does not fit")

    at_once, later = exchange(*LARGE, reader=large(refuse)), Exchange(REQUEST, large(refuse), LIMITS)
    later.defers = True
    for event in LARGE:
        later.receive(event)
    later.convert()
    assert str(later.error) == str(at_once.error) == "it does not fit"
    assert at_once.state is later.state is State.FAILED


def test_a_conversion_that_is_not_wanted_any_more() -> None:
    made = Exchange(REQUEST, large(repr), LIMITS)
    made.defers = True
    for event in LARGE:
        made.receive(event)
    made.close()
    made.convert()
    assert (made.state, made.awaits_conversion) == (State.CLOSED, False)


def test_a_small_result_is_converted_with_its_last_event() -> None:
    made = Exchange(REQUEST, large(repr), LIMITS)
    made.defers = True
    events: list[Received] = [Head(200), Data(b"[1]"), End()]
    for event in events:
        made.receive(event)
    assert (made.awaits_conversion, made.result) == (False, "[1]")


def test_the_end_of_a_chunk_delimits_a_number_only_if_it_is_given() -> None:
    told = exchange(Head(200))
    assert list(told.receive(Data(b"1", ends_chunk=True))) == [1]
    assert list(told.receive(Data(b"2"))) == []
    assert list(told.receive(Data(b"", ends_chunk=True))) == [2]


def test_what_has_one_deadline_for_all_of_it() -> None:
    """Not the body of a result: its parts may come one by one, as a model makes them."""
    assert exchange(reader=value).has_one_deadline
    assert exchange(Head(500), reader=value).has_one_deadline
    assert exchange(Head(200), reader=document_reader(bytes, 8)).has_one_deadline
    assert not exchange(Head(200), reader=value).has_one_deadline
    assert not exchange(Head(200)).has_one_deadline


def test_a_compressed_body_in_any_pieces() -> None:
    head = Head(200, (("content-encoding", "gzip"),))
    body = gzip.compress(b"[1] [2] 3")
    assert exchange(head).is_compressed
    assert not exchange(Head(200)).is_compressed
    for size in (1, 5, 100):
        inflating = exchange(head)
        found: list[object] = []
        for at in range(0, len(body), size):
            found += inflating.receive(Data(body[at : at + size]))
        assert [*found, *inflating.receive(End())] == [[1], [2], 3]
        assert inflating.state is State.DONE


def test_no_repr_shows_a_credential() -> None:
    shown = f"{exchange()!r} {exchange().request!r} {exchange(Head(401, REQUEST.headers)).head!r}"
    assert shown == "<Exchange POST /add: waiting> <Request POST http://h/add> <Head 401>"


# --- what losses and refusals become


@pytest.mark.parametrize(
    ("loss", "kind", "sent"),
    [
        (FailureKind.CONNECT, ConnectError, False),
        (FailureKind.TLS, ConnectError, False),
        (FailureKind.PROXY, ConnectError, False),
        (FailureKind.IDLE_CLOSED, ConnectionLost, True),
        (FailureKind.DISCONNECTED, ConnectionLost, True),
        (FailureKind.TIMEOUT, CallTimeout, True),
        (FailureKind.PROTOCOL, RemoteProtocolError, None),
    ],
)
@pytest.mark.parametrize("path", [[], [Head(200)]], ids=["waiting", "open"])
def test_the_exception_of_each_failure_kind(
    loss: FailureKind, kind: type[BentoMLException], sent: bool | None, path: Sequence[Received]
) -> None:
    cause = OSError("the cause")
    event = ConnectionFailed(loss, "the reason", cause=cause)
    lost = exchange(*path, event)
    assert type(lost.error) is kind
    assert lost.error.message == "the reason"
    assert lost.error.__cause__ is cause
    assert getattr(lost.error, "sent", None) is sent
    assert lost.failure is event
    assert event.sent == (loss not in (FailureKind.CONNECT, FailureKind.TLS, FailureKind.PROXY))


@pytest.mark.parametrize("loss", [FailureKind.TIMEOUT, FailureKind.DISCONNECTED])
def test_sent_is_that_of_the_failure(loss: FailureKind) -> None:
    error = exchange(ConnectionFailed(loss, "no place in the pool", sent=False)).error
    assert isinstance(error, (CallTimeout, ConnectionLost))
    assert error.sent is False


ENDS: list[Callable[[], Received]] = [
    End,
    lambda: ConnectionFailed(FailureKind.DISCONNECTED, "x"),
    lambda: ConnectionFailed(FailureKind.TIMEOUT, "x"),
]


@pytest.mark.parametrize("end", ENDS, ids=["whole", "cut", "timeout"])
def test_an_error_response_whose_body_is_cut_off_is_one(end: Callable[[], Received]) -> None:
    head = Head(400, (("X-BentoML-Request-ID", "0123"), ("x", "y")))
    refused = Exchange(REQUEST, items, Limits())
    for event in (head, Data(b'[{"error":'), Data(b'"no"}]'), end()):
        refused.receive(event)
    error = refused.error
    assert type(error) is InvalidArgument
    assert (error.message, error.detail, error.error_code, error.request_id) == ("no", None, 400, "0123")
    assert error.headers["X"] == "y"
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), str(copy), copy.error_code, copy.request_id) == (InvalidArgument, "no", 400, "0123")


@pytest.mark.parametrize(
    ("page", "message"),
    [
        ("<html>\r\n<head><title>413 Request Too Large</title></head>\r\n...", "413 Request Too Large"),
        ("<HTML><TITLE lang=en>\n Bad\n gateway &amp; co </TITLE>", "Bad gateway & co (status 413)"),
        ("<title>" + "x" * 1000 + "</title>", "x" * 200 + " (status 413)"),
        ("<title>\x1b]0;x\x07</title>", "\\x1b]0;x\\x07 (status 413)"),
        ("<title></title>", "the server responded with status 413"),
        ("<title" * 2_000, "the server responded with status 413"),
        ("<p>no title</p>", "the server responded with status 413"),
        ("<html><body><h1>413 Too large</h1>\nToo much.\n</body></html>", "413 Too large"),
        ("<html><title> </title><h1 class=x>Too large</h1>", "Too large (status 413)"),
    ],
)
def test_the_message_of_an_html_page_is_its_title(page: str, message: str) -> None:
    refused = Exchange(REQUEST, items, Limits())
    for event in (Head(413, (("content-type", "Text/HTML; charset=utf-8"),)), Data(page.encode()), End()):
        refused.receive(event)
    assert refused.error is not None
    assert (str(refused.error), refused.error.detail) == (message, page)


@pytest.mark.parametrize("content_type", [None, "text/plain", "application/xhtml+xml", "text/html"])
@pytest.mark.parametrize(
    "start", ["<html>", "\n<!DOCTYPE html>\n<html>", "<!doctype HTML PUBLIC 'x'>", "<?xml version='1.0'?>"]
)
def test_an_html_page_is_one_whatever_its_type(content_type: str | None, start: str) -> None:
    fields = () if content_type is None else (("content-type", content_type),)
    page = f"{start}<title>502 Bad Gateway</title>"
    refused = Exchange(REQUEST, items, Limits())
    for event in (Head(502, fields), Data(page.encode()), End()):
        refused.receive(event)
    error = refused.error
    assert error is not None
    assert (str(error), error.detail) == ("502 Bad Gateway", page.strip())


@pytest.mark.parametrize("text", ["<htmlx><title>a</title>", "no <html><title>a</title>", "<b>"])
def test_other_text_is_no_html_page(text: str) -> None:
    refused = Exchange(REQUEST, items, Limits())
    for event in (Head(502, ()), Data(text.encode()), End()):
        refused.receive(event)
    error = refused.error
    assert error is not None
    assert (str(error), error.detail) == (text, None)


def test_an_empty_html_page_has_no_detail() -> None:
    error = exchange(Head(502, (("content-type", "text/html"),)), End()).error
    assert error is not None
    assert (str(error), error.detail) == ("the server responded with status 502", None)


def test_the_beginning_of_a_long_error_body_is_kept() -> None:
    for size in (1, 3, 100):
        refused = exchange(Head(500))
        body = b"no, never, not at all"
        for at in range(0, len(body), size):
            if refused.wants_data:
                refused.receive(Data(body[at : at + size]))
        assert refused.error is not None
        assert refused.error.message == "no, neve"


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("status", [200, 400])
def test_chunks_together_equal_chunks_one_by_one(status: int, compressed: bool) -> None:
    numbers = zlib.compress(b"1234") if compressed else b"1234"
    pieces = [numbers[:1], numbers[1:2], numbers[2:]]
    coding = (("content-encoding", "deflate"),) if compressed else ()

    def outcome(*events: Received) -> tuple[object, ...]:
        made = exchange(Head(status, coding))
        found = [item for event in (*events, End()) for item in made.receive(event)]
        return found, made.state, str(made.error)

    together = outcome(Chunks(pieces))
    assert together == outcome(*(Data(piece, True) for piece in pieces))
    assert compressed or status != 200 or together[0] == [1, 2, 34]
