"""Hooks: their events and order, the headers that they add, and that they see no credentials."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

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
    Hooks,
    InternalServerError,
    Limits,
    Request,
    Response,
    RetryPolicy,
    Timeout,
)
from bento_proto.http import FilePart, Origin
from bento_proto.http._cookies import Cookies
from bento_proto.observe import EndEvent, RequestEvent, ResponseEvent, RetryEvent
from bento_proto.policy._attempts import CallContext, send_request
from bento_proto.policy._retry import RetryBudget
from bento_proto.response._readers import event_reader, whole_reader
from bento_proto.session import Options

from .play import Forever, lost, moved, play, reply

HERE = Origin("http", "service", 3000)
SECRETS = (
    ("authorization", "Bearer s3cr3t"),
    ("cookie", "session=s3cr3t"),
    ("x-api-key", "s3cr3t"),
    ("x-acme", "s3cr3t"),
    ("proxy-authorization", "Basic s3cr3t"),
)
POST = Request("POST", HERE, "/f", (("content-type", "application/json"), *SECRETS), (b"{}",))
OK = reply(200, b"7", {"x-bentoml-request-id": "42"})
EVENTS = event_reader(Limits())

Told: TypeAlias = "RequestEvent | ResponseEvent | RetryEvent | EndEvent"


class Notes:
    """Keeps what it is told, in order."""

    def __init__(self, headers: Mapping[str, str] | None = None) -> None:
        self.told: list[Told] = []
        self.headers = headers

    def request(self, event: RequestEvent) -> Mapping[str, str] | None:
        self.told.append(event)
        return self.headers

    @property
    def hooks(self) -> Hooks:
        return Hooks(self.request, self.told.append, self.told.append, self.told.append)

    @property
    def lines(self) -> list[str]:
        return [line(event) for event in self.told]

    @property
    def ends(self) -> list[EndEvent]:
        return [event for event in self.told if isinstance(event, EndEvent)]


def line(event: Told) -> str:
    if isinstance(event, RequestEvent):
        return f"{event.attempt} {event.method} {event.url} +{event.delay:g}"
    if isinstance(event, ResponseEvent):
        return f"{event.request.attempt} {event.status_code} in {event.seconds:g}{'' if event.complete else '...'}"
    if isinstance(event, RetryEvent):
        return f"{event.request.attempt} again after {event.wait:g}: {event.reason}"
    return f"{event.request.attempt} over{' early' if event.abandoned else ''}: {event.error}, {event.received} bytes"


def context(*hooks: Hooks, renew: Request | None = None, total: float | None = None) -> CallContext:
    policy, budget = RetryPolicy(idempotent=True), RetryBudget()
    timeout = Timeout(total=total)
    return CallContext(
        timeout, policy, Limits(redirects=3), Cookies(), budget, lambda: 0.0, lambda request: renew, hooks
    )


def flow(request: Request, *hooks: Hooks) -> Flow[Exchange[bytes]]:
    return send_request(request, whole_reader(bytes, 100), context(*hooks), 100.0)


# --- what they are told


def test_the_events_of_a_call() -> None:
    notes = Notes()
    play(flow(POST, notes.hooks), OK.after(0.5), now=100.0)
    assert notes.lines == ["1 POST http://service:3000/f +0", "1 200 in 0.5", "1 over: None, 1 bytes"]
    request, response, end = notes.told
    assert isinstance(request, RequestEvent)
    assert isinstance(response, ResponseEvent)
    assert isinstance(end, EndEvent)
    assert repr(request) == "<RequestEvent POST http://service:3000/f, attempt 1>"
    assert (request.origin, request.size) == (HERE, 2)
    assert response.request is request
    assert response.request_id == "42"
    assert end.request is request
    assert end.response is response
    assert end.seconds == 0.5


def test_text_of_the_server_is_one_printable_line() -> None:
    notes = Notes()
    said = "busy\n  POST http://forged 200\r\n\x1b[2J\x9b\x00"
    refused = reply(503, said, {"x-bentoml-request-id": "4\x1b2"})
    error = play(flow(POST, notes.hooks), Forever(refused)).error
    shown = r"ServiceUnavailable: busy POST http://forged 200 \x1b[2J\x9b\x00"
    assert error is not None
    assert error.message == said
    assert error.attempts == (shown,) * 3
    assert {event.reason for event in notes.told if isinstance(event, RetryEvent)} == {shown}
    assert {event.error for event in notes.ends} == {shown}
    assert {event.request_id for event in notes.told if isinstance(event, ResponseEvent)} == {r"4\x1b2"}


def test_each_attempt_has_events() -> None:
    notes = Notes()
    script = [lost(FailureKind.CONNECT, "no route"), reply(503, "busy", {"retry-after": "5"}), OK]
    play(flow(POST, notes.hooks), *[answer.after(1) for answer in script], now=100.0)
    assert notes.lines == [
        "1 POST http://service:3000/f +0",
        "1 over: ConnectError: no route, 0 bytes",
        "1 again after 0.25: ConnectError: no route",
        "2 POST http://service:3000/f +0.25",
        "2 503 in 1",
        "2 over: ServiceUnavailable: busy, 4 bytes",
        "2 again after 5: ServiceUnavailable: busy",
        "3 POST http://service:3000/f +5",
        "3 200 in 1",
        "3 over: None, 1 bytes",
    ]


def test_a_closed_connection_and_an_old_token_are_retries_at_once() -> None:
    notes = Notes()
    given = context(notes.hooks, renew=POST)
    play(
        send_request(POST, whole_reader(bytes, 9), given, 0.0),
        lost(FailureKind.IDLE_CLOSED, "closed", sent=False),
        reply(401, "old"),
        OK,
    )
    assert [text for text in notes.lines if "again" in text] == [
        "1 again after 0: ConnectionLost: closed",
        "2 again after 0: Unauthorized: old",
    ]


def test_all_attempts_have_the_idempotency_key_of_the_first() -> None:
    keys = iter(({"Idempotency-Key": "one", "x": "1"}, {"Idempotency-Key": "two", "x": "2"}, {}))
    hooks = Hooks(request=lambda event: next(keys))
    policy = RetryPolicy(attempts=5)
    given = context(hooks).replace(retries=policy)
    played = play(send_request(POST, whole_reader(bytes, 9), given, 0.0), lost(), reply(502), OK)
    assert [asked.headers["idempotency-key"] for asked in played.asked] == ["one", "one", "one"]
    assert [asked.headers.get("x") for asked in played.asked] == ["1", "2", None]


def test_a_redirect_is_a_response_and_another_request() -> None:
    notes = Notes()
    play(flow(POST, notes.hooks), moved(307, "/g?task_id=1&sig=s3cr3t&flag"), OK, now=100.0)
    assert notes.lines == [
        "1 POST http://service:3000/f +0",
        "1 307 in 0",
        "1 over: None, 0 bytes",
        "2 POST http://service:3000/g?task_id=1&sig=REDACTED&flag +0",
        "2 200 in 0",
        "2 over: None, 1 bytes",
    ]


def test_a_redirect_that_is_not_followed_is_an_error() -> None:
    notes = Notes()
    play(flow(POST, notes.hooks), moved(307, "ftp://elsewhere/"), now=100.0)
    message = "the server redirects to a Location that is not a valid http or https URL"
    assert notes.ends[0].error == f"RemoteProtocolError: {message}"


def test_a_request_after_the_deadline_has_no_events() -> None:
    notes = Notes()
    given = context(notes.hooks, total=1)
    played = play(send_request(POST, whole_reader(bytes, 9), given, 0.0), moved(307, "/g").after(2))
    assert played.error is not None
    assert notes.lines == ["1 POST http://service:3000/f +0", "1 307 in 2", "1 over: None, 0 bytes"]


def test_a_stream_is_over_when_it_has_been_read() -> None:
    notes = Notes()
    run = FlowRunner(send_request(POST, EVENTS, context(notes.hooks), 0.0))
    assert run.step is not None
    exchange = run.step.exchange
    exchange.receive(Head(200))
    run.resume(2.0)
    assert notes.lines[1:] == ["1 200 in 2..."]
    exchange.receive(Data(b"data: x\n\n"))
    assert len(notes.lines) == 2
    exchange.receive(End())
    exchange.close()
    assert notes.lines[2:] == ["1 over: None, 9 bytes"]
    assert notes.ends[0].seconds is None


def test_a_stream_that_fails_or_is_closed_is_over_once() -> None:
    for last, expected in (
        (ConnectionFailed(FailureKind.DISCONNECTED, "cut"), "1 over: ConnectionLost: cut, 9 bytes"),
        (None, "1 over early: None, 9 bytes"),
    ):
        notes = Notes()
        run = FlowRunner(send_request(POST, EVENTS, context(notes.hooks), 0.0))
        assert run.step is not None
        exchange = run.step.exchange
        exchange.receive(Head(200))
        run.resume(0.0)
        exchange.receive(Data(b"data: x\n\n"))
        if last is not None:
            exchange.receive(last)
        exchange.close()
        exchange.close()
        assert notes.lines[2:] == [expected]


def test_a_stream_that_came_at_once_is_over_at_once() -> None:
    notes = Notes()
    play(send_request(POST, EVENTS, context(notes.hooks), 0.0), OK)
    assert notes.lines[1:] == ["1 200 in 0", "1 over: None, 1 bytes"]


def test_a_cancelled_call_is_over() -> None:
    notes = Notes()
    run = FlowRunner(flow(POST, notes.hooks))
    run.close()
    assert notes.lines[1:] == ["1 over early: None, 0 bytes"]
    run = FlowRunner(flow(POST, notes.hooks))
    try:
        raise OSError("no such file")
    except OSError:
        run.close()
    assert notes.lines[-1] == "1 over early: OSError: no such file, 0 bytes"
    run = FlowRunner(flow(POST, notes.hooks))
    try:
        raise KeyboardInterrupt
    except KeyboardInterrupt:
        run.close()
    assert notes.lines[-1] == "1 over early: KeyboardInterrupt, 0 bytes"


def test_a_call_cancelled_during_an_error_response_is_over() -> None:
    notes = Notes()
    run = FlowRunner(flow(POST, notes.hooks))
    assert run.step is not None
    run.step.exchange.receive(Head(503))
    run.step.exchange.receive(Data(b"bu"))
    run.close()
    assert notes.lines[1:] == ["1 over early: None, 2 bytes"]


def test_a_body_of_unknown_length_has_no_size() -> None:
    notes = Notes()
    play(flow(Request("POST", HERE, "/f", (), (FilePart("pipe", None),)), notes.hooks), OK)
    assert isinstance(notes.told[0], RequestEvent)
    assert notes.told[0].size is None


# --- what they never see


def test_events_have_no_credentials() -> None:
    notes = Notes()
    answer = reply(
        200,
        b"7",
        {
            "set-cookie": "session=s3cr3t",
            "X-Auth-Token": "s3cr3t",
            "location": "https://user:s3cr3t@store:8443/x?X-Amz-Signature=s3cr3t#s3cr3t",
            "content-type": "text/plain",
        },
    )
    target = "/f?token=s3cr3t&task_id=7&&=s3cr3t&a=b=s3cr3t"
    play(flow(Request("GET", HERE, target, POST.headers), notes.hooks), answer)
    request, response, _ = notes.told
    assert isinstance(request, RequestEvent)
    assert isinstance(response, ResponseEvent)
    assert "s3cr3t" not in repr([request.url, dict(request.headers), dict(response.headers), notes.lines])
    assert request.url == "http://service:3000/f?token=REDACTED&task_id=7&=REDACTED&a=REDACTED"
    assert request.headers["content-type"] == "application/json"
    assert {request.headers[name] for name, _ in SECRETS} == {"REDACTED"}
    assert response.headers["content-type"] == "text/plain"
    assert response.headers["x-auth-token"] == "REDACTED"
    assert response.headers["location"] == "https://store:8443/x?X-Amz-Signature=REDACTED"


def test_a_malformed_location_is_hidden() -> None:
    notes = Notes()
    play(flow(POST, notes.hooks), reply(200, b"", {"location": "http://[s3cr3t"}))
    assert isinstance(notes.told[1], ResponseEvent)
    assert notes.told[1].headers["location"] == "REDACTED"


# --- what they may add


def test_headers_of_a_hook_replace_those_of_the_same_name() -> None:
    first, second = Notes({"Traceparent": "1", "X-Signature": "a"}), Notes({"x-signature": "b", "User-Agent": "me"})
    request = Request("POST", HERE, "/f", (("user-agent", "you"),), (b"{}",))
    played = play(flow(request, first.hooks, second.hooks), lost(FailureKind.CONNECT), OK)
    for asked in played.asked:
        assert asked.headers == {"traceparent": "1", "x-signature": "b", "user-agent": "me"}


def test_no_credential_of_a_hook_is_sent_to_another_origin() -> None:
    notes = Notes({"traceparent": "1", "tracestate": "2", "x-signature": "s3cr3t", "authorization": "s3cr3t"})
    request = Request("POST", HERE, "/f", (("traceparent", "0"), *SECRETS), (b"{}",))
    played = play(flow(request, notes.hooks), moved(307, "https://elsewhere/"), moved(307, "http://service:3000/g"))
    assert played.asked[1].headers == {"traceparent": "1", "tracestate": "2"}
    played = play(flow(request), moved(307, "https://elsewhere/"), OK)
    assert played.asked[1].headers == {"traceparent": "0"}


@pytest.mark.parametrize("headers", [{"x": "a\r\nb: c"}, {"a b": "c"}, {"content-length": "5"}])
def test_invalid_headers_of_a_hook_are_refused(headers: Mapping[str, str]) -> None:
    notes = Notes(headers)
    with pytest.raises(ValueError, match="header"):
        FlowRunner(flow(POST, notes.hooks))
    assert [event.error is not None for event in notes.ends] == [True]


# --- what they raise


class Broken(Exception):
    pass


def broken(event: object) -> None:
    raise Broken


def test_an_exception_of_a_request_hook_ends_the_call_unsent() -> None:
    before, after = Notes(), Notes()
    with pytest.raises(Broken):
        FlowRunner(flow(POST, before.hooks, Hooks(request=broken), after.hooks))
    assert before.lines[1:] == ["1 over: Broken, 0 bytes"]
    assert after.lines == []


def test_exceptions_of_other_hooks_are_raised_by_the_call() -> None:
    for hooks, script in (
        (Hooks(response=broken), [OK]),
        (Hooks(end=broken), [OK]),
        (Hooks(retry=broken), [lost(FailureKind.CONNECT)]),
    ):
        notes = Notes()
        with pytest.raises(Broken):
            play(flow(POST, notes.hooks, hooks), *script)
        assert len(notes.ends) == 1


def test_an_exception_of_end_hides_no_error_or_cancellation() -> None:
    played = play(flow(POST, Hooks(end=broken)), reply(500, "no"))
    assert isinstance(played.error, InternalServerError)
    FlowRunner(flow(POST, Hooks(end=broken))).close()
    run = FlowRunner(send_request(POST, EVENTS, context(Hooks(end=broken)), 0.0))
    assert run.step is not None
    exchange = run.step.exchange
    exchange.receive(Head(200))
    run.resume(0.0)
    exchange.receive(ConnectionFailed(FailureKind.DISCONNECTED, "cut"))
    assert isinstance(exchange.error, ConnectionLost)


def test_a_response_whose_hook_raises_is_over_when_it_is_closed() -> None:
    notes = Notes()
    run = FlowRunner(send_request(POST, EVENTS, context(notes.hooks, Hooks(response=broken)), 0.0))
    assert run.step is not None
    exchange = run.step.exchange
    exchange.receive(Head(200))
    with pytest.raises(Broken):
        run.resume(0.0)
    exchange.close()
    assert notes.lines[2:] == ["1 over early: None, 0 bytes"]


# --- who is asked


def test_enabled_is_called_once_for_a_call() -> None:
    asked = iter([False])
    notes = Notes()
    play(flow(POST, notes.hooks.replace(enabled=lambda: next(asked))), lost(FailureKind.CONNECT), OK)
    assert (list(asked), notes.told) == ([], [])
    play(flow(POST, notes.hooks.replace(enabled=lambda: True)), OK)
    assert len(notes.told) == 3


def test_all_hooks_are_optional() -> None:
    assert play(flow(POST, Hooks()), lost(FailureKind.CONNECT), OK).result.result == b"7"


def test_hooks_of_a_view_are_added_to_those_of_its_client() -> None:
    one, two, three = Hooks(), Hooks(request=broken), Hooks(end=broken)
    options = Options(Timeout(), (), RetryPolicy()).changed(hooks=one)
    assert options.hooks == (one,)
    assert options.changed().hooks == (one,)
    assert options.changed(hooks=[two, three]).hooks == (one, two, three)
    assert options.changed(hooks=[two, one]).hooks == (one, two)  # once, as a span is made once
    for wrong in (broken, [broken]):
        with pytest.raises(TypeError):
            options.changed(hooks=wrong)  # type: ignore[arg-type]


# --- what a result and an error say of the request


TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACED = Request("POST", HERE, "/f", (("traceparent", f"00-{TRACE}-00f067aa0ba902b7-01"),), (b"{}",))


def response(exchange: Exchange[bytes]) -> Response[object]:
    return Response.of(None, exchange)


def test_trace_id_attempts_and_elapsed_of_a_response() -> None:
    played = play(
        flow(TRACED), lost(FailureKind.CONNECT, "no route").after(1), reply(503).after(2), OK.after(3), now=100.0
    )
    found = response(played.result)
    assert (found.trace_id, found.request_id) == (TRACE, "42")
    assert found.attempts == (
        "ConnectError: no route",
        "ServiceUnavailable: the server responded with status 503",
    )
    assert found.elapsed == 1 + 0.25 + 2 + 0.5 + 3
    found = response(play(flow(POST), OK.after(3), now=100.0).result)
    assert (found.trace_id, found.attempts, found.elapsed) == (None, (), 3)
    assert (Response(Head(200), 7).trace_id, Response(Head(200), 7).attempts) == (None, ())


def test_the_trace_id_of_a_hook() -> None:
    notes = Notes(dict(TRACED.headers))
    assert response(play(flow(POST, notes.hooks), OK).result).trace_id == TRACE


def test_a_malformed_traceparent_has_no_trace_id() -> None:
    for wrong in ("", "00-xyz", f"00-{TRACE.upper()}-00f067aa0ba902b7-01", TRACE):
        request = Request("POST", HERE, "/f", (("accept", "*/*"), ("traceparent", wrong)), (b"{}",))
        assert response(play(flow(request), OK).result).trace_id is None


def test_trace_id_and_request_id_of_an_error() -> None:
    error = play(flow(TRACED), reply(400, "no", {"x-bentoml-request-id": "42"})).error
    assert error is not None
    assert (error.trace_id, error.request_id) == (TRACE, "42")
    error = play(flow(TRACED), lost(FailureKind.TLS)).error
    assert error is not None
    assert (error.trace_id, error.request_id) == (TRACE, None)
    run = FlowRunner(send_request(TRACED, EVENTS, context(), 0.0))
    assert run.step is not None
    broken_off = run.step.exchange
    broken_off.receive(Head(200, (("X-BentoML-Request-ID", "42"),)))
    run.resume(0.0)
    broken_off.receive(ConnectionFailed(FailureKind.DISCONNECTED, "cut"))
    assert broken_off.error is not None
    assert (broken_off.error.trace_id, broken_off.error.request_id) == (TRACE, "42")
