"""All that a client knows and decides, without I/O: its adapters only drive the flows made here."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, TypeVar

from ._cookies import Cookies
from ._credentials import Credential
from ._discovery import describe, mounted, probe, until_ready
from ._encoding import encode
from ._errors import NotFound
from ._flow import Flow
from ._headers import checked_fields, merged
from ._json import to_json
from ._messages import Limits, Request, Timeout
from ._operations import Terms, attempt
from ._options import Options
from ._outputs import event_reader, stream_reader, value_reader, whole_reader
from ._retry import RetryBudget, RetryPolicy
from ._schema import Service, parse_service
from ._tasks import outcome, parse_status, parse_task_id
from ._url import Base, checked_target, parse_base, quote_route, quote_segment
from ._version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ._binding import Call
    from ._discovery import Found
    from ._encoding import Upload
    from ._exchange import Exchange
    from ._json import JSON
    from ._messages import Segment
    from ._outputs import Reader
    from ._schema import Endpoint
    from ._sse import ServerSentEvent
    from ._tasks import ResultStatus

T = TypeVar("T")

_PROBE_TIMEOUT: Final = 5.0


class Session:
    """One client's view of one Service.

    A method that needs a request returns a `Flow` for the adapter to run.

    Args:
        url: where the Service is: see `parse_base`.
        token: for ``Authorization: Bearer``, or a function that gives it, which is asked on first use and again
            after a 401; an empty one means none, not even that of the environment.
        timeout: how long to wait for what: see `Timeout.of`.
        server_ready_timeout: how long the first call waits for the Service to become ready, in seconds; by default
            as long as for an answer, 0 for not at all.
        headers: sent with every request.
        retries: what is tried again.
        limits: how much the server may send.
        schema: the content of ``/schema.json``, parsed or not, or a `Service`, to save its request.
        environ: the environment variables.
        chance: gives a number from 0 to 1, to spread retries.

    Attributes:
        options: the client's own options.
        base: the URL, taken apart.

    Raises:
        ValueError: an argument is malformed.
        SchemaError: the given schema is.
    """

    def __init__(
        self,
        url: str,
        *,
        token: str | Callable[[], str] | None = None,
        timeout: Timeout | float | None = 30.0,
        server_ready_timeout: float | None = None,
        headers: Mapping[str, str] | None = None,
        retries: RetryPolicy | int | None = None,
        limits: Limits | None = None,
        schema: Service | bytes | JSON = None,
        environ: Mapping[str, str],
        chance: Callable[[], float],
    ) -> None:
        self.base: Base = parse_base(url)
        own = (
            ("accept", "*/*"),
            ("accept-encoding", "gzip, deflate"),
            ("user-agent", f"bento-client/{__version__}"),
        )
        self._credential = Credential(self.base, token, environ)
        policy = RetryPolicy() if retries is None else RetryPolicy.of(retries)
        self.options: Options = Options(Timeout.of(timeout), merged(own, checked_fields(headers)), policy)
        if server_ready_timeout is not None and not server_ready_timeout >= 0:
            raise ValueError(f"server_ready_timeout must be a number of seconds from 0 up: {server_ready_timeout!r}")
        self._ready_timeout = self.options.timeout.receive if server_ready_timeout is None else server_ready_timeout
        self._limits = limits or Limits()
        self._chance = chance
        self._budget = RetryBudget()
        self._cookies = Cookies()
        self._readers: dict[str, Reader[object]] = {}
        self._found: Found | None = None
        if schema is not None:
            service = schema if isinstance(schema, Service) else parse_service(schema)
            self._found = mounted(service, self.base)
        self._ready = False

    @property
    def service(self) -> Service | None:
        """The Service, once its schema is known."""
        return self._found.service if self._found else None

    @property
    def is_connected(self) -> bool:
        """Whether `connect` has nothing left to do."""
        return self._ready and self._found is not None

    # --- finding the Service

    def connect(self, options: Options, now: float) -> Flow[Service]:
        """Wait until the Service is ready, once, and fetch its schema, unless it is known.

        Raises:
            ServiceUnavailable: it did not become ready in time.
            SchemaError: its schema can't be understood.
            BentoMLException: its schema can't be had.
        """
        ends = math.inf if options.timeout.total is None else now + options.timeout.total
        if not self._ready and self._ready_timeout != 0:
            seconds = min(math.inf if self._ready_timeout is None else self._ready_timeout, ends - now)
            now = yield from self.wait_until_ready(None if seconds == math.inf else seconds, options, now)
        self._ready = True
        if self._found is None:
            terms = self._terms(options._replace(timeout=options.timeout.within(max(ends - now, 0.0))))
            self._found = yield from describe(self.base, self._credential.added(options.headers), terms, now)
        return self._found.service

    def is_ready(self, seconds: float | None, options: Options, now: float) -> Flow[bool]:
        """Whether the Service is ready, as far as one request tells; whatever goes wrong means that it isn't.

        Args:
            seconds: how long to wait for the answer; by default as long as for any, but at most 5 seconds.
            options: of the request.
            now: what the clock reads.
        """
        total = min(options.timeout.receive or _PROBE_TIMEOUT, _PROBE_TIMEOUT) if seconds is None else seconds
        terms = self._terms(options._replace(timeout=options.timeout.within(total)))
        exchange, _ = yield from probe(self.base, self._credential.added(options.headers), terms, self._found, now)
        self._ready = self._ready or exchange.error is None
        return exchange.error is None

    def wait_until_ready(self, seconds: float | None, options: Options, now: float) -> Flow[float]:
        """Wait until the Service is ready; the result is what the clock reads then.

        Args:
            seconds: how long; None for as long as it takes.
            options: of the requests.
            now: what the clock reads.

        Raises:
            ServiceUnavailable: it did not become ready in time; the cause is what the last request met.
            Unauthorized, Forbidden: it asks for a token.
        """
        headers = self._credential.added(options.headers)
        now = yield from until_ready(self.base, headers, self._terms(options), self._found, seconds, now)
        self._ready = True
        return now

    def endpoint(self, name: str) -> Endpoint:
        """The endpoint of that name.

        Raises:
            NotFound: the Service has none, or its schema is not known yet.
        """
        service = self.service
        if service is None or name not in service.endpoints:
            where = f"the Service {service.name}" if service else "a Service that is not known yet"
            raise NotFound(f"{where} has no endpoint {name!r}")
        return service.endpoints[name]

    # --- calling it

    def call(
        self, call: Call, uploads: Sequence[Upload], boundary: str, options: Options, now: float
    ) -> Flow[Exchange[object]]:
        """Call an endpoint.

        Args:
            call: the endpoint with its arguments.
            uploads: its files, measured.
            boundary: parts the fields of a form: a random text.
            options: of the call.
            now: what the clock reads.

        Raises:
            TypeError, ValueError: an argument can't be sent; before the first step.
            BentoMLException: the call failed.
        """
        return self._post(call, "", self._reader(call.endpoint), uploads, boundary, options, now)

    def events(
        self, call: Call, uploads: Sequence[Upload], boundary: str, options: Options, now: float
    ) -> Flow[Exchange[ServerSentEvent]]:
        """Call an endpoint and read its answer as server-sent events. Arguments and errors are those of `call`."""
        return self._post(call, "", event_reader(self._limits), uploads, boundary, options, now)

    def request(
        self, method: str, path: str, content: bytes | None, json: object, options: Options, now: float
    ) -> Flow[Exchange[bytes]]:
        """Make a request of the caller's own, to a path under the base URL.

        Args:
            method: the HTTP method.
            path: path and query, percent-encoded.
            content: the body, or None.
            json: what to send as JSON, if there is no other body; None for nothing.
            options: of the request.
            now: what the clock reads.

        Raises:
            ValueError: the method or the path is malformed.
            BentoMLException: the request failed, or the answer has an error status.
        """
        if not method.isascii() or not method.isalpha():
            raise ValueError(f"not an HTTP method: {method!r}")
        kind = "application/json" if content is None and json is not None else None
        body = (to_json(json) if content is None else content,) if kind or content is not None else ()
        request = self._request(method.upper(), self.base.path + checked_target(path), kind, body, options)
        return attempt(request, whole_reader(bytes, self._limits.body), self._terms(options), now)

    # --- tasks

    def submit(self, call: Call, uploads: Sequence[Upload], boundary: str, options: Options, now: float) -> Flow[str]:
        """Queue a call as a task; the result is its id. Arguments and errors are those of `call`.

        Raises:
            TypeError: the endpoint is no task.
        """
        if not call.endpoint.is_task:
            raise TypeError(f"{call.endpoint.name}() is no task")
        exchange = yield from self._post(
            call, "submit", whole_reader(parse_task_id, self._limits.error), uploads, boundary, options, now
        )
        return exchange.result

    def task_status(self, endpoint: Endpoint, task_id: str, options: Options, now: float) -> Flow[ResultStatus]:
        """Where a task stands.

        Raises:
            NotFound: the server knows no such task.
        """
        exchange = yield from self._task("GET", endpoint, "status", task_id, parse_status, options, now)
        return exchange.result

    def task_result(self, endpoint: Endpoint, task_id: str, options: Options, now: float) -> Flow[Exchange[object]]:
        """The result of a task, as a direct call would have given it.

        Raises:
            TaskNotCompleted: there is none yet.
            TaskFailed: the task failed; the cause is what a direct call would have raised.
            NotFound: the server knows no such task.
        """
        get, status = (self._task_request("GET", endpoint, action, task_id, options) for action in ("get", "status"))
        return outcome(get, status, self._reader(endpoint), self._terms(options), now)

    def cancel_task(self, endpoint: Endpoint, task_id: str, options: Options, now: float) -> Flow[None]:
        """Cancel a task.

        Raises:
            InvalidArgument: the server can't; a local one never can.
        """
        yield from self._task("PUT", endpoint, "cancel", task_id, bytes, options, now)

    def retry_task(self, endpoint: Endpoint, task_id: str, options: Options, now: float) -> Flow[str]:
        """Queue a task again, with the input that it had; the result is the new task's id.

        Raises:
            InvalidArgument: it is not over yet.
            NotFound: the server knows no such task.
        """
        exchange = yield from self._task("POST", endpoint, "retry", task_id, parse_task_id, options, now)
        return exchange.result

    def _task(
        self,
        method: str,
        endpoint: Endpoint,
        action: str,
        task_id: str,
        parse: Callable[[bytes], T],
        options: Options,
        now: float,
    ) -> Flow[Exchange[T]]:
        request = self._task_request(method, endpoint, action, task_id, options)
        return attempt(request, whole_reader(parse, self._limits.error), self._terms(options), now)

    def _task_request(self, method: str, endpoint: Endpoint, action: str, task_id: str, options: Options) -> Request:
        target = f"{self._target(endpoint.route, action)}?task_id={quote_segment(task_id)}"
        return self._request(method, target, None, (), options)

    def _post(
        self,
        call: Call,
        action: str,
        reader: Reader[T],
        uploads: Sequence[Upload],
        boundary: str,
        options: Options,
        now: float,
    ) -> Flow[Exchange[T]]:
        content_type, body = encode(call, uploads, boundary)
        target = self._target(call.route, action)
        request = self._request("POST", target, content_type, body, options)
        return attempt(request, reader, self._terms(options), now)

    def _target(self, route: str, action: str) -> str:
        mount = self._found.mount if self._found else self.base.path
        path = mount + quote_route(route)
        return f"{path.rstrip('/')}/{action}" if action else path

    def _request(
        self, method: str, target: str, content_type: str | None, body: tuple[Segment, ...], options: Options
    ) -> Request:
        headers = self._credential.added(options.headers)
        if content_type is not None:  # in place of the caller's, who does not know the boundary of a form
            headers = merged(headers, (("content-type", content_type),))
        return Request(method, self.base.origin, target, headers, body)

    def _reader(self, endpoint: Endpoint) -> Reader[object]:
        reader = self._readers.get(endpoint.name)
        if reader is None:
            make = stream_reader if endpoint.output.is_stream else value_reader
            reader = self._readers[endpoint.name] = make(endpoint.output, self._limits)
        return reader

    def _terms(self, options: Options) -> Terms:
        return Terms(
            options.timeout,
            options.retries,
            self._limits,
            self._cookies,
            self._budget,
            self._chance,
            self._credential.renewed,
        )
