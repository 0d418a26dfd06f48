"""Redirects: where they lead, and what of the request is sent there."""

from __future__ import annotations

import pytest

from bento_proto import Head, LocalProtocolError, RemoteProtocolError, Request
from bento_proto.http import FilePart, Origin
from bento_proto.policy._redirect import redirected

HERE = Origin("http", "service", 3000)
HEADERS = (
    ("accept", "*/*"),
    ("authorization", "Bearer secret"),
    ("cookie", "session=secret"),
    ("x-api-key", "secret"),
    ("content-type", "application/json"),
    ("user-agent", "test"),
)
POST = Request("POST", HERE, "/v1/f?x=1", HEADERS, (b"{}",))


def follow(status: int, location: str, request: Request = POST) -> Request:
    return redirected(request, Head(status, (("location", location),)))


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_method_and_body_are_kept(status: int) -> None:
    after = follow(status, "/v1/f/")
    assert (after.method, after.origin, after.target) == ("POST", HERE, "/v1/f/")
    assert (after.headers, after.body) == (HEADERS, (b"{}",))


def test_a_303_becomes_a_get() -> None:
    after = follow(303, "result")
    assert (after.method, after.target, after.body) == ("GET", "/v1/result", ())
    assert "content-type" not in dict(after.headers)
    assert dict(after.headers)["authorization"] == "Bearer secret"


@pytest.mark.parametrize(
    ("location", "origin", "target"),
    [
        ("/g?y=2", HERE, "/g?y=2"),
        ("g", HERE, "/v1/g"),
        ("../g", HERE, "/g"),
        ("?y=2", HERE, "/v1/f?y=2"),
        ("http://service:3000/g", HERE, "/g"),
        ("//service:3000/g#part", HERE, "/g"),
        ("HTTP://SERVICE:3000", HERE, "/"),
        (" /g ", HERE, "/g"),
        ("/with space/ü", HERE, "/with%20space/%C3%BC"),
        ("https://service/g", Origin("https", "service", 443), "/g"),
        ("http://other:3000/g", Origin("http", "other", 3000), "/g"),
        ("http://service:3001/g", Origin("http", "service", 3001), "/g"),
    ],
)
@pytest.mark.parametrize("status", [303, 307])
def test_target_and_headers(location: str, origin: Origin, target: str, status: int) -> None:
    after = follow(status, location)
    assert (after.origin, after.target) == (origin, target)
    secret = any("secret" in value for _, value in after.headers)
    assert secret is (origin == HERE)
    assert dict(after.headers)["accept"] == "*/*"


def test_userinfo_of_a_location_is_ignored() -> None:
    assert follow(307, "http://user:pw@other/g").origin == Origin("http", "other", 80)


@pytest.mark.parametrize(
    "location",
    ["ftp://service/g", "file:///etc/passwd", "mailto:a@b", "http://[::1", "http://a:99999/"],
)
def test_malformed_locations(location: str) -> None:
    with pytest.raises(RemoteProtocolError, match="redirects"):
        follow(307, location)


def test_https_is_not_redirected_to_http() -> None:
    request = Request("POST", Origin("https", "service", 443), "/f", HEADERS)
    with pytest.raises(RemoteProtocolError, match="https to http"):
        follow(307, "http://service/f", request)


def test_on_a_unix_socket_the_same_authority_is_the_same_socket() -> None:
    request = Request("POST", Origin("http", "localhost", 80, "/run/s"), "/f", HEADERS)
    assert follow(307, "http://localhost/f/", request).origin == request.origin
    assert follow(307, "http://127.0.0.1/f/", request).origin == Origin("http", "127.0.0.1", 80)


def test_a_body_that_can_be_read_once_is_not_sent_twice() -> None:
    request = Request("POST", HERE, "/f", (), (FilePart("pipe", None, replayable=False),))
    with pytest.raises(RemoteProtocolError, match="can't be sent again"):
        follow(307, "/g", request)
    assert follow(303, "/g", request).method == "GET"


@pytest.mark.parametrize("head", [None, Head(200)])
def test_an_exchange_without_a_redirect(head: Head | None) -> None:
    with pytest.raises(LocalProtocolError, match="no redirect"):
        redirected(POST, head)
