"""Requests of a caller's own, as with BentoML's client: to the Service, and to what is mounted beside it."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from bento_proto import NotFound
from tests.servers import Servers

from .faces import Connect
from .proxies import Stub, reply


def test_requests_of_the_callers_own(servers: Servers, connect: Connect) -> None:
    client = connect(servers.url("mounts:ZooMounted"))
    answer = client.request("GET", "/app/hello", params={"name": "you"})
    assert (answer.status_code, answer.json(), answer.is_success, answer.reason_phrase) == (
        200,
        {"hello": "you"},
        True,
        "OK",
    )
    assert answer.url == client.url + "/app/hello?name=you"
    assert client.request("GET", client.url + "/app/hello?name=me").json() == {"hello": "me"}
    missing = client.request("GET", "/app/nothing")
    assert (missing.status_code, missing.is_error) == (404, True)
    with pytest.raises(NotFound):
        missing.raise_for_status()
    refused = client.request("POST", "/echo", data="<x/>", headers={"Content-Type": "application/xml"})
    assert (refused.status_code, refused.is_error) == (400, True)
    for url in ("http://evil.example/", "https" + client.url.removeprefix("http") + "/app/hello"):
        with pytest.raises(ValueError, match="the client's own origin"):
            client.request("GET", url)


def test_what_a_request_may_have(connect: Connect, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"of a path")
    with Stub(lambda asked: reply(asked.body, 418)) as stub:
        client = connect(stub.url, token="t")
        assert client.request("POST", "x", data={"a": ["x y", "z"]}).content == b"a=x+y&a=z"
        files = {"f": path, "g": ("n.bin", io.BytesIO(b"of a file"), "text/plain"), "h": b"of bytes"}
        sent = client.request("PUT", "/x", data={"k": "v"}, files=files, cookies={"c": "d"}, timeout=5).content
        for part in (
            b'name="k"\r\n\r\nv\r\n',
            b'name="f"; filename="a.txt"\r\nContent-Type: text/plain\r\n\r\nof a path\r\n',
            b'name="g"; filename="n.bin"\r\nContent-Type: text/plain\r\n\r\nof a file\r\n',
            b'name="h"; filename="upload"\r\nContent-Type: application/octet-stream\r\n\r\nof bytes\r\n',
        ):
            assert part in sent
        first, second = stub.asked
        assert first.headers["content-type"] == "application/x-www-form-urlencoded"
        assert second.headers["content-type"].startswith("multipart/form-data; boundary=")
        assert (second.headers["cookie"], second.headers["authorization"]) == ("c=d", "Bearer t")
