"""A `requests.Session` carries the requests of a `SyncHTTPClient`: its authentication, proxies, certificates.

python examples/requests_session.py http://localhost:3000 summarize text="A bento is a meal for one"
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import cast

import requests

from bento_client import BentoMLException, ConnectError, Stream, SyncHTTPClient
from bento_proto.session import TransportRequest, TransportResponse


class RequestsTransport:
    def __init__(self, session: requests.Session) -> None:
        self.session = session

    def send(self, request: TransportRequest, /) -> TransportResponse[Iterable[bytes]]:
        content, timeout = cast("bytes | Iterable[bytes]", request.content), request.timeout
        try:
            response = self.session.request(
                request.method, request.url, headers=dict(request.headers), data=content, stream=True,
                allow_redirects=False, timeout=(timeout.connect, timeout.receive),
            )  # fmt: skip
        except requests.ConnectTimeout as error:  # nothing was sent: it may be tried again
            raise ConnectError(str(error)) from error
        except requests.Timeout as error:
            raise TimeoutError(str(error)) from error
        blocks = response.iter_content(chunk_size=None)  # as they arrive
        return TransportResponse(response.status_code, response.headers.items(), blocks, response.close, decoded=True)


if __name__ == "__main__":
    client = SyncHTTPClient(sys.argv[1], transport=RequestsTransport(requests.Session()))
    try:
        result = client.call(sys.argv[2], **dict(argument.split("=", 1) for argument in sys.argv[3:]))
        for item in result if isinstance(result, Stream) else [result]:
            print(item, end="", flush=True)
    except BentoMLException as error:
        sys.exit(f"{type(error).__name__}: {error}")
