"""A span for each request, by OpenTelemetry's semantic conventions for HTTP clients."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final, cast
from weakref import WeakKeyDictionary

from bento_proto import Hooks, __version__
from bento_proto.observe import EndEvent, RequestEvent, ResponseEvent

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.propagators.textmap import TextMapPropagator
    from opentelemetry.trace import Span, TracerProvider
else:
    try:
        from opentelemetry.propagators.textmap import TextMapPropagator
        from opentelemetry.trace import TracerProvider
    except ImportError:  # reported by the call; annotations can't be evaluated then
        pass

# Any other method is recorded as _OTHER: the names of spans must be few.
_METHODS: Final = frozenset({"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"})
_SCHEMA: Final = "https://opentelemetry.io/schemas/1.27.0"


def tracing(tracer_provider: TracerProvider | None = None, propagator: TextMapPropagator | None = None) -> Hooks:
    """Create hooks that record a span for each request and propagate its context to the server.

    A span is a child of the caller's current span. Retries and redirects have spans of their own. The span of a stream
    or a file ends when that is read or closed. Names and attributes follow the stable semantic conventions for HTTP
    clients; the values in a URL's query are hidden.

    Args:
        tracer_provider: the tracer provider; by default the global one.
        propagator: writes the request headers, such as ``traceparent``; by default the global one, which writes W3C
            trace context and baggage.

    Raises:
        ImportError: the extra ``otel`` is not installed.
    """
    made = _Tracing(tracer_provider, propagator)
    return Hooks(request=made.request, response=made.response, end=made.end)


class _Tracing:
    def __init__(self, tracer_provider: TracerProvider | None, propagator: TextMapPropagator | None) -> None:
        try:
            from opentelemetry import propagate, trace
        except ImportError as exc:
            raise ImportError("tracing needs OpenTelemetry: pip install 'bento-client[otel]'") from exc

        self._given = (tracer_provider, propagator)
        self._tracer = trace.get_tracer("bento_client", __version__, tracer_provider, _SCHEMA)
        inject: object = propagate.inject if propagator is None else propagator.inject
        self._inject = cast("Callable[[dict[str, str], Context | None], None]", inject)
        self._spans: WeakKeyDictionary[RequestEvent, tuple[Span, int]] = WeakKeyDictionary()

    def __reduce__(self) -> tuple[object, ...]:  # a client with these hooks can be pickled
        return type(self), self._given

    def request(self, event: RequestEvent) -> Mapping[str, str]:
        from opentelemetry import trace

        method = event.method if event.method in _METHODS else "_OTHER"
        attributes: dict[str, str | int] = {
            "http.request.method": method,
            "url.full": event.url,
            "server.address": event.origin.socket or event.origin.host,
        }
        if event.origin.socket is None:
            attributes["server.port"] = event.origin.port
        if method != event.method:
            attributes["http.request.method_original"] = event.method
        if event.attempt > 1:
            attributes["http.request.resend_count"] = event.attempt - 1
        start = time.time_ns() + int(event.delay * 1e9)
        name = "HTTP" if method == "_OTHER" else method
        span = self._tracer.start_span(name, kind=trace.SpanKind.CLIENT, attributes=attributes, start_time=start)
        self._spans[event] = span, start
        headers: dict[str, str] = {}
        # Without an SDK, OpenTelemetry before 1.40 returns an invalid span instead of the caller's.
        is_span = span.get_span_context().is_valid
        self._inject(headers, trace.set_span_in_context(span) if is_span else None)
        return headers

    def response(self, event: ResponseEvent) -> None:
        span, _ = self._spans[event.request]
        span.set_attribute("http.response.status_code", event.status_code)
        if event.request_id is not None:
            span.set_attribute("bentoml.request_id", event.request_id)

    def end(self, event: EndEvent) -> None:
        from opentelemetry.trace import StatusCode

        span, start = self._spans.pop(event.request)
        if event.response is not None and event.response.status_code >= 400:
            span.set_attribute("error.type", str(event.response.status_code))
            span.set_status(StatusCode.ERROR)  # the status code is the description
        elif event.error is not None:
            kind, _, reason = event.error.partition(": ")
            span.set_attribute("error.type", kind)
            span.set_status(StatusCode.ERROR, reason or None)
        span.end(max(start, time.time_ns()))  # a request that was cancelled before its delayed start
