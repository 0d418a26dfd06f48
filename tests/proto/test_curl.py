"""Requests as command lines of curl."""

from __future__ import annotations

import pickle
import shlex

import pytest

from bento_proto import Exchange, Head, Limits, NotFound, Request
from bento_proto.exchange._failures import explain
from bento_proto.http import FilePart, Origin, Segment
from bento_proto.http._curl import curl
from bento_proto.response import Content
from bento_proto.response._readers import whole_reader

HERE = Origin("http", "service", 3000)
SECRET = "s3cret-t0ken"
FIELDS = (
    ("accept", "*/*"),
    ("accept-encoding", "gzip"),
    ("content-type", "application/json"),
    ("authorization", f"Bearer {SECRET}"),
)


def post(*body: Segment, target: str = "/f", fields: tuple[tuple[str, str], ...] = FIELDS) -> Request:
    return Request("POST", HERE, target, fields, body)


def test_a_request() -> None:
    assert curl(post(b'{"text":', b'"it\\u0027s"}', target=f"/f?key={SECRET}")) == (
        "curl --globoff --request POST --header 'accept: */*' --compressed --header 'content-type: application/json' "
        "--header 'authorization: REDACTED' --data-raw '{\"text\":\"it'\"'\"'s\"}' 'http://service:3000/f?key=REDACTED'"
    )


def test_secrets_in_json_are_hidden() -> None:
    body = b'{"api_key": "s3", "max_tokens": 5, "a": [{"password": ["s3"], "session": {"x": "s3", "n": 1}}], "t": "x"}'
    shown = shlex.split(curl(post(body)))
    assert shown[shown.index("--data-raw") + 1] == (
        '{"api_key":"REDACTED","max_tokens":5,"a":[{"password":["REDACTED"],"session":{"x":"REDACTED","n":1}}],"t":"x"}'
    )


@pytest.mark.parametrize("body", [(b"no json",), (b"{", FilePart("f", 3)), (b"1" * 5000,), (b"\xff",)])
def test_a_body_that_is_not_shown(body: tuple[Segment, ...]) -> None:
    words = shlex.split(curl(post(*body, fields=())))
    assert words[4:-1] == ["--header", "content-type:", "--data-binary", "@request-body"]


def test_other_methods_and_sockets() -> None:
    assert curl(Request("HEAD", HERE, "/")) == "curl --globoff --head http://service:3000/"
    socket = Request("GET", Origin("http", "localhost", 80, "/run/a b.sock"), "/x")
    assert curl(socket) == "curl --globoff --request GET --unix-socket '/run/a b.sock' http://localhost/x"


def test_errors_and_responses_have_it() -> None:
    request, head = post(b"{}"), Head(404)
    error = NotFound("gone")
    assert NotFound("gone").curl is None
    explain(error, request, head, 0.0)
    assert error.curl == curl(request)
    assert pickle.loads(pickle.dumps(error)).curl == curl(request)
    content = Content(head, b"", Exchange(request, whole_reader(bytes, 9), Limits()))
    assert content.curl == curl(request)
    with pytest.raises(NotFound) as caught:
        content.raise_for_status()
    assert caught.value.curl == curl(request)
    assert Content(head, b"").curl is None
