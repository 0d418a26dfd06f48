"""A session: the state of one client, and the flows that its adapter runs.

Discovery and requests are imported with the first session, what is rarely needed with its first use.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Final

from bento_proto import exchange, http, observe, policy, response, schema, session
from bento_proto import request as arguments  # a session has a method of that name
from bento_proto._types import JSON
from bento_proto._version import __version__
from bento_proto.errors import NotFound
from bento_proto.http._headers import checked_fields, merged
from bento_proto.http._limits import Limits, Timeout
from bento_proto.http._redaction import without_frames
from bento_proto.policy._retry import RetryPolicy

from ._options import FileStrings, Images, Options

if TYPE_CHECKING:
    from bento_proto.exchange._body import Reader
    from bento_proto.http._url import BaseURL

_PROBE_TIMEOUT: Final = 5.0


class Session:
    """The state of one client of one Service.

    A method that needs requests returns a `Flow`, which the adapter runs.

    Args:
        url: the base URL: see `parse_base_url`.
        token: the bearer token, or a function that returns it, which is called before the first request and again after
            a 401; an empty one means none, not even that of the environment.
        timeout: the timeouts: see `Timeout.of`.
        server_ready_timeout: the seconds that the first call waits for the Service to become ready; by default the
            timeout ``receive``, 0 for no waiting.
        headers: header fields of every request.
        retries: the retry policy, or the number of retries.
        limits: the limits of responses.
        schema: the content of ``/schema.json``, as bytes or parsed, or a `Service`; it is not requested then.
        download_dir: the directory for results that are files: see `Options`.
        images: the type of results that are images: see `Options`.
        hooks: the hooks of each request.
        on_progress: called with the progress of uploads and downloads.
        file_strings: the meaning of a ``str`` where a file is due: see `Options`.
        environ: the environment variables.
        random: returns a random number from 0 to 1, to spread retries.
        asynchronous: whether the adapter awaits the ``acomplete()`` of a step's authorization, so that ``token`` and
            ``auth`` may be async functions.
        auth: returns the header fields to add to a request, right before it is sent: see `BaseClient`.

    Attributes:
        options: the options of the client.
        base: the parsed base URL.

    Raises:
        TypeError, ValueError: an argument is invalid.
        SchemaError: the given schema is not that of a Service.
    """

    @without_frames
    def __init__(
        self,
        url: str,
        *,
        token: str | Callable[[], str | Awaitable[str]] | None = None,
        timeout: Timeout | float | None = 30.0,
        server_ready_timeout: float | None = None,
        headers: Mapping[str, str] | None = None,
        retries: RetryPolicy | int | None = None,
        limits: Limits | None = None,
        schema: schema.Service | bytes | JSON = None,
        download_dir: str | PathLike[str] | None = None,
        images: Images = "pillow",
        hooks: observe.Hooks | Iterable[observe.Hooks] | None = None,
        on_progress: exchange.OnProgress | None = None,
        file_strings: FileStrings = "urls",
        environ: Mapping[str, str],
        random: Callable[[], float],
        asynchronous: bool = False,
        auth: http.Auth | None = None,
    ) -> None:
        from bento_proto.http._accept_encoding import accept_encoding
        from bento_proto.http._credentials import Credential
        from bento_proto.http._url import parse_base_url

        from ._requests import Requests

        self.base: BaseURL = parse_base_url(url)
        own = (
            ("accept", "*/*"),
            ("accept-encoding", accept_encoding()),
            ("user-agent", f"bento-client/{__version__}"),
        )
        self.options: Options = Options(
            Timeout.of(timeout),
            merged(own, checked_fields(headers)),
            RetryPolicy() if retries is None else RetryPolicy.of(retries),
        ).changed(
            download_dir=download_dir, images=images, hooks=hooks, on_progress=on_progress, file_strings=file_strings
        )
        if server_ready_timeout is not None and not server_ready_timeout >= 0:
            raise ValueError(f"server_ready_timeout must be a number of seconds from 0 up: {server_ready_timeout!r}")
        self._ready_timeout = self.options.timeout.receive if server_ready_timeout is None else server_ready_timeout
        credential = Credential(self.base, token, environ, auth, asynchronous=asynchronous)
        self._requests = Requests(self.base, credential, limits or Limits(), random)
        if schema is not None:
            from bento_proto.policy._discovery import mounted

            self._requests.discovered = mounted(schema, self.base)
        self._ready = False
        self._learned = False

    @property
    def service(self) -> schema.Service | None:
        """The Service; None until its schema is known."""
        return self._requests.discovered.service if self._requests.discovered else None

    @property
    def tasks(self) -> session.Tasks:
        """The tasks of the Service."""
        return session.Tasks(self._requests)

    @property
    def is_connected(self) -> bool:
        """Whether the Service is known and has been ready, so that `connect` needs no request."""
        return self._ready and self._requests.discovered is not None

    # --- discovery

    def connect(self, options: Options, now: float) -> policy.Flow[schema.Service]:
        """Wait for the Service to become ready, the first time, and fetch its schema, unless it is known.

        Raises:
            ServiceUnavailable: it did not become ready in time.
            SchemaError: its schema is not the schema of a Service.
            BentoMLException: the request of its schema failed.
        """
        ends = math.inf if options.timeout.total is None else now + options.timeout.total
        if not self._ready and self._ready_timeout != 0:
            seconds = min(math.inf if self._ready_timeout is None else self._ready_timeout, ends - now)
            now = yield from self.wait_until_ready(None if seconds == math.inf else seconds, options, now)
        self._ready = True
        requests = self._requests
        if requests.discovered is None:
            from bento_proto.policy._discovery import describe

            context = requests.context(options.replace(timeout=options.timeout.within(max(ends - now, 0.0))))
            requests.discovered = yield from describe(self.base, requests.headers(options), context, now)
        return requests.discovered.service

    def learn(self, options: Options, now: float) -> policy.Flow[None]:
        """Find out for a person what the Service is: its schema, and once the descriptions that the schema lacks.

        It asks whether or not the Service is ready, and waits for nothing.

        Raises:
            BentoMLException: there is no schema.
        """
        from bento_proto.policy._discovery import describe, documents

        requests = self._requests
        headers, context = requests.headers(options), requests.context(options.replace(retries=RetryPolicy.of(0)))
        if requests.discovered is None:
            requests.discovered = yield from describe(self.base, headers, context, now)
        if not self._learned:
            self._learned = True  # what has no descriptions is not asked again
            requests.discovered = yield from documents(requests.discovered, self.base, headers, context, now)

    @property
    def needs_learning(self) -> bool:
        """Whether `learn` could find out more."""
        return not self._learned or self.service is None

    def is_ready(self, seconds: float | None, options: Options, now: float) -> policy.Flow[bool]:
        """Whether the Service is ready: one request; any error means that it is not.

        Args:
            seconds: the timeout of the request; by default the timeout ``receive``, but at most 5 seconds.
            options: the options of the request.
            now: the current time.
        """
        from bento_proto.policy._discovery import probe

        total = min(options.timeout.receive or _PROBE_TIMEOUT, _PROBE_TIMEOUT) if seconds is None else seconds
        requests = self._requests
        context = requests.context(options.replace(timeout=options.timeout.within(total)))
        exchange, _ = yield from probe(self.base, requests.headers(options), context, requests.discovered, now)
        self._ready = self._ready or exchange.error is None
        return exchange.error is None

    def wait_until_ready(self, seconds: float | None, options: Options, now: float) -> policy.Flow[float]:
        """Wait for the Service to become ready; the result is the time then.

        Args:
            seconds: the longest time to wait; None for no limit.
            options: the options of the requests.
            now: the current time.

        Raises:
            ServiceUnavailable: it did not become ready in time; the cause is the error of the last request.
            Unauthorized, Forbidden: it requires a token.
        """
        from bento_proto.policy._discovery import until_ready

        requests = self._requests
        headers, context = requests.headers(options), requests.context(options)
        now = yield from until_ready(self.base, headers, context, requests.discovered, seconds, now)
        self._ready = True
        return now

    @property
    def control(self) -> policy.CongestionControl:
        """How many calls the Service takes at a time, of batches and of adaptive retry policies."""
        return self._requests.control

    def close(self) -> None:
        """End the wait of calls that wait for their turn: see `Step.wait`."""
        self._requests.queue.closings += 1

    def after_fork(self) -> None:
        """Forget the calls of the parent process, in a forked child, where their places would never be free."""
        self._requests.queue.after_fork()

    @property
    def limits(self) -> Limits:
        """The limits of the client."""
        return self._requests.limits

    def endpoint(self, name: str) -> schema.Endpoint:
        """The endpoint of a name.

        Raises:
            NotFound: the Service has none, or its schema is not known yet.
        """
        service = self.service
        if service is None or name not in service.endpoints:
            unknown = f"a Service that is not known yet has no endpoint {name!r}"
            raise NotFound(unknown if service is None else schema.unknown_endpoint(service, name))
        return service.endpoints[name]

    # --- calls

    def call(
        self,
        call: arguments.BoundCall,
        uploads: Sequence[arguments.Upload],
        boundary: str,
        options: Options,
        now: float,
    ) -> policy.Flow[exchange.Exchange[object]]:
        """Call an endpoint.

        Args:
            call: the bound call.
            uploads: its files: see `bento_proto.request.encode`.
            boundary: the boundary of a form: a random string.
            options: the options of the call.
            now: the current time.

        Raises:
            TypeError, ValueError: an argument can't be encoded; raised before the first step.
            BentoMLException: the call failed.
        """
        return self._requests.call(call, uploads, boundary, options, now)

    def events(
        self,
        call: arguments.BoundCall,
        uploads: Sequence[arguments.Upload],
        boundary: str,
        options: Options,
        now: float,
    ) -> policy.Flow[exchange.Exchange[response.ServerSentEvent]]:
        """Call an endpoint and decode its response as server-sent events. Arguments and errors are those of `call`."""
        from bento_proto.response._readers import event_reader

        return self._requests.post(call, "", event_reader(self._requests.limits), uploads, boundary, options, now)

    def content(
        self,
        call: arguments.BoundCall,
        uploads: Sequence[arguments.Upload],
        boundary: str,
        options: Options,
        now: float,
    ) -> policy.Flow[exchange.Exchange[bytes]]:
        """Call an endpoint and get the body of its response as bytes. Arguments and errors are those of `call`."""
        from bento_proto.response._readers import content_reader

        return self._requests.post(call, "", content_reader(), uploads, boundary, options, now)

    def request(
        self, method: str, path: str, content: bytes | None, json: object, options: Options, now: float
    ) -> policy.Flow[exchange.Exchange[bytes]]:
        """Send any request to a path under the base URL.

        Args:
            method: the HTTP method.
            path: path and query, percent-encoded.
            content: the body, or None.
            json: a value to send as JSON, if ``content`` is None; None for no body.
            options: the options of the request.
            now: the current time.

        Raises:
            ValueError: the method or the path is malformed.
            BentoMLException: the request failed, or the response has an error status.
        """
        asked = arguments.client_request(method, path, content=content, json=json if content is None else None)
        return self._requested(asked, (), "", options, now, raising=True)

    def send(
        self,
        asked: arguments.ClientRequest,
        uploads: Sequence[arguments.Upload],
        boundary: str,
        options: Options,
        now: float,
    ) -> policy.Flow[response.Content]:
        """Send any request; the result is the response, whatever its status.

        Args:
            asked: what to send.
            uploads: its files.
            boundary: the boundary of a form with files: a random string.
            options: the options of the request.
            now: the current time.

        Raises:
            ValueError: the URL is malformed, or of another origin.
            BentoMLException: there is no response.
        """
        exchange = yield from self._requested(asked, uploads, boundary, options, now, raising=False)
        if exchange.error is not None and not exchange.is_refused:
            raise exchange.error
        assert exchange.head is not None
        return response.Content(
            exchange.head, exchange.error_body if exchange.is_refused else exchange.result, exchange
        )

    def stream(
        self,
        asked: arguments.ClientRequest,
        uploads: Sequence[arguments.Upload],
        boundary: str,
        options: Options,
        now: float,
    ) -> policy.Flow[exchange.Exchange[bytes]]:
        """Send any request; the result is the exchange, whose items are the body, or which `is_refused`.

        Arguments and errors are those of `send`.
        """
        from bento_proto.response._readers import bytes_reader

        reader = bytes_reader()
        exchange = yield from self._requested(asked, uploads, boundary, options, now, raising=False, reader=reader)
        if exchange.error is not None and not exchange.is_refused and not exchange.is_streaming:
            raise exchange.error
        return exchange

    def _requested(
        self,
        asked: arguments.ClientRequest,
        uploads: Sequence[arguments.Upload],
        boundary: str,
        options: Options,
        now: float,
        *,
        raising: bool,
        reader: Reader[bytes] | None = None,
    ) -> policy.Flow[exchange.Exchange[bytes]]:
        from bento_proto.http._url import target_of
        from bento_proto.policy._attempts import send_request
        from bento_proto.response._readers import whole_reader

        requests, body = self._requests, asked.encoded(uploads, boundary)
        is_given = any(name.lower() == "content-type" for name, _ in options.headers) and asked.body is not None
        kind = None if is_given else body.content_type or None
        request = requests.make(asked.method, target_of(asked.url, self.base), kind, body.segments, options)
        context = requests.call_context(options)
        reader = reader or whole_reader(bytes, requests.limits.body)
        return send_request(request, reader, context, now, raising=raising)
