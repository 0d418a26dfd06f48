"""Requests that are no calls of an endpoint: what a caller may give, and the response."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bento_proto import (
    ConnectError,
    ConnectionFailed,
    ConnectionLost,
    Data,
    Exchange,
    FailureKind,
    Head,
    NotFound,
    Session,
    Timeout,
)
from bento_proto.http import parse_base_url
from bento_proto.http._url import target_of
from bento_proto.request import ClientRequest, FileSource, Upload, client_request
from bento_proto.response import Content
from tests.proto.play import Answer, Played, Script, lost, moved, play, reply
from tests.proto.test_base_client import Client
from tests.reports import reported

FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("given", "url", "kind", "body"),
    [
        ({}, "/x", "", ()),
        ({"params": {"a": 1, "b": ["x y", None], "c": True}}, "/x?a=1&b=x+y&b=&c=true", "", ()),
        ({"params": [("a", "é"), ("a", 1.5)]}, "/x?a=%C3%A9&a=1.5", "", ()),
        ({"params": "q=1"}, "/x?q=1", "", ()),
        ({"content": b"raw"}, "/x", "", (b"raw",)),
        ({"content": "é"}, "/x", "", ("é".encode(),)),
        ({"data": b"raw"}, "/x", "", (b"raw",)),
        ({"data": "text"}, "/x", "", (b"text",)),
        ({"data": {"a": "x y", "b": [1, 2]}}, "/x", FORM, (b"a=x+y&b=1&b=2",)),
        ({"json": {"a": [1]}}, "/x", "application/json", (b'{"a":[1]}',)),
        ({"files": {}}, "/x", "", ()),
    ],
)
def test_what_is_sent(given: Any, url: str, kind: str, body: tuple[bytes, ...]) -> None:
    asked = client_request("post", "/x", **given)
    encoded = asked.encoded((), "b")
    assert (asked.method, asked.url, encoded.content_type, encoded.segments) == ("POST", url, kind, body)


def test_params_go_behind_those_of_the_url() -> None:
    assert client_request("GET", "/x?a=1", params={"b": 2}).url == "/x?a=1&b=2"


def test_forms_with_files() -> None:
    files: Any = {
        "f": ("n.txt", "text", "text/plain"),
        "g": b"raw",
        "h": "text",
        "i": ("p", Path("p")),
        "j": (None, b"x"),
    }
    asked = client_request("POST", "/x", data={"a": 1}, files=files)
    contents = [getattr(source.content, "content", source.content) for source in asked.sources]
    assert contents == [b"text", b"raw", b"text", Path("p"), b"x"], "text is no path"
    assert [getattr(source.content, "name", None) for source in asked.sources] == ["n.txt", None, None, "p", None]
    assert [source.label for source in asked.sources][:2] == ["files['f']", "files['g']"]
    uploads = [Upload(b"1", "n.txt", "text/plain"), *[Upload(b"2")] * 4]
    encoded = asked.encoded(uploads, "b")
    assert encoded.content_type == "multipart/form-data; boundary=b"
    (body,) = encoded.segments
    assert isinstance(body, bytes)
    assert body.startswith(b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--b\r\n')
    assert b'name="f"; filename="n.txt"\r\nContent-Type: text/plain\r\n\r\n1' in body
    assert b'name="g"; filename="upload"\r\nContent-Type: application/octet-stream\r\n\r\n2' in body
    listed = client_request("POST", "/x", files=[("f", b"1"), ("f", b"2")])
    assert listed.files == (("f", FileSource("files['f']", b"1")), ("f", FileSource("files['f']", b"2")))


@pytest.mark.parametrize(
    "given", [{"content": b"", "json": 1}, {"json": 1, "data": {}}, {"content": b"", "files": {"f": b""}}]
)
def test_there_is_one_body(given: Any) -> None:
    with pytest.raises(TypeError, match="a request has one body"):
        client_request("POST", "/x", **given)


def test_values_that_are_no_text() -> None:
    with pytest.raises(TypeError, match="'a' must be text or a number, not dict"):
        client_request("GET", "/x", params={"a": {}})  # type: ignore[dict-item]


BASE = parse_base_url("https://user:pw@Service.example/gw")


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("/x?a=http://b", "/gw/x?a=http://b"),
        ("x", "/gw/x"),
        ("https://service.example/gw/x?y", "/gw/x?y"),
        ("https://service.example:443", "/"),
        ("HTTPS://SERVICE.example/x", "/x"),
    ],
)
def test_targets(url: str, target: str) -> None:
    assert target_of(url, BASE) == target


@pytest.mark.parametrize(
    "url",
    ["http://service.example/x", "https://service.example:444/", "https://evil/", "https://a:b@service.example/",
     "https://service.example@evil/", "//evil/", "/a b", "/x#y", "https://service.example/a b",
     "https://service.example\\@evil/", "https://evil\\@service.example/", "https://@service.example/",
     "https://service.example:99999/", "https://service.example:0443x/", "https://service.example:/ü",
     "https://service.example\uff0fevil/", "https://[service.example]/", "gopher://service.example/"],
)  # fmt: skip
def test_other_origins_and_malformed_urls_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match="percent-encoded"):
        target_of(url, BASE)


@pytest.mark.parametrize(
    "url",
    ["/x?access_token=s3cr3t&b=ü", "x?sig=s3cr3t#y", "https://me:s3cr3t@service.example/",
     "https://me:s3cr3t@service.example\uff0f/", "https://evil/;key=s3cr3t?sig=s3cr3t#s3cr3t"],
)  # fmt: skip
def test_what_is_said_of_them_shows_no_secret(url: str) -> None:
    with pytest.raises(ValueError, match="percent-encoded") as info:
        target_of(url, BASE)
    assert "s3cr3t" not in str(info.value)
    assert [text for text in reported(info.value) if "s3cr3t" in text] == []


def test_options_of_a_request() -> None:
    client = Client("http://h", headers={"x-a": "1"}, timeout=3)
    made: Any = client.request("get", "/x", headers={"x-b": "2"}, cookies={"k": "v", "l": "w"}, timeout=5)
    asked, options = made
    assert isinstance(asked, ClientRequest)
    assert (asked.method, options.timeout) == ("GET", Timeout(5))
    assert options.headers[-3:] == (("x-a", "1"), ("x-b", "2"), ("cookie", "k=v; l=w"))
    made = client.request("get", "/x")
    _, options = made
    assert options.timeout == Timeout(3)
    with pytest.raises(ValueError, match="header"):
        client.request("get", "/x", cookies={"k": "v\r\nx: y"})


# --- the response


def session() -> Session:
    return Session("http://h/gw", token="t", retries=0, environ={}, random=lambda: 0.0)


def sent(answer: Answer, on: Session | None = None, **given: Any) -> tuple[Content, Any]:
    on = on or session()
    played = play(on.send(client_request("POST", "/x", **given), (), "", on.options, 0.0), answer)
    return played.result, played.asked[0]


def test_a_response() -> None:
    head = (("content-type", "text/plain; charset=latin-1"), ("set-cookie", "a=b"))
    content, asked = sent(reply(200, b"caf\xe9\n2", dict(head)), json=1)
    assert asked.headers["content-type"] == "application/json"
    assert (content.status_code, content.is_success, content.is_error, content.reason_phrase) == (
        200,
        True,
        False,
        "OK",
    )
    assert (content.url, content.encoding, content.text) == ("http://h/gw/x", "latin-1", "café\n2")
    assert (list(content.iter_bytes()), list(content.iter_bytes(4))) == ([b"caf\xe9\n2"], [b"caf\xe9", b"\n2"])
    assert (list(content.iter_text()), list(content.iter_lines())) == (["café\n2"], ["café", "2"])
    assert content.cookies == {"a": "b"}
    assert content.raise_for_status() is content
    with content as entered:
        assert entered.read() == content.content == b"caf\xe9\n2"
    for coroutine in (content.aread(), content.aclose()):
        with pytest.raises(StopIteration):
            coroutine.send(None)


def test_an_empty_response() -> None:
    content, _ = sent(reply(204))
    assert (list(content.iter_bytes()), list(content.iter_text()), content.reason_phrase) == ([], [], "No Content")
    assert Content(Head(299), b"").reason_phrase == Content(Head(299), b"").url == ""


@pytest.mark.parametrize("status", [300, 400, 404, 422, 499, 500, 503])
def test_error_statuses_are_returned(status: int) -> None:
    content, _ = sent(reply(status, b'{"error": "why"}'))
    assert (content.status_code, content.is_success, content.is_error) == (status, False, status >= 400)
    assert content.json() == {"error": "why"}


def test_error_statuses_are_raised_if_asked_for() -> None:
    content, _ = sent(reply(404, b'{"error": "why"}', {"x-bentoml-request-id": "7"}))
    with pytest.raises(NotFound, match="why") as caught:
        content.raise_for_status()
    assert (caught.value.error_code, caught.value.request_id) == (404, "7")


def test_what_is_no_response_is_raised() -> None:
    on = session()
    played = play(on.send(client_request("GET", "/x"), (), "", on.options, 0.0), lost(FailureKind.CONNECT, sent=False))
    assert isinstance(played.error, ConnectError)
    cut = Answer((Head(404), Data(b"ab"), ConnectionFailed(FailureKind.DISCONNECTED, "cut")))
    assert sent(cut)[0].content == b"ab", "the status says what matters"


def test_a_content_type_of_the_callers_own() -> None:
    on = Session("http://h", headers={"Content-Type": "text/csv"}, environ={}, random=lambda: 0.0)
    assert sent(reply(200), on, json=1)[1].headers["content-type"] == "text/csv"
    form = play(
        on.send(client_request("POST", "/x", files={"f": b""}), (Upload(b"x"),), "b", on.options, 0.0), reply(200)
    )
    assert form.asked[0].headers["content-type"] == "multipart/form-data; boundary=b", "who knows the boundary?"


def test_redirects_are_followed_and_have_an_end() -> None:
    on = session()
    played = play(on.send(client_request("GET", "/x"), (), "", on.options, 0.0), moved(307, "/y"), reply(200, b"1"))
    assert (played.result.content, played.result.url) == (b"1", "http://h/y")


def test_a_streamed_request_is_an_exchange_or_an_error() -> None:
    on = Session("http://h", schema={"name": "S", "routes": []}, environ={}, random=lambda: 0.0, retries=0)

    def streamed(*script: Script) -> Played[Exchange[bytes]]:
        return play(on.stream(client_request("GET", "/x"), (), "", on.options, 0.0), *script)

    assert streamed(reply(200, b"x")).result.is_streaming
    assert streamed(reply(404, b"no")).result.error_body == b"no"
    assert isinstance(streamed(lost()).error, ConnectionLost)


def test_a_client_streams_what_it_is_told_to() -> None:
    asked = Client("http://h").request("GET", "/x", params={"q": 1}, stream=True)
    assert asked == client_request("GET", "/x?q=1")
