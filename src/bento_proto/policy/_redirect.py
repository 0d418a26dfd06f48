"""Redirects: where to, and what of the request may go there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bento_proto.errors import LocalProtocolError, RemoteProtocolError
from bento_proto.http._messages import Request
from bento_proto.http._redaction import HARMLESS
from bento_proto.http._url import resolve

if TYPE_CHECKING:
    from bento_proto.http._messages import Head


def redirected(request: Request, head: Head | None) -> Request:
    """The request that follows a redirect.

    After a 303 it is a GET. After all others it is the same request: RFC 9110 section 15.4 requires that of 307 and
    308 and allows it for 301 and 302, where the response to a GET would not answer the call. To another origin only
    headers go that can't be credentials.

    Raises:
        RemoteProtocolError: the Location is malformed or leads from https to http, or the body can't be sent again.
    """
    location = head.get("location") if head is not None else None
    if head is None or location is None:
        raise LocalProtocolError("the exchange is no redirect")
    origin, target = resolve(request.origin, request.target, location)
    headers = request.headers
    if origin != request.origin:
        headers = tuple(field for field in headers if field[0] in HARMLESS)
    if head.status == 303:
        return Request("GET", origin, target, tuple(field for field in headers if field[0] != "content-type"))
    if not request.replayable:
        raise RemoteProtocolError(f"the server redirects (status {head.status}) a body that can't be sent again")
    return Request(request.method, origin, target, headers, request.body)
