"""The requests of one client, and the flows that send them."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from bento_proto._frozen import Frozen
from bento_proto.http._cookies import Cookies
from bento_proto.http._headers import merged
from bento_proto.http._limits import Limits
from bento_proto.http._messages import Request
from bento_proto.http._url import quote_route
from bento_proto.policy._admission import AdmissionQueue
from bento_proto.policy._attempts import CallContext, send_request
from bento_proto.policy._congestion import CongestionControl
from bento_proto.policy._flow import Flow
from bento_proto.policy._retry import RetryBudget
from bento_proto.request._binding import check_file_strings
from bento_proto.request._encoding import JSON_TYPE, encode, encode_simple
from bento_proto.response._readers import stream_reader, value_reader

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import EllipsisType

    from bento_proto._types import Fields
    from bento_proto.exchange._body import Reader
    from bento_proto.exchange._exchange import Exchange
    from bento_proto.exchange._progress import OnProgress
    from bento_proto.http._credentials import Credential
    from bento_proto.http._messages import Segment
    from bento_proto.http._url import BaseURL
    from bento_proto.policy._discovery import DiscoveredService
    from bento_proto.request._binding import BoundCall
    from bento_proto.request._encoding import Upload
    from bento_proto.schema._service import Endpoint

    from ._options import Options

T = TypeVar("T")


class _Prepared(Frozen):
    """The request of an endpoint's last call, without its body: a call with the same credential and options uses it.

    Attributes:
        credential: the Authorization value, which may change.
        options: the options of the call.
        request: the request without its body.
        context: the context of the call.
        reader: the reader of the endpoint's responses.
    """

    credential: str | EllipsisType | None
    options: Options
    request: Request
    context: CallContext
    reader: Reader[object]


class Requests:
    """The requests of one client, with the state that they share: credential, cookies, retry budget.

    Args:
        base: the base URL.
        credential: the credential of the client.
        limits: the limits of responses.
        random: returns a random number from 0 to 1, to spread retries.

    Attributes:
        discovered: the Service and the path that it is mounted at; None until it is known.
        control: how many calls of batches, and of adaptive policies, the Service takes at a time.
        queue: the plain calls that wait for their turn.
    """

    def __init__(self, base: BaseURL, credential: Credential, limits: Limits, random: Callable[[], float]) -> None:
        self.limits: Limits = limits
        self.discovered: DiscoveredService | None = None
        self._base = base
        self._credential = credential
        self._random = random
        self._cookies = Cookies()
        self._budget = RetryBudget()
        self.control: CongestionControl = CongestionControl(random)
        self.queue: AdmissionQueue = AdmissionQueue(self.control)
        self._readers: dict[str, Reader[object]] = {}
        self._prepared: dict[str, _Prepared] = {}

    def __getstate__(self) -> tuple[BaseURL, Credential, Limits, Callable[[], float], DiscoveredService | None]:
        # Cookies and the retry budget belong to the process.
        return self._base, self._credential, self.limits, self._random, self.discovered

    def __setstate__(
        self, state: tuple[BaseURL, Credential, Limits, Callable[[], float], DiscoveredService | None]
    ) -> None:
        base, credential, limits, random, discovered = state
        Requests.__init__(self, base, credential, limits, random)
        self.discovered = discovered

    def headers(self, options: Options) -> Fields:
        """The header fields of a request without a body."""
        return self._credential.added(options.headers)

    def make(
        self, method: str, target: str, content_type: str | None, body: tuple[Segment, ...], options: Options
    ) -> Request:
        """Make a request to the Service."""
        headers = self.headers(options)
        if content_type is not None:  # replaces the caller's, who can't know the boundary of a form
            headers = merged(headers, (("content-type", content_type),))
        return Request(method, self._base.origin, target, headers, body)

    def call(
        self, call: BoundCall, uploads: Sequence[Upload], boundary: str, options: Options, now: float
    ) -> Flow[Exchange[object]]:
        """Send a call to its endpoint: see `Session.call`."""
        endpoint = call.endpoint
        if not endpoint.is_simple:
            return self.post(call, "", self.reader(endpoint), uploads, boundary, options, now)
        body = (encode_simple(call),)
        credential = self._credential.header
        last = self._prepared.get(endpoint.name)
        if last is None or credential is ... or last.credential is not credential or last.options is not options:
            request = self.make("POST", self.target(call.route), JSON_TYPE, (), options)
            context = self.call_context(options)
            last = _Prepared(credential, options, request, context, self.reader(endpoint))
            self._prepared[endpoint.name] = last
        return send_request(last.request.with_body(body), last.reader, last.context, now)

    def post(
        self,
        call: BoundCall,
        action: str,
        reader: Reader[T],
        uploads: Sequence[Upload],
        boundary: str,
        options: Options,
        now: float,
    ) -> Flow[Exchange[T]]:
        """Send a call to its endpoint, or to an action of it such as ``submit``, and read its response by a reader."""
        check_file_strings(call, options.file_strings)
        body = encode(call, uploads, boundary)
        request = self.make("POST", self.target(call.route, action), body.content_type, body.segments, options)
        return send_request(request, reader, self.call_context(options), now)

    def target(self, route: str, action: str = "") -> str:
        """The path of an endpoint, or of an action of it, percent-encoded."""
        mount = self.discovered.mount if self.discovered else self._base.path
        path = mount + quote_route(route)
        return f"{path.rstrip('/')}/{action}" if action else path

    def reader(self, endpoint: Endpoint) -> Reader[object]:
        """The reader of an endpoint's responses."""
        reader = self._readers.get(endpoint.name)
        if reader is None:
            make = stream_reader if endpoint.output.is_stream else value_reader
            reader = self._readers[endpoint.name] = make(endpoint.output, self.limits)
        return reader

    def call_context(self, options: Options) -> CallContext:
        """The context of a call of an endpoint, or of a request of the caller's own."""
        context = self.context(options, options.on_progress)
        return context.replace(queue=self.queue) if options.retries.adaptive else context

    def context(self, options: Options, on_progress: OnProgress | None = None) -> CallContext:
        """The context of a call with these options."""
        return CallContext(
            options.timeout,
            options.retries,
            self.limits,
            self._cookies,
            self._budget,
            self._random,
            self._credential.renewed,
            options.hooks,
            on_progress,
            self._credential if self._credential.is_deferred else None,
        )
