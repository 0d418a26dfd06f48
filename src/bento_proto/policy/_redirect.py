"""Where a redirect sends a request, and what of it may go there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bento_proto._errors import LocalProtocolError, RemoteProtocolError
from bento_proto.http._messages import Request
from bento_proto.http._redaction import HARMLESS
from bento_proto.http._url import resolve

if TYPE_CHECKING:
    from bento_proto.http._messages import Head


def redirected(request: Request, head: Head | None) -> Request:
    """The request to make after one whose answer is a redirect.

    A 303 asks for a GET of something else. All others repeat the request as it was: RFC 9110 section 15.4 asks for
    that with 307 and 308 and allows it with 301 and 302, where the answer to a GET would be no answer to the call.
    To another origin no credential goes along, and no header that could be one.

    Raises:
        RemoteProtocolError: it leads nowhere, from https to http, or the body can't be sent again.
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
