"""Results with their responses."""

from __future__ import annotations

import pytest

from bento_proto import Head, RemoteProtocolError, Response
from bento_proto.response import Content
from tests.recordings import Recording, find, load


def head(recording: Recording) -> Head:
    return Head(recording.status, tuple(recording.response_headers))


def test_a_result_with_its_status_and_headers() -> None:
    recording = find("ctx_response")
    response = Response(head(recording), {"any": "value"})
    assert response.value == {"any": "value"}
    assert response.status_code == 202
    assert response.headers["content-type"] == "application/json"
    assert response.request_id == dict(recording.response_headers)["x-bentoml-request-id"]
    assert repr(response) == "<Response 202: value is a dict>"


def test_without_a_request_id_there_is_none() -> None:
    assert Response(Head(200), None).request_id is None


def test_the_cookies_of_a_response() -> None:
    fields = (
        ("set-cookie", 'a="1"; Path=/'),
        ("Set-Cookie", "b=2=3"),
        ("set-cookie", "nonsense"),
        ("set-cookie", "=x"),
    )
    assert Response(Head(200, fields), None).cookies == {"a": "1", "b": "2=3"}


def test_recorded_cookies() -> None:
    setting = [r for r in load() if any(name == "set-cookie" for name, _ in r.response_headers)]
    assert setting
    for recording in setting:
        assert Response(head(recording), None).cookies


def test_content() -> None:
    recording = find("mounted_get")
    content = Content(head(recording), recording.response_body)
    assert content.content == content.value == recording.response_body
    assert content.json() == {"hello": "z"}
    assert content.text == recording.response_body.decode()


@pytest.mark.parametrize(
    ("content_type", "body", "text"),
    [
        ("text/plain; charset=iso-8859-1", b"caf\xe9", "café"),
        ("text/plain", "café".encode(), "café"),
        ("text/plain; charset=nonsense", "café".encode(), "café"),
        ("text/plain; charset=utf-8", b"caf\xe9", "caf�"),
    ],
)
def test_text_by_its_declared_charset(content_type: str, body: bytes, text: str) -> None:
    assert Content(Head(200, (("content-type", content_type),)), body).text == text


def test_content_that_is_not_json() -> None:
    recording = find("mounted_404")
    assert Content(Head(200), b"[1]").json() == [1]
    with pytest.raises(RemoteProtocolError, match="not JSON") as caught:
        Content(head(recording), b"<html>").json()
    assert caught.value.body == b"<html>"
