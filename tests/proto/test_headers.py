"""Header fields: those of a response as a mapping, and the checks of those of a caller."""

from __future__ import annotations

import copy
import pickle
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bento_proto import End, FlowRunner, Head, Session
from bento_proto.http import Headers
from bento_proto.http._headers import checked_fields, checked_value, merged
from bento_proto.request import bind
from tests.proto.play import counted_calls
from tests.recordings import load, schema

FIELDS = (("Content-Type", "a/b"), ("Set-Cookie", "a=s3cret"), ("set-cookie", "b=s3cret"), ("x-empty", ""))


def test_names_are_case_insensitive() -> None:
    headers = Headers(FIELDS)
    assert headers["content-type"] == headers["CONTENT-TYPE"] == "a/b"
    assert "Content-type" in headers
    assert "content" not in headers
    assert headers.get("x-none", "default") == "default"
    with pytest.raises(KeyError, match="x-None"):
        headers["x-None"]


def test_the_first_field_of_a_name_counts_and_get_all_has_all() -> None:
    headers = Headers(FIELDS)
    assert headers["set-cookie"] == "a=s3cret"
    assert headers.get_all("SET-cookie") == ["a=s3cret", "b=s3cret"]
    assert headers.get_all("nope") == []
    assert list(headers) == ["content-type", "set-cookie", "x-empty"]
    assert len(headers) == 3
    assert headers.fields == FIELDS


def test_no_fields_are_an_empty_mapping() -> None:
    assert dict(Headers()) == {}
    assert not Headers()


def test_the_repr_shows_no_credential() -> None:
    shown = repr(Headers((*FIELDS, ("Authorization", "Bearer s3cret"))))
    assert "s3cret" not in shown
    assert "'content-type': 'a/b'" in shown
    assert shown.count("REDACTED") == 2


def test_headers_compare_copy_and_pickle() -> None:
    headers = Headers(FIELDS)
    assert headers == Headers((("content-type", "a/b"), ("set-cookie", "a=s3cret"), ("X-Empty", "")))
    assert headers == dict(headers)
    for again in (copy.deepcopy(headers), pickle.loads(pickle.dumps(headers))):
        assert again.fields == FIELDS


def test_reading_all_fields_takes_linear_time() -> None:
    def calls(count: int) -> int:
        headers = Headers(tuple((f"x-{number}", "") for number in range(count)))
        with counted_calls() as counter:
            assert len(dict(headers)) == count
        return counter.calls

    assert calls(400) <= 2.1 * calls(200)


def test_recorded_heads_are_mappings() -> None:
    for recording in load():
        headers = Headers(tuple(recording.response_headers))
        assert dict(headers).keys() == {name for name, _ in recording.response_headers}
        assert all(headers.get_all(name)[0] == headers[name] for name in headers)


@settings(max_examples=100)
@given(st.lists(st.tuples(st.text(max_size=3), st.text(max_size=3))))
def test_any_fields_are_a_mapping(fields: list[tuple[str, str]]) -> None:
    headers = Headers(tuple(fields))
    assert len(list(headers)) == len(headers) == len(dict(headers))
    assert sum(len(headers.get_all(name)) for name in headers) == len(fields)


# --- those of a caller


def test_fields_of_a_caller_are_normalised() -> None:
    assert checked_fields({"X-Trace": " a b\t", "x-latin": "é", "x-empty": ""}) == (
        ("x-trace", "a b"),
        ("x-latin", "é"),
        ("x-empty", ""),
    )
    assert checked_fields(None) == checked_fields({}) == ()


@pytest.mark.parametrize("name", ["", "a b", "a:b", "a\r\nb", "ä", ":method", "a\x00", "(a)"])
def test_an_invalid_name_is_an_error(name: str) -> None:
    with pytest.raises(ValueError, match="not a valid header name"):
        checked_fields({name: "x"})


@pytest.mark.parametrize("name", ["Host", "content-length", "Transfer-Encoding", "connection"])
def test_framing_fields_can_not_be_set(name: str) -> None:
    with pytest.raises(ValueError, match=f"the header '{name}' is set by the client"):
        checked_fields({name: "x"})


@pytest.mark.parametrize("value", ["s3cret\r\nx: y", "s3cret\n", "s3\x00", "s3\x7f", "s3€", "s3\ud800"])
def test_the_error_for_an_invalid_value_does_not_show_it(value: str) -> None:
    with pytest.raises(ValueError, match="the header 'x-key' has a line break or another character") as caught:
        checked_fields({"x-key": value})
    assert "s3" not in str(caught.value)


@pytest.mark.parametrize("given", [{"x-key": 5}, {"x-key": b"s3cret"}, {5: "s3cret"}, {"x-key": None}])
def test_names_and_values_must_be_text(given: object) -> None:
    with pytest.raises(TypeError, match=r"the header .* must be a str") as caught:
        checked_fields(cast("dict[str, str]", given))
    assert "s3" not in str(caught.value)


@settings(max_examples=200)
@given(st.dictionaries(st.text(max_size=5) | st.just("x"), st.text(max_size=5)))
def test_any_fields_are_valid_or_an_error(headers: dict[str, str]) -> None:
    try:
        fields = checked_fields(headers)
    except ValueError:
        return
    assert len(fields) == len(headers)
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields).encode("latin-1").split(b"\r\n")
    assert len(lines) == len(fields) + 1


def test_a_checked_value_has_no_white_space_around_it() -> None:
    assert checked_value("it", " x ") == "x"
    with pytest.raises(ValueError, match=r"^it has a line break"):
        checked_value("it", "a\nb")


def test_fields_of_a_call_replace_those_of_the_client() -> None:
    client = (("accept", "*/*"), ("x", "1"), ("x", "2"), ("y", "3"))
    assert merged(client, ()) is client
    assert merged(client, (("x", "4"), ("z", "5"))) == (("accept", "*/*"), ("y", "3"), ("x", "4"), ("z", "5"))


def test_a_request_has_one_content_type_and_one_cookie_header() -> None:
    headers = {"Content-Type": "text/x", "Cookie": "mine=1"}
    session = Session("http://h", headers=headers, environ={}, random=lambda: 0.5, schema=schema("Zoo"))
    call = bind(session.endpoint("nothing"), (), {})
    for cookies in ("mine=1", "mine=1; theirs=2"):
        run = FlowRunner(session.call(call, [], "boundary", session.options, 0.0))
        assert run.step is not None
        sent = run.step.exchange.request.headers
        assert [value for name, value in sent if name == "content-type"] == ["application/json"]
        assert [value for name, value in sent if name == "cookie"] == [cookies]
        run.step.exchange.receive(Head(200, (("set-cookie", "theirs=2; Path=/"),)))
        run.step.exchange.receive(End())
        run.resume(1.0)
