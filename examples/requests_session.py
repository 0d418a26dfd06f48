"""A `requests.Session` carries the requests of a `SyncHTTPClient`: its authentication, proxies, certificates.

python examples/requests_session.py http://localhost:3000 summarize text="A bento is a meal for one"
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import cast

import requests

from bento_client import ConnectError, Stream, SyncHTTPClient
from bento_proto.session import TransportRequest, TransportResponse, map_exceptions


class RequestsTransport:
    def __init__(self, session: requests.Session) -> None:
        self.session = session

    def send(self, request: TransportRequest, /) -> TransportResponse[Iterable[bytes]]:
        content, timeout = cast("bytes | Iterable[bytes]", request.content), request.timeout
        # Before a connection nothing was sent: it may be tried again. Its other exceptions are OSErrors.
        with map_exceptions({requests.ConnectTimeout: ConnectError, requests.Timeout: TimeoutError}):
            response = self.session.request(
                request.method, request.url, headers=dict(request.headers), data=content, stream=True,
                allow_redirects=False, timeout=(timeout.connect, timeout.receive),
            )  # fmt: skip
        blocks = response.iter_content(chunk_size=None)  # as they arrive
        return TransportResponse(response.status_code, response.headers.items(), blocks, response.close, decoded=True)


client = SyncHTTPClient(sys.argv[1], transport=RequestsTransport(requests.Session()))
result = client.call(sys.argv[2], **dict(argument.split("=", 1) for argument in sys.argv[3:]))
for item in result if isinstance(result, Stream) else [result]:
    print(item, end="", flush=True)
