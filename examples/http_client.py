"""The standard library's `http.client` carries the requests of a `SyncHTTPClient`, files included.

python examples/http_client.py http://localhost:3000 summarize text="A bento is a meal for one"
python examples/http_client.py http://localhost:3000 describe img=cat.png
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import cast
from urllib.parse import urlsplit

from bento_client import ConnectError, ConnectionLost, Stream, SyncHTTPClient
from bento_proto.session import TransportRequest, TransportResponse, map_exceptions


class HTTPClientTransport:
    """Opens a connection for each request."""

    def send(self, request: TransportRequest, /) -> TransportResponse[Iterable[bytes]]:
        url, content = urlsplit(request.url), cast("bytes | Iterable[bytes]", request.content)
        connect = HTTPSConnection if url.scheme == "https" else HTTPConnection
        connection = connect(url.hostname or "", url.port, timeout=request.timeout.connect)
        with map_exceptions({OSError: ConnectError}):  # nothing was sent: it may be tried again
            connection.connect()
        connection.sock.settimeout(request.timeout.receive)
        fields = dict(request.headers)
        if request.length is not None:
            fields["content-length"] = str(request.length)
        try:
            with map_exceptions({HTTPException: ConnectionLost}):
                connection.request(request.method, request.url.partition(url.netloc)[2], content, fields)
                response = connection.getresponse()
        except BaseException:
            connection.close()
            raise
        return TransportResponse(response.status, response.getheaders(), blocks(response), connection.close)


def blocks(response: HTTPResponse) -> Iterator[bytes]:
    with response, map_exceptions({HTTPException: ConnectionLost}):
        while block := response.read1(65536):  # as they arrive
            yield block


client = SyncHTTPClient(sys.argv[1], transport=HTTPClientTransport(), file_strings="both")
result = client.call(sys.argv[2], **dict(argument.split("=", 1) for argument in sys.argv[3:]))
for item in result if isinstance(result, Stream) else [result]:
    print(item, end="", flush=True)
