"""Spans by OpenTelemetry: their names and attributes, whose children they are, and that the server is in the trace."""

from __future__ import annotations

import pickle
import time
from collections.abc import Iterator

import pytest
from opentelemetry import baggage, context, trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from bento_client.observe import tracing
from bento_proto import BentoMLException, Hooks
from tests.servers import Servers
from tests.waiting import until

from .faces import Connect
from .proxies import End, Stub, endpoint, reply, routes, schema

GIVEN = schema(endpoint("f"))


class Traces:
    """A tracer provider that keeps the spans in memory."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        self.provider = TracerProvider()
        self.provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.tracer = self.provider.get_tracer("tests")
        self.hooks = tracing(self.provider)

    def of(self, path: str) -> list[ReadableSpan]:
        """The spans of requests to a path, in the order of their end."""
        return [span for span in self._exporter.get_finished_spans() if str(_of(span, "url.full")).endswith(path)]


def _of(span: ReadableSpan, name: str) -> object:
    assert span.attributes is not None
    return span.attributes.get(name)


@pytest.fixture
def traces() -> Iterator[Traces]:
    found = Traces()
    yield found
    found.provider.shutdown()


def test_a_span_by_the_conventions(servers: Servers, connect: Connect, traces: Traces) -> None:
    server = servers.server("zoo:Zoo")
    client = connect(server.url, hooks=traces.hooks, token="s3cr3t")
    with traces.tracer.start_as_current_span("caller") as caller:
        before = time.time_ns()
        response = client.echo_str.raw("x")
        after = time.time_ns()
    (span,) = traces.of("/echo_str")
    assert (span.name, span.kind, span.status.status_code) == ("POST", SpanKind.CLIENT, StatusCode.UNSET)
    assert dict(span.attributes or {}) == {
        "http.request.method": "POST",
        "url.full": f"{server.url}/echo_str",
        "server.address": "127.0.0.1",
        "server.port": server.port,
        "http.response.status_code": 200,
        "bentoml.request_id": response.request_id,
    }
    assert span.parent is not None
    assert span.parent.span_id == caller.get_span_context().span_id
    assert before <= (span.start_time or 0) <= (span.end_time or 0) <= after
    assert span.instrumentation_scope is not None
    assert span.instrumentation_scope.name == "bento_client"
    assert response.trace_id == f"{span.context.trace_id:032x}" if span.context else False


def test_the_server_is_in_the_trace(servers: Servers, connect: Connect, traces: Traces) -> None:
    server = servers.server("zoo:Zoo")
    client = connect(server.url, hooks=traces.hooks)
    token = context.attach(baggage.set_baggage("who", "me"))
    try:
        with traces.tracer.start_as_current_span("caller") as caller:
            received = dict(client.call("headers"))
    finally:
        context.detach(token)
    (span,) = traces.of("/headers")
    assert span.context is not None
    trace_id = f"{caller.get_span_context().trace_id:032x}"
    assert received["traceparent"].split("-")[1:3] == [trace_id, f"{span.context.span_id:016x}"]
    assert received["baggage"] == "who=me"
    until(lambda: f"trace={trace_id}" in server.log.read_text(errors="replace"))  # BentoML's access log


def test_a_span_without_a_caller_is_a_root(servers: Servers, connect: Connect, traces: Traces) -> None:
    connect(servers.url("zoo:Zoo"), hooks=traces.hooks).no_args_str()
    assert traces.of("/no_args_str")[0].parent is None


def test_a_refusal_is_an_error(servers: Servers, connect: Connect, traces: Traces) -> None:
    client = connect(servers.url("zoo:Zoo"), hooks=traces.hooks)
    with pytest.raises(BentoMLException):
        client.err("NotFound")
    (span,) = traces.of("/err")
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, None)
    assert (_of(span, "http.response.status_code"), _of(span, "error.type")) == (404, "404")


def test_what_gets_no_answer_is_an_error(connect: Connect, traces: Traces) -> None:
    with Stub(routes({"/f": End.CLOSE})) as stub, pytest.raises(BentoMLException) as caught:
        connect(stub.url, schema=GIVEN, server_ready_timeout=0, retries=0, hooks=traces.hooks).f()
    (span,) = traces.of("/f")
    assert (span.status.status_code, _of(span, "error.type")) == (StatusCode.ERROR, "ConnectionLost")
    # The error that is raised says, too, why the request was not sent again.
    assert span.status.description == caught.value.message.partition("; not sent again")[0]
    assert _of(span, "http.response.status_code") is None


def test_attempts_and_redirects_are_siblings(connect: Connect, traces: Traces) -> None:
    moved = reply(b"", 307, {"location": "/g?sig=s3cr3t"})
    answers = [reply(7), moved, reply(b"busy", 503, {"retry-after": "1"})]
    with Stub(lambda asked: answers.pop()) as stub:
        client = connect(stub.url, schema=GIVEN, server_ready_timeout=0, hooks=traces.hooks)
        with traces.tracer.start_as_current_span("caller") as caller:
            assert client.f() == 7
        parents = [asked.headers["traceparent"] for asked in stub.asked]
    first, second = traces.of("/f")
    (third,) = traces.of("/g?sig=REDACTED")
    spans = (first, second, third)
    assert [_of(span, "http.request.resend_count") for span in spans] == [None, 1, 2]
    assert [_of(span, "http.response.status_code") for span in spans] == [503, 307, 200]
    assert {span.parent and span.parent.span_id for span in spans} == {caller.get_span_context().span_id}
    assert [parent.split("-")[2] for parent in parents] == [f"{s.context.span_id:016x}" for s in spans if s.context]
    pause = (second.start_time or 0) - (first.end_time or 0)
    assert pause > 0.9e9, "the wait before a retry belongs to no span"


def test_the_span_of_a_stream_lasts_until_it_is_read(servers: Servers, connect: Connect, traces: Traces) -> None:
    client = connect(servers.url("zoo:Zoo"), hooks=traces.hooks)
    stream = client.stream_int(4)
    assert next(stream) == 0
    assert traces.of("/stream_int") == []
    assert list(stream) == [1, 2, 3]
    (span,) = traces.of("/stream_int")
    assert (span.end_time or 0) - (span.start_time or 0) > 0.06e9
    assert span.status.status_code is StatusCode.UNSET
    with client.stream_endless("trace") as stream:
        next(stream)
    assert traces.of("/stream_endless")[0].status.status_code is StatusCode.UNSET


def test_a_propagator_and_a_provider_of_ones_own(servers: Servers, connect: Connect, traces: Traces) -> None:
    hooks = tracing(traces.provider, TraceContextTextMapPropagator())
    token = context.attach(baggage.set_baggage("who", "me"))
    try:
        received = dict(connect(servers.url("zoo:Zoo"), hooks=hooks).call("headers"))
    finally:
        context.detach(token)
    assert "traceparent" in received
    assert "baggage" not in received


def test_without_an_sdk_what_the_caller_is_in_is_passed_on(servers: Servers, connect: Connect) -> None:
    parent = trace.SpanContext(0x0AF7651916CD43DD8448EB211C80319C, 0xB7AD6B7169203331, True, trace.TraceFlags(1))
    client = connect(servers.url("zoo:Zoo"), hooks=tracing(trace.NoOpTracerProvider()))
    with trace.use_span(trace.NonRecordingSpan(parent)):
        received = dict(client.call("headers"))
    assert received["traceparent"] == "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_an_unusual_method_makes_no_name(connect: Connect, traces: Traces) -> None:
    with Stub(lambda asked: reply(7)) as stub:
        connect(stub.url, schema=GIVEN, hooks=traces.hooks).request("PURGE", "/x")
    (span,) = traces.of("/x")
    assert (span.name, _of(span, "http.request.method")) == ("HTTP", "_OTHER")
    assert _of(span, "http.request.method_original") == "PURGE"


def test_a_unix_socket_is_an_address(servers: Servers, connect: Connect, traces: Traces) -> None:
    server = servers.on_unix_socket("zoo:Zoo")
    connect(server.url, hooks=traces.hooks).no_args_str()
    (span,) = traces.of("/no_args_str")
    assert (_of(span, "server.address"), _of(span, "server.port")) == (str(server.socket), None)
    assert _of(span, "url.full") == "http://localhost/no_args_str"


def test_the_hooks_can_be_sent_to_another_process() -> None:
    made = pickle.loads(pickle.dumps(tracing()))
    assert isinstance(made, Hooks)
    assert made.request is not None
