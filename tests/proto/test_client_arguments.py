"""Arguments of a client of a wrong type: the error says which, and what to write."""

from __future__ import annotations

from typing import Any

import pytest

from bento_proto.batch import BatchState
from bento_proto.exchange import Exchange
from bento_proto.http import Head, Limits, Origin, Request
from bento_proto.response import Content, RawDecoder
from bento_proto.session import stream_text
from tests.proto.test_base_client import Client


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("url", None, "url must be a str, such as 'http://localhost:3000', not None"),
        ("url", b"http://h", "url must be a str, such as 'http://localhost:3000', not of type bytes"),
        ("token", 3, "token must be a str, or a function that returns one, not of type int"),
        ("auth", ("user", "password"), "auth must be a function that takes a request and returns headers"),
        ("timeout", "30", "a timeout is a number of seconds, None, or Timeout"),
        ("timeout", True, "timeout must be a number of seconds, Timeout(...), or None, not True"),
        ("timeout", (1, 2), "a timeout is a number of seconds, None, or Timeout"),
        ("server_ready_timeout", "5", "server_ready_timeout must be a number of seconds, or None, not of type str"),
        ("headers", [("a", "b")], "headers must be a mapping, such as {'name': 'value'}, not of type list"),
        ("retries", "3", "retries must be a whole number, or RetryPolicy(...), not of type str"),
        ("retries", True, "retries must be a whole number, or RetryPolicy(...), not True"),
        ("limits", 10, "limits must be Limits(...), such as Limits(connections=10), not of type int"),
        ("download_dir", 3, "download_dir must be a path, not of type int"),
        (
            "ssl_context",
            False,
            "ssl_context must be an ssl.SSLContext, such as tls_context(ca_file=...) makes",
        ),
        ("proxy", False, "proxy must be a str, such as 'http://proxy:8080', or None for none, not False"),
        ("hooks", print, "hooks must be Hooks(request=..., response=...), or several of them"),
        ("hooks", "log", "hooks must be Hooks(request=..., response=...), or several of them"),
        ("on_progress", True, "on_progress must be a function that takes a Progress, not True"),
        ("app", "module:app", "app must be an ASGI application, or a ServiceDouble, not of type str"),
        ("recorder", 3, "recorder must be a bento_proto.testing.Recorder, not of type int"),
        ("socket_options", 3, "socket_options must be a list of (level, name, value)"),
    ],
)
def test_the_type_of_an_argument(name: str, value: object, message: str) -> None:
    given: Any = {"url": "http://h", name: value}
    with pytest.raises(TypeError) as caught:
        Client(**given)
    assert str(caught.value).startswith(message)
    if name in ("timeout", "headers", "retries", "download_dir", "hooks", "on_progress"):
        with pytest.raises(TypeError) as caught:
            Client("http://h").with_options(**{name: value})  # type: ignore[arg-type]
        assert str(caught.value).startswith(message)


def test_no_message_has_a_secret() -> None:
    secret: Any = ["s3cret"]
    for name in ("token", "headers", "proxy"):
        given: Any = {name: secret}
        with pytest.raises(TypeError) as caught:
            Client("http://h", **given)
        assert "s3cret" not in str(caught.value)


# --- what results say of themselves


def test_what_a_stream_says_of_itself() -> None:
    request = Request("POST", Origin("http", "h", 80), "/chat?token=s3cret")
    exchange: Exchange[bytes] = Exchange(request, lambda head: RawDecoder(), Limits())
    assert stream_text("", exchange, "iterate over it") == "<str from /chat: iterate over it>"
    assert stream_text("", exchange, "") == "<str from /chat: over>"
    exchange.is_over = True
    assert stream_text("", exchange, "iterate over it") == "<str from /chat: over>"


def test_what_a_batch_says_of_itself() -> None:
    state = BatchState([1, 2], 1, True, "raise", None)
    assert state.text("", "iterate over it") == "<str: 0 of 2 calls done; iterate over it>"
    state.end()
    assert state.text("", "iterate over it") == "<str: 0 of 0 calls done; over>"
    assert BatchState(iter([1]), 1, True, "raise", None).text("", "use it") == "<str: 0 calls done; use it>"


def test_what_a_response_says_of_itself() -> None:
    assert repr(Content(Head(200), b"body")) == "<Content 200: 4 bytes, as text or json()>"
