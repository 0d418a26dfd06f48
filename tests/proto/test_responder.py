"""Exchanges that code of this process answers: how long there is to sleep, and what comes then."""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence

import pytest

from bento_proto import (
    CallTimeout,
    ConnectionFailed,
    ConnectionLost,
    Data,
    End,
    Exchange,
    FlowRunner,
    Head,
    Limits,
    LocalProtocolError,
    Progress,
    Request,
    Step,
    Timeout,
)
from bento_proto.http import Origin
from bento_proto.response._readers import stream_reader
from bento_proto.schema._service import Kind, Output
from bento_proto.testing import Event, Pause, Playback, Responder

HEAD = Head(200)


class Script:
    """A responder that plays the same events to everyone."""

    def __init__(self, *events: Event, speed: float = 1.0) -> None:
        self.speed = speed
        self.events = events
        self.asked: list[tuple[str, bytes]] = []
        self.is_closed = False

    def respond(self, request: Request, body: bytes) -> Generator[Event, None, None]:
        self.asked.append((request.target, body))
        try:
            yield from self.events
        finally:
            self.is_closed = True


def exchange() -> Exchange[object]:
    request = Request("POST", Origin("http", "h", 80), "/f")
    return Exchange(request, stream_reader(Output({"type": "string"}, Kind.TEXT, True), Limits()), Limits())


def playback(responder: Responder, timeout: Timeout | float | None = 30.0, delay: float = 0.0) -> Playback:
    return Playback(Step(exchange(), Timeout.of(timeout), delay), responder, b"body")


def played(playback: Playback) -> tuple[list[float], list[object]]:
    """What there was to sleep, and the items."""
    waits: list[float] = []
    items: list[object] = []
    while not playback.is_over:
        waits.append(playback.wait())
        items += playback.receive()
    return waits, items


def test_what_answers_is_told_by_what_it_can_do() -> None:
    assert isinstance(Script(), Responder)
    assert not isinstance(lambda scope, receive, send: None, Responder)


def test_pauses_add_up_until_something_comes() -> None:
    script = Script(HEAD, Pause(1), Pause(2), Data(b"a"), End())
    found = playback(script)
    assert played(found) == ([0.0, 3.0, 0.0], ["a"])
    assert found.exchange.error is None
    assert found.skipped == 0
    assert script.asked == [("/f", b"body")]


def test_the_delay_of_the_step_comes_first_and_is_no_wait_for_an_answer() -> None:
    found = playback(Script(Pause(1), HEAD, End()), timeout=2.0, delay=5.0)
    assert played(found) == ([6.0, 0.0], [])


@pytest.mark.parametrize(
    ("speed", "waits", "skipped"), [(2.0, [0.0, 5.0, 0.0], 5.0), (math.inf, [0.0, 0.0, 0.0], 10.0)]
)
def test_time_may_go_by_faster(speed: float, waits: Sequence[float], skipped: float) -> None:
    found = playback(Script(HEAD, Pause(10), Data(b"a"), End(), speed=speed))
    assert played(found)[0] == waits
    assert found.skipped == skipped


@pytest.mark.parametrize("speed", [1.0, 4.0, math.inf])
def test_timeouts_are_held_against_pauses_at_their_full_length(speed: float) -> None:
    found = playback(Script(HEAD, Pause(29), Data(b"a"), Pause(29), Pause(29), End(), speed=speed))
    waits, items = played(found)
    assert waits == [0.0, 29 / speed, 30 / speed]
    assert items == ["a"]
    assert isinstance(found.exchange.error, CallTimeout)
    assert isinstance(found.exchange.error.__cause__, TimeoutError)


def test_the_total_holds_for_all_pauses_together() -> None:
    found = playback(Script(Pause(3), HEAD, Pause(3), Data(b"a"), End()), timeout=Timeout(receive=5.0, total=5.0))
    assert played(found)[0] == [3.0, 2.0]
    assert isinstance(found.exchange.error, CallTimeout)


def test_a_stall_without_end_is_sat_out_at_any_speed() -> None:
    found = playback(Script(HEAD, Pause(math.inf), speed=math.inf), timeout=None)
    waits, _ = played(found)
    assert waits[0] == 0
    assert waits[1] > 1_000_000


def test_a_script_that_ends_too_early_is_a_lost_connection() -> None:
    found = playback(Script(HEAD, Data(b"a")))
    assert played(found)[1] == ["a"]
    assert isinstance(found.exchange.error, ConnectionLost)


def test_a_redirect_is_over_with_its_head() -> None:
    found = playback(Script(Head(307, (("location", "/g"),)), Data(b"moved"), End()))
    assert played(found) == ([0.0], [])
    assert found.exchange.error is None


def test_a_loss_is_one() -> None:
    from bento_proto import FailureKind

    found = playback(Script(ConnectionFailed(FailureKind.CONNECT, "refused")))
    played(found)
    assert type(found.exchange.error).__name__ == "ConnectError"


def test_nothing_comes_before_its_time() -> None:
    with pytest.raises(LocalProtocolError, match="wait\\(\\) was not called"):
        playback(Script(HEAD)).receive()


def test_closing_tells_the_responder() -> None:
    script = Script(HEAD, Data(b"a"), End())
    found = playback(script)
    found.wait()
    found.close()
    assert script.is_closed


def test_a_run_takes_skipped_time_for_gone() -> None:
    clock: list[float] = []

    def flow() -> Generator[Step, float, None]:
        for _ in range(2):
            step = Step(exchange(), Timeout())
            step.exchange.receive(HEAD)
            clock.append((yield step))

    run: FlowRunner[None] = FlowRunner(flow())
    run.resume(1.0)
    run.skip(5.0)
    run.skip(2.5)
    run.resume(2.0)
    assert clock == [1.0, 9.5]


def test_the_body_is_counted_as_sent() -> None:
    step = Step(exchange(), Timeout())
    told: list[Progress] = []
    step.exchange.measure(told.append)
    Playback(step, Script(HEAD, End()), b"body")
    assert told[-1].done == 4
    assert told[-1].kind == "upload"
    told.clear()
    Playback(step, Script(HEAD, End()), b"")
    assert told == []


def test_a_witness_is_told_each_event_first() -> None:
    found = playback(Script(HEAD, Data(b"a"), End()))
    told: list[tuple[str, str]] = []
    found.exchange.recorder = lambda event: told.append((type(event).__name__, found.exchange.state.value))
    played(found)
    assert told == [("Head", "waiting"), ("Data", "receiving"), ("End", "receiving")]
