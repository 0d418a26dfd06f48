"""Requests of a caller's own, as with BentoML's client: to the Service, and to what is mounted beside it."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bento_proto import NotFound, RemoteProtocolError
from tests.servers import Servers

from .faces import Connect
from .proxies import Asked, Stub, chunk, head, reply


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


def test_a_response_is_read_as_it_arrives(connect: Connect) -> None:
    go_on = threading.Event()

    def lines(asked: Asked) -> Iterator[bytes]:
        yield head(200, {"transfer-encoding": "chunked", "content-type": "text/plain; charset=utf-8"})
        yield chunk("one\nt\u00fc".encode()[:-1])
        assert go_on.wait(60)
        yield chunk(b"\xbc\nend")
        yield chunk(b"")

    with Stub(lines) as stub:
        client = connect(stub.url)
        with client.request("POST", "/v1/chat", json={"stream": True}, stream=True) as answer:
            assert (answer.status_code, answer.headers["content-type"]) == (200, "text/plain; charset=utf-8")
            read = answer.iter_lines()
            assert next(read) == "one"  # while the server has not sent the rest
            go_on.set()
            assert list(read) == ["t\u00fc", "end"]
        assert client.request("GET", "/", stream=True).read() == b"one\nt\xc3\xbc\nend"
        assert "".join(client.request("GET", "/", stream=True).iter_text()) == "one\nt\u00fc\nend"


def test_leaving_a_response_closes_its_connection(connect: Connect) -> None:
    def endless(asked: Asked) -> Iterator[bytes]:
        yield head(200, {"transfer-encoding": "chunked"})
        while True:
            yield chunk(b"x" * 65536)

    with Stub(endless) as stub:
        client = connect(stub.url)
        with client.request("GET", "/", stream=True) as answer:
            assert set(next(answer.iter_bytes())) == {ord("x")}
        assert list(answer.iter_bytes()) == []
        answer.close()


def test_an_error_status_of_a_streamed_request(connect: Connect) -> None:
    with Stub(lambda asked: reply({"error": "no such model"}, 404)) as stub:
        client = connect(stub.url)
        with client.request("GET", "/", stream=True) as answer:
            assert (answer.status_code, answer.read()) == (404, b'{"error": "no such model"}')
            with pytest.raises(NotFound, match="no such model"):
                answer.raise_for_status()


def test_a_streamed_response_that_breaks_off(connect: Connect) -> None:
    with Stub(lambda asked: [head(200, {"transfer-encoding": "chunked"}), chunk(b"half"), b"no chunk\r\n"]) as stub:
        answer = connect(stub.url).request("GET", "/", stream=True)
        read = answer.iter_bytes()
        assert next(read) == b"half"
        with pytest.raises(RemoteProtocolError):
            next(read)
