"""The values that core and adapters exchange."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bento_proto import ConnectionFailed, Data, End, FailureKind, Head, Limits, LocalProtocolError, Request, Timeout
from bento_proto.http import FilePart, Origin
from tests.recordings import load

ORIGIN = Origin("http", "h", 80)


@pytest.mark.parametrize(
    ("origin", "authority", "shown"),
    [
        (Origin("http", "h", 80), "h", "http://h"),
        (Origin("https", "h", 443), "h", "https://h"),
        (Origin("http", "h", 443), "h:443", "http://h:443"),
        (Origin("https", "h", 80), "h:80", "https://h:80"),
        (Origin("http", "::1", 8080), "[::1]:8080", "http://[::1]:8080"),
        (Origin("http", "::1", 80), "[::1]", "http://[::1]"),
        (Origin("http", "localhost", 80, "/run/s.sock"), "localhost", "unix:/run/s.sock"),
    ],
)
def test_origins(origin: Origin, authority: str, shown: str) -> None:
    assert (origin.authority, str(origin)) == (authority, shown)


def test_the_authority_is_the_recorded_host() -> None:
    for recording in load("calls"):
        host, _, port = dict(recording.request_headers)["host"].rpartition(":")
        if host and port.isdigit():
            assert Origin("http", host, int(port)).authority == f"{host}:{port}"


@pytest.mark.parametrize(
    ("body", "length", "replayable"),
    [
        ((), 0, True),
        ((b"ab", b"c"), 3, True),
        ((b"ab", FilePart("source", 5), b"c"), 8, True),
        ((b"ab", FilePart("source", None), b"c"), None, True),
        ((FilePart("source", 5, replayable=False),), 5, False),
        ((FilePart("source", 0), FilePart("source", None, replayable=False)), None, False),
    ],
)
def test_the_content_length_is_that_of_all_segments(
    body: tuple[bytes | FilePart, ...], length: int | None, replayable: bool
) -> None:
    request = Request("POST", ORIGIN, "/f", (), body)
    assert (request.content_length, request.replayable) == (length, replayable)


def test_the_repr_of_a_request_shows_no_credential() -> None:
    request = Request("POST", ORIGIN, "/f?q=1", (("authorization", "Bearer s3cret"),), (b"s3cret",))
    assert repr(request) == "<Request POST http://h/f?q=REDACTED>"


def test_fields_of_a_head_are_found_by_lower_case_name() -> None:
    head = Head(200, (("Content-Type", "a/b"), ("x", "1"), ("X", "2")))
    assert (head.get("content-type"), head.get("x"), head.get("nope")) == ("a/b", "1", None)
    assert (head.get_all("x"), head.get_all("nope")) == (["1", "2"], [])
    assert repr(head) == "<Head 200>"


def test_events_have_slots() -> None:
    assert (Data(b"x").data, Data(b"x").ends_chunk, Data(b"x", ends_chunk=True).ends_chunk) == (b"x", False, True)
    for value in (
        Data(b""),
        End(),
        Head(200),
        Request("GET", ORIGIN, "/"),
        ConnectionFailed(FailureKind.DISCONNECTED, ""),
    ):
        assert not hasattr(value, "__dict__")  # there are many of them


@pytest.mark.parametrize("loss", FailureKind)
@pytest.mark.parametrize("sent", [True, False])
def test_a_failure_before_sending_was_not_sent(loss: FailureKind, sent: bool) -> None:
    cause = OSError()
    lost = ConnectionFailed(loss, "reason", sent=sent, cause=cause)
    assert (lost.kind, lost.reason, lost.cause) == (loss, "reason", cause)
    assert lost.sent is (sent and loss not in (FailureKind.CONNECT, FailureKind.TLS, FailureKind.PROXY))


# --- timeouts


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (5, Timeout(5, 5, 5, 5)),
        (0, Timeout(0, 0, 0, 0)),
        (0.5, Timeout(0.5, 0.5, 0.5, 0.5)),
        (None, Timeout(None, None, None, None)),
        (Timeout(), Timeout(30, 30, 30, 30, None)),
        (Timeout(1, 2, 3, 4, 5), Timeout(1, 2, 3, 4, 5)),
        # Longer than any system can wait:
        (math.inf, Timeout(None, None, None, None)),
        (1e10, Timeout(None, None, None, None)),
        (Timeout(connect=math.inf, send=2, total=math.inf), Timeout(None, 2, 30, 30, None)),
    ],
)
def test_timeouts_of_numbers(value: Timeout | float | None, expected: Timeout) -> None:
    assert Timeout.of(value) == expected


@pytest.mark.parametrize("value", [-1, -0.001, math.nan, -math.inf, Timeout(total=-1), Timeout(receive=math.nan)])
def test_an_invalid_timeout_is_a_value_error(value: Timeout | float) -> None:
    with pytest.raises(ValueError, match="a timeout must be a number of seconds from 0 up, or None"):
        Timeout.of(value)


SECONDS = st.none() | st.floats(0, 1e6)


@settings(max_examples=100)
@given(st.builds(Timeout, SECONDS, SECONDS, SECONDS, SECONDS, SECONDS), SECONDS)
def test_no_timeout_is_longer_than_what_remains(timeout: Timeout, remaining: float | None) -> None:
    found = timeout.within(remaining)
    if remaining is None:
        assert found == timeout
    else:
        for wait in ("connect", "send", "receive", "pool", "total"):
            before, after = getattr(timeout, wait), getattr(found, wait)
            assert after == (remaining if before is None else min(before, remaining))


def test_within_infinity_nothing_changes() -> None:
    assert Timeout().within(math.inf) == Timeout()


@pytest.mark.parametrize(
    ("timeout", "elapsed", "left"),
    [
        (Timeout(receive=5), 100.0, Timeout(receive=5)),
        (Timeout(None, 2, 3, 40, 10), 4.0, Timeout(6, 2, 3, 6, 6)),
        (Timeout(total=10), 11.0, Timeout(0, 0, 0, 0, 0)),
    ],
)
def test_the_timeout_of_a_step_that_is_under_way(timeout: Timeout, elapsed: float, left: Timeout) -> None:
    assert timeout.after(elapsed) == left


def test_limits_are_positive() -> None:
    limits = [getattr(Limits(), limit) for limit in Limits.__match_args__]
    assert min(limit for limit in limits if limit is not None) > 0


def test_header_fields_may_be_of_a_class_of_another_librarys_own() -> None:
    class Name(str):
        """Text that ignores case, say."""

        __slots__ = ()

    [(name, value)] = Head(200, ((Name("X-Own"), Name("yes")),)).headers
    assert (type(name), type(value)) == (str, str)
    for wrong in ((("x",),), (("x", b"y"),), ("xy",), (("x", "y", "z"),)):
        with pytest.raises(LocalProtocolError, match="pairs of text"):
            Head(200, wrong)  # type: ignore[arg-type]
