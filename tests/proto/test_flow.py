"""Running flows step by step."""

from __future__ import annotations

import pytest

from bento_proto import (
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
    Request,
    Step,
    Timeout,
)
from bento_proto.exchange import Reader
from bento_proto.http import Origin, Received
from bento_proto.response import RawDecoder, WholeDecoder


def exchange(
    reader: Reader[bytes] = lambda head: WholeDecoder(bytes, 100),
) -> Exchange[bytes]:
    return Exchange(Request("GET", Origin("http", "h", 80), "/"), reader, Limits())


def count(*exchanges: Exchange[bytes]) -> Flow[list[float]]:
    """What the clock reads after each."""
    times: list[float] = []
    for number, each in enumerate(exchanges):
        times.append((yield Step(each, Timeout(), float(number))))
    return times


def next_in(run: FlowRunner[list[float]]) -> Exchange[object] | None:
    return run.step.exchange if run.step is not None else None


def carried_out() -> Exchange[bytes]:
    done = exchange()
    for event in (Head(200), Data(b"x"), End()):
        done.receive(event)
    return done


def test_a_step_shows_its_exchange() -> None:
    assert repr(Step(exchange(), Timeout())) == f"<Step {exchange()!r}>"


def test_a_flow_without_steps_is_over_at_once() -> None:
    run = FlowRunner(count())
    assert run.step is None
    assert run.result == []
    with pytest.raises(LocalProtocolError, match="is over"):
        run.resume(1.0)


def test_steps_come_one_by_one_and_times_are_sent() -> None:
    first, second = carried_out(), carried_out()
    run = FlowRunner(count(first, second))
    assert next_in(run) is first
    with pytest.raises(LocalProtocolError, match="not over"):
        _ = run.result
    assert run.resume(5.0) is run.step
    assert next_in(run) is second
    assert run.resume(7.0) is None
    assert next_in(run) is None
    assert run.result == [5.0, 7.0]


def test_none_is_a_result() -> None:
    def nothing() -> Flow[None]:
        yield Step(carried_out(), Timeout())

    run = FlowRunner(nothing())
    run.resume(0.0)
    assert run.result is None


HEAD = Head(200)


@pytest.mark.parametrize(
    "events",
    [[], [HEAD], [HEAD, Data(b"x")], [Head(500)], [Head(500), Data(b"x")]],
    ids=["nothing", "head", "body", "refusal", "refusal's body"],
)
def test_a_step_needs_its_exchange_carried_out(events: list[Received]) -> None:
    under_way = exchange()
    for event in events:
        under_way.receive(event)
    run = FlowRunner(count(under_way))
    step = run.step
    for _ in range(2):
        with pytest.raises(LocalProtocolError, match="not carried out"):
            run.resume(1.0)
        assert run.step is step
    under_way.receive(ConnectionFailed(FailureKind.DISCONNECTED, "gone"))
    run.resume(1.0)
    assert run.result == [1.0]


@pytest.mark.parametrize(
    "event",
    [HEAD, Head(302, (("location", "/"),)), ConnectionFailed(FailureKind.CONNECT, "no")],
    ids=["items", "redirect", "loss"],
)
def test_a_step_is_over_with_the_head_of_a_stream_or_a_redirect(event: Received) -> None:
    handed_over = exchange(lambda head: RawDecoder())
    handed_over.receive(event)
    run = FlowRunner(count(handed_over))
    run.resume(1.0)
    assert run.result == [1.0]


def test_a_failed_flow_has_no_result() -> None:
    def giving_up(steps: int) -> Flow[int]:
        for _ in range(steps):
            yield Step(carried_out(), Timeout())
        raise ConnectionLost("enough")

    with pytest.raises(ConnectionLost):
        FlowRunner(giving_up(0))
    run = FlowRunner(giving_up(1))
    with pytest.raises(ConnectionLost):
        run.resume(0.0)
    assert run.step is None
    with pytest.raises(LocalProtocolError, match="no result"):
        _ = run.result


def test_a_flow_can_be_closed() -> None:
    cleaned: list[str] = []

    def cleaning() -> Flow[int]:
        try:
            yield Step(exchange(), Timeout())
        finally:
            cleaned.append("up")
        return 1

    run = FlowRunner(cleaning())
    run.close()
    run.close()
    assert cleaned == ["up"]
    assert run.step is None
    with pytest.raises(LocalProtocolError, match="no result"):
        _ = run.result
    with pytest.raises(LocalProtocolError, match="is over"):
        run.resume(0.0)


def test_close_keeps_the_result() -> None:
    run = FlowRunner(count())
    run.close()
    assert run.result == []


def test_a_flow_runs_once() -> None:
    flow = count(exchange())
    run = FlowRunner(flow)
    with pytest.raises(LocalProtocolError, match="has begun before"):
        FlowRunner(flow)
    assert run.step is not None
    run.close()
    with pytest.raises(LocalProtocolError, match="has begun before"):
        FlowRunner(flow)


def test_a_step_whose_exchange_was_closed_does_not_resume_its_flow() -> None:
    closed = exchange()
    run = FlowRunner(count(closed))
    closed.close()
    with pytest.raises(LocalProtocolError, match="was closed"):
        run.resume(1.0)
    assert next_in(run) is closed


@pytest.mark.parametrize("now", [None, "1", b""])
def test_a_time_is_a_number(now: float) -> None:
    done = carried_out()
    run = FlowRunner(count(done))
    with pytest.raises(LocalProtocolError, match="a time is a number"):
        run.resume(now)
    assert next_in(run) is done
    run.resume(5)
    assert run.result == [5]


def test_a_flow_cannot_close_or_resume_itself() -> None:
    caught: list[str] = []

    def flow() -> Flow[int]:
        yield Step(carried_out(), Timeout())
        for call in (run.close, lambda: run.resume(2.0), lambda: FlowRunner(made)):
            with pytest.raises(LocalProtocolError) as error:
                call()
            caught.append(str(error.value))
        return 1

    made = flow()
    run = FlowRunner(made)
    run.resume(1.0)
    assert run.result == 1
    assert caught == ["the flow is running", "the flow is over", "the flow has begun before: make another one"]
