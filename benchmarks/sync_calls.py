"""The small JSON call, from one thread or many. Each contender is a function that returns a function for one call."""

from __future__ import annotations

# mypy: disable-error-code="import-not-found,import-untyped"
import http.client
import json
import socket
import ssl
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from benchmarks.work import ARGUMENTS

Call = Callable[[], object]

HEAD = (
    b"POST /classify HTTP/1.1\r\nhost: %s\r\naccept: */*\r\naccept-encoding: gzip, deflate\r\n"
    b"user-agent: raw\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
)


def connect(url: str) -> socket.socket:
    """Return a connected socket, with TLS for https."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    sock = socket.create_connection((host, parts.port or 80))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock if parts.scheme == "http" else ssl.create_default_context().wrap_socket(sock, server_hostname=host)


def raw(url: str) -> Call:
    """The lower limit: a socket, one send, one receive, and the JSON."""
    host = urlsplit(url).netloc.encode()
    sock = connect(url)

    def call() -> object:
        body = json.dumps(ARGUMENTS).encode()
        sock.sendall(HEAD % (host, len(body)) + body)
        data = b""
        while (answer := answer_in(data)) is None:
            data += sock.recv(1 << 16)
        return answer

    return call


def answer_in(data: bytes) -> object | None:
    """Return the decoded body, or None while the response is incomplete."""
    head, end, body = data.partition(b"\r\n\r\n")
    if not end:
        return None
    length = head.index(b"content-length: ") + 16
    if len(body) < int(head[length : head.index(b"\r", length)]):
        return None
    answer: object = json.loads(body)
    return answer


def http_client(url: str) -> Call:
    connection = http.client.HTTPConnection(urlsplit(url).netloc)

    def call() -> object:
        connection.request("POST", "/classify", json.dumps(ARGUMENTS), {"content-type": "application/json"})
        return json.loads(connection.getresponse().read())

    return call


def urllib3(url: str) -> Call:
    import urllib3

    pool = urllib3.PoolManager(maxsize=100)
    return lambda: pool.request("POST", f"{url}/classify", json=ARGUMENTS).json()


def requests(url: str) -> Call:
    import requests

    session = requests.Session()
    return lambda: session.post(f"{url}/classify", json=ARGUMENTS).json()


def niquests(url: str) -> Call:
    import niquests

    session = niquests.Session()
    return lambda: session.post(f"{url}/classify", json=ARGUMENTS).json()


def httpx(url: str) -> Call:
    import httpx

    client = httpx.Client()
    return lambda: client.post(f"{url}/classify", json=ARGUMENTS).json()


def httpx2(url: str) -> Call:
    import httpx2

    client = httpx2.Client()
    return lambda: client.post(f"{url}/classify", json=ARGUMENTS).json()


def httpr(url: str) -> Call:
    import httpr

    client = httpr.Client()
    return lambda: client.post(f"{url}/classify", json=ARGUMENTS).json()


def pyreqwest(url: str) -> Call:
    from pyreqwest.client import SyncClientBuilder

    client = SyncClientBuilder().build()
    return lambda: client.post(f"{url}/classify").body_json(ARGUMENTS).build().send().json()


def wreq(url: str) -> Call:
    from wreq.blocking import Client

    client = Client()
    return lambda: client.post(f"{url}/classify", json=ARGUMENTS).json()


def bentoml(url: str) -> Call:
    import bentoml

    client: Any = bentoml.SyncHTTPClient(url)
    return lambda: client.classify(**ARGUMENTS)


def bento_sync(url: str) -> Call:
    from bento_sync import SyncHTTPClient

    client = SyncHTTPClient(url)
    return lambda: client.classify(**ARGUMENTS)


CONTENDERS: dict[str, Callable[[str], Call]] = {
    "raw socket": raw,
    "bento_sync": bento_sync,
    "http.client": http_client,
    "urllib3": urllib3,
    "requests": requests,
    "niquests": niquests,
    "httpx": httpx,
    "httpx2": httpx2,
    "httpr": httpr,
    "pyreqwest": pyreqwest,
    "wreq": wreq,
    "bentoml": bentoml,
}
