"""Finding a Service: whether it is ready, where it is mounted, and what its schema says.

BentoML with a ``path_prefix`` serves ``/schema.json`` at the root and ``/readyz`` under the prefix only. A gateway that
publishes a Service under a path serves both there. No base URL fits both, so each is looked for in both places.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from bento_proto._frozen import Frozen
from bento_proto.errors import BentoMLException, CallTimeout, NotFound, ServiceUnavailable
from bento_proto.http._messages import FailureKind, Request
from bento_proto.json import parse_json
from bento_proto.response._readers import document_reader
from bento_proto.schema._service import Service, parse_service

from ._attempts import CallContext, send_request
from ._flow import Flow
from ._retry import NEVER

if TYPE_CHECKING:
    from typing import Final

    from bento_proto._types import JSON, Fields
    from bento_proto.exchange._exchange import Exchange
    from bento_proto.http._url import BaseURL

# Seconds for one readiness request: a server that starts accepts connections and does not respond.
_PROBE: Final = 3.0
_LAST_PROBE: Final = 0.1  # for the one that begins when the timeout expires
_FIRST_PAUSE: Final = 0.05
_LONGEST_PAUSE: Final = 1.0
_SILENCE: Final = 3.0  # seconds of waiting before the log says so
_TRANSIENT: Final = frozenset({408, 425, 429, 500, 502, 503, 504})  # of a server, or one before it, that starts


class DiscoveredService(Frozen):
    """A Service, and where it is mounted.

    Attributes:
        service: the Service.
        mount: the prefix of its routes, percent-encoded: the path of the base URL if a gateway strips that, or
            empty if the routes contain it already.
    """

    service: Service
    mount: str


def mounted(schema: Service | bytes | JSON, base: BaseURL) -> DiscoveredService:
    """A Service whose schema is given, at a base URL.

    Raises:
        SchemaError: the schema can't be understood.
    """
    service = schema if isinstance(schema, Service) else parse_service(schema)
    if not base.path:
        return DiscoveredService(service, "")
    from bento_proto.http._url import quote_route

    under = all(quote_route(endpoint.route).startswith(base.path + "/") for endpoint in service.endpoints.values())
    return DiscoveredService(service, "" if under else base.path)


def describe(base: BaseURL, headers: Fields, context: CallContext, now: float) -> Flow[DiscoveredService]:
    """Fetch the schema from the base URL's path, or else from the root if its routes are under that path.

    Raises:
        SchemaError: the schema can't be understood.
        BentoMLException: the request for it failed.
    """
    exchange, mount, _ = yield from _search(base, headers, context, now, context.deadline(now))
    error = exchange.error
    if error is not None:
        raise _explained(error, base, f"{mount}/schema.json")
    return DiscoveredService(exchange.result, mount)


def documents(
    known: DiscoveredService, base: BaseURL, headers: Fields, context: CallContext, now: float
) -> Flow[DiscoveredService]:
    """The Service with the descriptions in its ``/docs.json``, if its schema has none and these can be had."""
    if any(endpoint.doc for endpoint in known.service.endpoints.values()):
        return known
    from bento_proto.http._url import quote_route
    from bento_proto.schema._openapi import documented

    path = f"{base.path or quote_route(known.service.prefix)}/docs.json"
    reader = document_reader(lambda data: documented(known.service, parse_json(data)), context.limits.schema)
    request = Request("GET", base.origin, path, headers)
    exchange = yield from send_request(request, reader, context, now, raising=False)
    return known if exchange.error is not None else known.replace(service=exchange.result)


def _search(
    base: BaseURL, headers: Fields, context: CallContext, now: float, deadline: float | None
) -> Flow[tuple[Exchange[Service], str, float]]:
    """Look for the schema. Return the exchange that decided, the prefix of its path, and the time."""
    reader = document_reader(parse_service, context.limits.schema)
    request = Request("GET", base.origin, f"{base.path}/schema.json", headers)
    exchange = yield from send_request(request, reader, context, now, deadline, raising=False)
    now += exchange.elapsed
    if not base.path or not isinstance(exchange.error, NotFound):
        return exchange, base.path, now
    request = Request("GET", base.origin, "/schema.json", headers)
    exchange = yield from send_request(request, reader, context, now, deadline, raising=False)
    if exchange.error is None and mounted(exchange.result, base).mount:
        exchange.error = NotFound("the Service at the root is another one: its routes are not under the path")
    return exchange, "", now + exchange.elapsed


def _explained(error: BentoMLException, base: BaseURL, path: str) -> BentoMLException:
    """The error of a request that the client made by itself, saying what was asked for."""
    if isinstance(error, NotFound):
        error.message = f"there is no /schema.json at {base.origin}{base.path}: is it the URL of a BentoML Service?"
    else:
        error.message = f"can't read {base.origin}{path}: {error.message}"
    return error


def _is_permanent(exchange: Exchange[Service] | Exchange[bytes]) -> bool:
    """Whether to ask again is of no use: no BentoML Service responds, or it refuses this client."""
    head, failure = exchange.head, exchange.failure
    if failure is not None:
        is_foreign = failure.kind is FailureKind.PROTOCOL and head is None
        return is_foreign or failure.kind in (FailureKind.TLS, FailureKind.PROXY)
    return head is not None and head.status not in _TRANSIENT


def _hint(exchange: Exchange[Service] | Exchange[bytes]) -> str:
    """What else may be behind a connection that broke without a response, of which the usual cause is a start."""
    failure = exchange.failure
    if failure is None or failure.kind is not FailureKind.DISCONNECTED or exchange.head is not None:
        return ""
    is_plain = exchange.request.origin.scheme == "http" and exchange.request.origin.socket is None
    return "; if the server speaks TLS, its URL must start with https://" if is_plain else ""


def probe(
    base: BaseURL,
    headers: Fields,
    context: CallContext,
    known: DiscoveredService | None,
    now: float,
    delay: float = 0.0,
) -> Flow[tuple[Exchange[bytes] | Exchange[Service], float]]:
    """Ask once whether the Service is ready. It is if the exchange that is returned has no error.

    Args:
        base: the base URL.
        headers: of the requests.
        context: of the requests; there are no retries.
        known: the Service, if its schema is known.
        now: the time.
        delay: how long to wait before, in seconds.

    Returns:
        The exchange that decided, and the time after it.
    """
    context = context.replace(retries=NEVER)
    deadline = context.deadline(now + delay)
    reader = document_reader(bytes, context.limits.error)
    request = Request("GET", base.origin, f"{base.path}/readyz", headers)
    exchange = yield from send_request(request, reader, context, now, deadline, delay=delay, raising=False)
    now += exchange.elapsed
    if not isinstance(exchange.error, NotFound):
        return exchange, now
    if known is None:
        found, mount, now = yield from _search(base, headers, context, now, deadline)
        if found.error is not None:
            return exchange if _is_permanent(found) else found, now
        known = DiscoveredService(found.result, mount)
    from bento_proto.http._url import quote_route

    prefix = quote_route(known.service.prefix)
    if known.mount or not prefix or prefix == base.path:
        exchange.error = None  # it served its schema, so it is there; something hides /readyz
        return exchange, now
    request = Request("GET", base.origin, f"{prefix}/readyz", headers)
    exchange = yield from send_request(request, reader, context, now, deadline, raising=False)
    now += exchange.elapsed
    if isinstance(exchange.error, NotFound):
        exchange.error = None  # the routes begin alike by chance
    return exchange, now


def until_ready(
    base: BaseURL,
    headers: Fields,
    context: CallContext,
    known: DiscoveredService | None,
    seconds: float | None,
    now: float,
) -> Flow[float]:
    """Ask until the Service is ready, with pauses that grow; the result is the time then.

    Args:
        base: the base URL.
        headers: of the requests.
        context: of the requests.
        known: the Service, if its schema is known.
        seconds: how long to wait; None for no limit.
        now: the time.

    Raises:
        ServiceUnavailable: it did not become ready in time; the cause is the error of the last request.
        BentoMLException: waiting is of no use, as TLS or the proxy failed, or what responds is no BentoML Service
            (`NotFound`) or refuses this client (`Unauthorized`, `Forbidden`).
    """
    deadline = None if seconds is None else now + seconds
    delay, pause = 0.0, _FIRST_PAUSE
    warning = now + _SILENCE
    cause: BentoMLException | None = None
    while True:
        patience = _PROBE if deadline is None else min(_PROBE, max(deadline - now - delay, _LAST_PROBE))
        timeout = context.timeout.replace(total=None).within(patience)
        exchange, now = yield from probe(base, headers, context.replace(timeout=timeout), known, now, delay)
        error = exchange.error
        if error is None:
            return now
        if _is_permanent(exchange):
            raise _explained(error, base, f"{base.path}/readyz")
        if cause is None or not isinstance(error, CallTimeout):
            cause = error  # a timeout of the last, short request says nothing
            cause.message += _hint(exchange)
        if deadline is not None and now >= deadline:
            text = f"{base.origin}{base.path} is not ready after {seconds:g} seconds: {cause}"
            unready = ServiceUnavailable(text)
            unready.__notes__ = [
                "server_ready_timeout=... of the client, or the argument of wait_until_server_ready, limits the wait"
            ]
            raise unready from cause
        if now >= warning:
            from bento_proto.observe._log import warn_of_waiting  # rarely needed

            warn_of_waiting(f"{base.origin}{base.path}", seconds, cause)
            warning = math.inf
        delay = pause * (1 - context.random() / 4)
        if deadline is not None:
            delay = min(delay, deadline - now)
        pause = min(2 * pause, _LONGEST_PAUSE)
