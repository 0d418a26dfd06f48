"""What comes around a result: status, headers, cookies; and what an error tells."""

from __future__ import annotations

import pytest

from bento_proto import Forbidden, InternalServerError, InvalidArgument
from bento_sync import SyncHTTPClient

pytestmark = pytest.mark.compat


def test_what_came_around_a_result(zoo: SyncHTTPClient) -> None:
    response = zoo.ctx_response.raw(status=201)
    assert (response.status_code, response.value) == (201, {"ok": "yes"})
    assert response.headers["x-zoo"] == "yes"
    assert response.cookies == {"session": "abc", "lang": "en"}
    assert response.headers["server"] == "BentoML Service/Zoo"
    assert response.request_id == response.headers["x-bentoml-request-id"]


def test_a_status_that_the_context_sets_may_be_an_error(zoo: SyncHTTPClient) -> None:
    with pytest.raises(InvalidArgument, match="set through the context"):
        zoo.ctx_error_status()


def test_the_request_is_what_the_service_expects(zoo: SyncHTTPClient) -> None:
    assert zoo.raw_request(x=3)["x"] == 3
    headers = dict(zoo.with_options(headers={"X-One": "ü".encode().decode("latin-1")}).headers())
    assert headers["x-one"].encode("latin-1").decode() == "ü"
    assert headers["content-type"] == "application/json"


def test_an_error_has_the_services_words(zoo: SyncHTTPClient) -> None:
    with pytest.raises(InvalidArgument) as caught:
        zoo.err("InvalidArgument")
    assert caught.value.message == "bad thing: é"
    assert caught.value.request_id


def test_an_error_of_an_argument_says_which(zoo: SyncHTTPClient) -> None:
    with pytest.raises(
        InvalidArgument, match=r"1 validation error for Input: a: Input should be a valid integer"
    ) as caught:
        zoo.add_int("x")
    assert isinstance(caught.value.detail, list)


@pytest.mark.parametrize(
    ("kind", "error", "words"),
    [("Plain", InternalServerError, "check the server log"), ("Forbidden", Forbidden, "Authorization error")],
)
def test_bentoml_hides_the_words_of_other_errors(
    zoo: SyncHTTPClient, kind: str, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        zoo.err(kind)


def test_a_stream_has_an_answer_too(zoo: SyncHTTPClient, version: str) -> None:
    with zoo.stream_dict(1, 0) as stream:
        kind = stream.response.headers.get("content-type", "")
    # It says nothing: of a stream of JSON, BentoML says that it is server-sent events.
    assert kind.partition(";")[0] == "text/event-stream"


def test_leaving_a_stream_early(zoo: SyncHTTPClient) -> None:
    with zoo.stream_endless("compat") as stream:
        assert next(stream)
    assert zoo.no_args_str() == "ok"
