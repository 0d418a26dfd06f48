"""Responses of endpoints that something else has received: a proxy, a gateway, a log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, cast

from bento_proto._types import Fields
from bento_proto.exchange._body import ResultKind
from bento_proto.exchange._exchange import Exchange, State
from bento_proto.exchange._failures import refusal
from bento_proto.http._content_headers import file_name
from bento_proto.http._headers import without_coding
from bento_proto.http._limits import Limits
from bento_proto.http._messages import Data, End, Head, Origin, Request
from bento_proto.request._file import File
from bento_proto.schema._service import Endpoint

from ._readers import stream_reader, value_reader
from ._response import Response

_SOMEWHERE: Final = Origin("http", "unknown.invalid", 80)  # RFC 2606: no host has this name


def exchange_for(
    endpoint: Endpoint, *, limits: Limits | None = None, request: Request | None = None
) -> Exchange[object]:
    """An exchange that reads one response of an endpoint, wherever its events come from.

    Args:
        endpoint: the endpoint that responds.
        limits: the limits of the response.
        request: the request, which errors name; by default one to the host ``unknown.invalid``.
    """
    reader = (stream_reader if endpoint.output.is_stream else value_reader)(endpoint.output, limits or Limits())
    return Exchange(request or Request("POST", _SOMEWHERE, endpoint.route), reader, limits or Limits())


def read_response(
    endpoint: Endpoint,
    status: int,
    headers: Sequence[tuple[str, str]],
    body: bytes,
    *,
    decoded: bool = False,
    limits: Limits | None = None,
) -> Response[object]:
    """A complete response of an endpoint, decoded by the endpoint's schema.

    The ``value`` of the response is the result: of a stream a list of its items, of a file or an image a `File` with
    its bytes, name and media type. The bare numbers of a stream can't be told apart without the ends of the chunks that
    they came in: for such a body use `exchange_for`, and ``Data(piece, ends_chunk=True)``.

    Args:
        endpoint: the endpoint that responded.
        status: the final status.
        headers: the header fields, as pairs.
        body: the whole body, transfer coding removed.
        decoded: whether its content coding (gzip) is removed, too.
        limits: the limits of the response.

    Raises:
        BentoMLException: the error that a client raises for this response. A redirect is one, too.
        LocalProtocolError: the status or the headers are of another type.
    """
    exchange = exchange_for(endpoint, limits=limits)
    head = Head(status, cast("Fields", headers))  # which checks them
    if decoded:
        head = Head(status, without_coding(head.headers))
    exchange.receive(head)
    items: list[object] = []
    for event in (Data(body), End()):
        if not exchange.is_over:
            items += exchange.receive(event)
    if exchange.state is State.REDIRECTED:
        raise refusal(head, b"")
    if exchange.error is not None:
        raise exchange.error
    if exchange.result_kind is ResultKind.VALUE:
        return Response(head, exchange.result)
    if exchange.result_kind is ResultKind.ITEMS:
        return Response(head, items)
    content = b"".join(item for item in items if isinstance(item, bytes))
    return Response(head, File(content, file_name(head), head.get("content-type")))
