"""Hooks, with real answers: what they are told and when, what they add, and that what they raise breaks nothing."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping

import pytest

from bento_proto import BentoMLException, ConnectError, Hooks, InternalServerError, Limits, ServiceUnavailable
from bento_proto.observe import EndEvent, RequestEvent, ResponseEvent, RetryEvent
from tests.servers import Servers

from .faces import Connect
from .proxies import Asked, End, Stub, chunk, endpoint, head, reply, routes, schema

GIVEN = schema(endpoint("f"), endpoint("s", output={"type": "string", "is_stream": True}))
CHUNKED = head(200, {"transfer-encoding": "chunked", "x-bentoml-request-id": "42"})
TRACE = "0af7651916cd43dd8448eb211c80319c"


class Notes:
    """What hooks were told, in lines, without readiness and schema."""

    def __init__(self, headers: Mapping[str, str] | None = None) -> None:
        self.lines: list[str] = []
        self.ends: list[EndEvent] = []
        self._headers = headers
        self.hooks = Hooks(self.request, self.response, self.retry, self.end)

    def note(self, event: RequestEvent, line: str) -> None:
        path = event.url.partition("://")[2].partition("/")[2]
        if path not in ("readyz", "schema.json"):
            self.lines.append(f"{event.attempt} {path} {line}")

    def request(self, event: RequestEvent) -> Mapping[str, str] | None:
        self.note(event, "sent")
        return self._headers

    def response(self, event: ResponseEvent) -> None:
        assert event.seconds >= 0
        self.note(event.request, f"{event.status_code}{'' if event.complete else '...'}")

    def retry(self, event: RetryEvent) -> None:
        self.note(event.request, f"retry: {event.reason.partition(':')[0]}")

    def end(self, event: EndEvent) -> None:
        self.ends.append(event)
        self.note(event.request, f"over{' early' if event.abandoned else ''}: {event.error}")


def answering(*answers: bytes) -> Callable[[Asked], bytes]:
    waiting = list(answers)
    return lambda asked: waiting.pop(0)


def test_a_call_of_a_real_service(servers: Servers, connect: Connect) -> None:
    notes = Notes({"x-custom": "yes"})
    client = connect(servers.url("zoo:Zoo"), hooks=notes.hooks, headers={"X-Own": "1"})
    received = dict(client.call("headers"))
    assert received["x-custom"] == "yes"
    assert received["x-own"] == "1"
    assert notes.lines == ["1 headers sent", "1 headers 200", "1 headers over: None"]
    end = notes.ends[-1]
    assert end.response is not None
    assert end.response.request_id
    assert end.request.size == 2
    assert end.received > 50
    with pytest.raises(InternalServerError) as caught:
        client.err("nothing like it")
    assert notes.lines[3:5] == ["1 err sent", "1 err 500"]
    assert notes.lines[5].startswith("1 err over: InternalServerError: ")
    last = notes.ends[-1].response
    assert last is not None
    assert last.request_id == caught.value.request_id


def test_a_stream_is_over_when_it_was_read_or_left(servers: Servers, connect: Connect) -> None:
    notes = Notes()
    client = connect(servers.url("zoo:Zoo"), hooks=notes.hooks)
    stream = client.stream_int(3)
    assert notes.lines == ["1 stream_int sent", "1 stream_int 200..."]
    assert list(stream) == [0, 1, 2]
    assert notes.lines[2:] == ["1 stream_int over: None"]
    with client.stream_endless("hooks") as stream:
        next(stream)
    assert notes.lines[5:] == ["1 stream_endless over early: None"]
    assert notes.ends[-1].seconds is None


def test_a_file_is_over_when_it_is_there(servers: Servers, connect: Connect) -> None:
    notes = Notes()
    client = connect(servers.url("zoo:Zoo"), hooks=notes.hooks)
    assert client.big_out(1).stat().st_size == 1 << 20
    assert notes.lines == ["1 big_out sent", "1 big_out 200...", "1 big_out over: None"]
    assert notes.ends[-1].received == 1 << 20


def test_a_dropped_stream_is_over(connect: Connect) -> None:
    notes = Notes()
    with Stub(routes({"/s": lambda asked: [CHUNKED, chunk(b"1"), End.SILENCE]})) as stub:
        client = connect(stub.url, schema=GIVEN, hooks=notes.hooks)
        stream = client.s()
        next(stream)
        del stream
        gc.collect()
        client.is_ready()  # the event loop has had its turn
        assert notes.lines[2:] == ["1 s over early: None"]


def test_a_stream_that_breaks_says_so(connect: Connect) -> None:
    notes = Notes()
    headers = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}
    with Stub(routes({"/s": lambda asked: [CHUNKED, chunk(b"1"), End.CLOSE]})) as stub:
        client = connect(stub.url, schema=GIVEN, hooks=notes.hooks, headers=headers)
        stream = client.s()
        with pytest.raises(BentoMLException) as caught:
            list(stream)
        assert (caught.value.request_id, caught.value.trace_id) == ("42", TRACE)
        assert notes.lines[2].startswith("1 s over: ConnectionLost: ")


def test_retries_and_what_comes_of_them(connect: Connect) -> None:
    notes = Notes()
    busy = reply(b"busy", 503, {"retry-after": "0"})
    with Stub(routes({"/f": answering(busy, reply(7))})) as stub:
        client = connect(stub.url, schema=GIVEN, hooks=notes.hooks)
        response = client.f.raw()
        assert response.value == 7
        assert response.attempts == ("ServiceUnavailable: busy",)
        assert response.elapsed > 0
    assert notes.lines == [
        "1 f sent",
        "1 f 503",
        "1 f over: ServiceUnavailable: busy",
        "1 f retry: ServiceUnavailable",
        "2 f sent",
        "2 f 200",
        "2 f over: None",
    ]


def test_what_can_not_be_reached_is_over(connect: Connect) -> None:
    notes = Notes()
    with Stub(routes({})) as stub:
        client = connect(stub.url, schema=GIVEN, hooks=notes.hooks, retries=0)
        client.is_ready()
    with pytest.raises((ConnectError, ServiceUnavailable)):
        client.f()
    assert notes.ends[-1].error is not None
    assert notes.ends[-1].response is None


def test_headers_are_made_anew_for_each_attempt_and_stay_with_their_origin(connect: Connect) -> None:
    count = iter(range(100))
    signature = Hooks(request=lambda event: {"x-signature": f"s3cr3t {next(count)}", "traceparent": "00-1"})
    with Stub(routes({"/f": reply(7)})) as other:
        answers = answering(reply(b"", 503, {"retry-after": "0"}), reply(b"", 307, {"location": f"{other.url}/f"}))
        with Stub(routes({"/f": answers})) as stub:
            client = connect(stub.url, schema=GIVEN, server_ready_timeout=0, hooks=signature)
            assert client.f() == 7
            assert [asked.headers["x-signature"] for asked in stub.asked] == ["s3cr3t 0", "s3cr3t 1"]
            assert "x-signature" not in other.asked[0].headers
            assert other.asked[0].headers["traceparent"] == "00-1"


class Broken(Exception):
    pass


def broken(event: object) -> None:
    raise Broken


@pytest.mark.parametrize("hooks", [Hooks(request=broken), Hooks(response=broken), Hooks(end=broken)], ids="qre")
@pytest.mark.parametrize("name", ["no_args_str", "stream_int", "big_out"])
def test_what_a_hook_raises_reaches_the_caller_and_breaks_nothing(
    servers: Servers, connect: Connect, hooks: Hooks, name: str
) -> None:
    client = connect(servers.url("zoo:Zoo"), limits=Limits(connections=1), timeout=10)
    assert client.no_args_str() == "ok"
    bad = client.with_options(hooks=hooks)
    for _ in range(3):
        with pytest.raises(Broken):
            list(bad.call(name, 1)) if name == "stream_int" else bad.call(name, *([1] if name == "big_out" else []))
        assert client.no_args_str() == "ok"
        assert list(client.stream_int(2)) == [0, 1]


def test_hooks_of_a_view_are_its_own(servers: Servers, connect: Connect) -> None:
    mine, view = Notes(), Notes()
    client = connect(servers.url("zoo:Zoo"), hooks=[mine.hooks])
    client.with_options(hooks=[view.hooks, Hooks()]).no_args_str()
    assert mine.lines == view.lines
    client.no_args_str()
    assert len(mine.lines) == 2 * len(view.lines)


def test_a_trace_context_of_the_callers_own_is_passed_on(servers: Servers, connect: Connect) -> None:
    client = connect(servers.url("zoo:Zoo"))
    headers = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01", "tracestate": "a=b"}
    response = client.with_options(headers=headers).call("headers")
    assert {name: value for name, value in response if name.startswith("trace")} == headers
    assert client.with_options(headers=headers).no_args_str.raw().trace_id == TRACE
    with pytest.raises(BentoMLException) as caught:
        client.with_options(headers=headers).err("x")
    assert caught.value.trace_id == TRACE
    assert client.no_args_str.raw().trace_id is None
