"""The exchange: its whole transition table, what its states mean, and the exceptions of error responses."""

from __future__ import annotations

import gzip
import itertools
import pickle
import zlib
from collections.abc import Callable, Sequence

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
    RemoteProtocolError,
    Request,
    ResultKind,
    ServiceUnavailable,
)
from bento_proto.exchange import TRANSITIONS, Decoder, Input, Reader, State
from bento_proto.http import Chunks, Origin, Received
from bento_proto.response import JSONStreamDecoder, RawDecoder, WholeDecoder

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
    assert {what for row in TRANSITIONS.values() for what in row} == {*EVENTS, Input.INVALID} == set(Input)
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


@pytest.mark.parametrize(("state", "what"), [pair for pair in PAIRS if pair[1] not in TRANSITIONS[pair[0]]])
def test_other_inputs_raise_and_change_nothing(state: State, what: Input) -> None:
    for path, event in itertools.product(PATHS[state], EVENTS[what]):
        unmoved = exchange(*path)
        before = contents(unmoved)
        with pytest.raises(LocalProtocolError, match=f"'{what.value}' is not allowed in state '{state.value}'"):
            unmoved.receive(event)
        assert contents(unmoved) == before


BREAKS: dict[State, list[list[Received]]] = {
    State.WAITING: [[Head(100)], [Head(199)], [Head(200, (("content-encoding", "br"),))], [Head(101)]],
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


def test_an_error_status_in_an_unknown_content_coding() -> None:
    refused = exchange(Head(503, (("content-encoding", "br"),)))
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


def test_the_end_of_a_chunk_delimits_a_number_only_if_it_is_given() -> None:
    told = exchange(Head(200))
    assert list(told.receive(Data(b"1", ends_chunk=True))) == [1]
    assert list(told.receive(Data(b"2"))) == []
    assert list(told.receive(Data(b"", ends_chunk=True))) == [2]


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
    ],
)
def test_the_message_of_an_html_page_is_its_title(page: str, message: str) -> None:
    refused = Exchange(REQUEST, items, Limits())
    for event in (Head(413, (("content-type", "Text/HTML; charset=utf-8"),)), Data(page.encode()), End()):
        refused.receive(event)
    assert refused.error is not None
    assert (str(refused.error), refused.error.detail) == (message, page)


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
