"""Messages about names that do not exist say what there is."""

from __future__ import annotations

import json

import pytest

from bento_proto import JSON, NotFound, Session, Timeout
from bento_proto._guesses import did_you_mean
from bento_proto.policy import RetryPolicy
from bento_proto.request import bind
from bento_proto.request._binding import _OPTIONS
from bento_proto.schema import Endpoint, parse_service, unknown_endpoint
from bento_proto.session import Options

SERVICE: JSON = {
    "name": "S",
    "routes": [
        {
            "name": "summarize",
            "route": "/users/{user}/summarize",
            "input": {"properties": {"text": {"type": "string"}, "top_k": {"type": "integer"}}, "required": ["text"]},
            "output": {},
        },
        {"name": "rank", "route": "/rank", "input": {"properties": {}}, "output": {}},
    ],
}


def endpoint(name: str) -> Endpoint:
    return parse_service(SERVICE).endpoints[name]


@pytest.mark.parametrize(
    ("name", "known", "hint"),
    [
        ("txt", ["text", "top_k"], "; did you mean 'text'?"),
        ("txt", ["text", "txts", "t"], "; did you mean 'txts' or 'text'?"),
        ("zzz", ["text", "top_k"], "; its names: text, top_k"),
        ("zzz", [f"n{number}" for number in range(11)], f"; its names: {', '.join(f'n{n}' for n in range(10))}, ..."),
        ("zzz", [], "; it has no names"),
        ("zzz", ["te\x1b[2J\nxt"], "; its names: te\\x1b[2J xt"),  # a server chooses names: none reaches a terminal
        ("x" * 1_000_000, ["x" * 1_000_000], f"; did you mean {'x' * 100!r}?"),
    ],
)
def test_a_hint(name: str, known: list[str], hint: str) -> None:
    assert did_you_mean(name, known) == hint


def test_only_the_first_thousand_names_are_compared() -> None:
    assert "mean" not in did_you_mean("text", [*(f"{number}" for number in range(1000)), "text"])


@pytest.mark.parametrize(
    ("keyword", "message"),
    [
        ("txt", "summarize() got an unexpected keyword argument 'txt'; did you mean 'text'?"),
        ("usr", "summarize() got an unexpected keyword argument 'usr'; did you mean 'user'?"),
        ("zzz", "summarize() got an unexpected keyword argument 'zzz'; its arguments: user, text, top_k"),
        (
            "timeout",
            "summarize() got an unexpected keyword argument 'timeout'; options are given by with_options(timeout=...)",
        ),
    ],
)
def test_an_unknown_argument(keyword: str, message: str) -> None:
    with pytest.raises(TypeError) as caught:
        bind(endpoint("summarize"), (), {keyword: 1})
    assert str(caught.value) == message


def test_every_option_of_a_call_is_known_as_one() -> None:
    assert set(Options.__annotations__) == _OPTIONS
    assert Options(Timeout(), (), RetryPolicy()).file_strings == "urls"


def test_an_unknown_endpoint() -> None:
    session = Session("http://h", schema=json.dumps(SERVICE).encode(), environ={}, random=lambda: 0.0)
    with pytest.raises(NotFound) as caught:
        session.endpoint("sumarize")
    assert caught.value.message == "the Service S has no endpoint 'sumarize'; did you mean 'summarize'?"
    assert unknown_endpoint(parse_service(SERVICE), "zzz").endswith("; its endpoints: summarize, rank")
    hostile = parse_service({"name": "S\x1b[2J\n\u202e", "routes": []})
    assert unknown_endpoint(hostile, "f") == r"the Service S\x1b[2J \u202e has no endpoint 'f'; it has no endpoints"
