"""All that a client knows and decides, without I/O: its adapters only drive the flows made here.

What finds a Service and what makes requests is loaded with the first session, what few use with its first use.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Final

from bento_proto import exchange, observe, policy, response, schema, session
from bento_proto import request as arguments  # a session has a method of that name
from bento_proto._errors import NotFound
from bento_proto._types import JSON
from bento_proto._version import __version__
from bento_proto.http._headers import checked_fields, merged
from bento_proto.http._limits import Limits, Timeout
from bento_proto.policy._retry import RetryPolicy

from ._options import FileStrings, Images, Options

if TYPE_CHECKING:
    from bento_proto.http._url import BaseURL

_PROBE_TIMEOUT: Final = 5.0


class Session:
    """One client's view of one Service.

    A method that needs a request returns a `Flow` for the adapter to run.

    Args:
        url: where the Service is: see `parse_base_url`.
        token: for ``Authorization: Bearer``, or a function that gives it, which is asked on first use and again
            after a 401; an empty one means none, not even that of the environment.
        timeout: how long to wait for what: see `Timeout.of`.
        server_ready_timeout: how long the first call waits for the Service to become ready, in seconds; by default
            as long as for an answer, 0 for not at all.
        headers: sent with every request.
        retries: what is tried again.
        limits: how much the server may send.
        schema: the content of ``/schema.json``, parsed or not, or a `Service`, to save its request.
        download_dir: where results that are files are put: see `Options`.
        images: what results that are images become: see `Options`.
        hooks: called for each request.
        on_progress: told how far the bodies of calls, and of their answers, have come.
        file_strings: what a ``str`` may be where a file is due: see `Options`.
        environ: the environment variables.
        random: returns a random number from 0 to 1, to spread retries.

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
        schema: schema.Service | bytes | JSON = None,
        download_dir: str | PathLike[str] | None = None,
        images: Images = "pillow",
        hooks: observe.Hooks | Iterable[observe.Hooks] | None = None,
        on_progress: exchange.OnProgress | None = None,
        file_strings: FileStrings = "urls",
        environ: Mapping[str, str],
        random: Callable[[], float],
    ) -> None:
        from bento_proto.http._credentials import Credential
        from bento_proto.http._url import parse_base_url

        from ._requests import Requests

        self.base: BaseURL = parse_base_url(url)
        own = (
            ("accept", "*/*"),
            ("accept-encoding", "gzip, deflate"),
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
        self._requests = Requests(self.base, Credential(self.base, token, environ), limits or Limits(), random)
        if schema is not None:
            from bento_proto.policy._discovery import mounted

            self._requests.discovered = mounted(schema, self.base)
        self._ready = False

    @property
    def service(self) -> schema.Service | None:
        """The Service, once its schema is known."""
        return self._requests.discovered.service if self._requests.discovered else None

    @property
    def tasks(self) -> session.Tasks:
        """What it does with tasks."""
        return session.Tasks(self._requests)

    @property
    def is_connected(self) -> bool:
        """Whether `connect` has nothing left to do."""
        return self._ready and self._requests.discovered is not None

    # --- finding the Service

    def connect(self, options: Options, now: float) -> policy.Flow[schema.Service]:
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
        requests = self._requests
        if requests.discovered is None:
            from bento_proto.policy._discovery import describe

            context = requests.context(options.replace(timeout=options.timeout.within(max(ends - now, 0.0))))
            requests.discovered = yield from describe(self.base, requests.headers(options), context, now)
        return requests.discovered.service

    def is_ready(self, seconds: float | None, options: Options, now: float) -> policy.Flow[bool]:
        """Whether the Service is ready, as far as one request tells; whatever goes wrong means that it isn't.

        Args:
            seconds: how long to wait for the answer; by default as long as for any, but at most 5 seconds.
            options: of the request.
            now: what the clock reads.
        """
        from bento_proto.policy._discovery import probe

        total = min(options.timeout.receive or _PROBE_TIMEOUT, _PROBE_TIMEOUT) if seconds is None else seconds
        requests = self._requests
        context = requests.context(options.replace(timeout=options.timeout.within(total)))
        exchange, _ = yield from probe(self.base, requests.headers(options), context, requests.discovered, now)
        self._ready = self._ready or exchange.error is None
        return exchange.error is None

    def wait_until_ready(self, seconds: float | None, options: Options, now: float) -> policy.Flow[float]:
        """Wait until the Service is ready; the result is what the clock reads then.

        Args:
            seconds: how long; None for as long as it takes.
            options: of the requests.
            now: what the clock reads.

        Raises:
            ServiceUnavailable: it did not become ready in time; the cause is what the last request met.
            Unauthorized, Forbidden: it asks for a token.
        """
        from bento_proto.policy._discovery import until_ready

        requests = self._requests
        headers, context = requests.headers(options), requests.context(options)
        now = yield from until_ready(self.base, headers, context, requests.discovered, seconds, now)
        self._ready = True
        return now

    def endpoint(self, name: str) -> schema.Endpoint:
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
        self,
        call: arguments.BoundCall,
        uploads: Sequence[arguments.Upload],
        boundary: str,
        options: Options,
        now: float,
    ) -> policy.Flow[exchange.Exchange[object]]:
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
        return self._requests.post(call, "", self._requests.reader(call.endpoint), uploads, boundary, options, now)

    def events(
        self,
        call: arguments.BoundCall,
        uploads: Sequence[arguments.Upload],
        boundary: str,
        options: Options,
        now: float,
    ) -> policy.Flow[exchange.Exchange[response.ServerSentEvent]]:
        """Call an endpoint and read its answer as server-sent events. Arguments and errors are those of `call`."""
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
        """Call an endpoint and take its answer as the bytes that come. Arguments and errors are those of `call`."""
        from bento_proto.response._readers import content_reader

        return self._requests.post(call, "", content_reader(), uploads, boundary, options, now)

    def request(
        self, method: str, path: str, content: bytes | None, json: object, options: Options, now: float
    ) -> policy.Flow[exchange.Exchange[bytes]]:
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
        from bento_proto.http._url import checked_target
        from bento_proto.json import to_json
        from bento_proto.policy._attempts import send_request
        from bento_proto.response._readers import whole_reader

        kind = "application/json" if content is None and json is not None else None
        body = (to_json(json) if content is None else content,) if kind or content is not None else ()
        requests = self._requests
        request = requests.make(method.upper(), self.base.path + checked_target(path), kind, body, options)
        context = requests.context(options, options.on_progress)
        return send_request(request, whole_reader(bytes, requests.limits.body), context, now)
