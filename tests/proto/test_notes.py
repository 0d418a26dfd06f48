"""What the traceback of an error shows below its message."""

from __future__ import annotations

import pickle
import sys
import traceback

import pytest

from bento_proto import (
    BentoMLException,
    CallTimeout,
    ConnectionLost,
    Exchange,
    FailureKind,
    Head,
    InternalServerError,
    Limits,
    Request,
    RetryPolicy,
    Timeout,
)
from bento_proto._text import LONGEST
from bento_proto.http import ConnectionFailed, Origin
from bento_proto.http._cookies import Cookies
from bento_proto.policy._attempts import CallContext, send_request
from bento_proto.policy._retry import RetryBudget
from bento_proto.response import RawDecoder
from bento_proto.response._readers import whole_reader

from .play import Forever, Script, lost, moved, play, reply

REQUEST = Request("POST", Origin("http", "h", 3000), "/f?token=s3cret&task_id=7", (("authorization", "s3cret"),))
CONTEXT = CallContext(Timeout(), RetryPolicy(), Limits(), Cookies(), RetryBudget(), lambda: 0.0, lambda request: None)


def failed(*answers: Script) -> BentoMLException:
    error = play(send_request(REQUEST, whole_reader(bytes, 100), CONTEXT, 0.0), *answers).error
    assert isinstance(error, BentoMLException)
    return error


def test_a_refusal_is_told_with_its_request() -> None:
    error = failed(reply(500, "boom", {"x-bentoml-request-id": "abc"}).after(1.25))
    assert isinstance(error, InternalServerError)
    assert error.__notes__[0].splitlines() == [
        "POST http://h:3000/f?token=REDACTED&task_id=7: status 500 after 1.25 seconds, request id abc",
        "the cause is in the server's log, under this request id",
    ]
    assert str(error) == "boom"


def test_a_refusal_without_a_request_id_names_none() -> None:
    assert failed(reply(500)).__notes__ == ["POST http://h:3000/f?token=REDACTED&task_id=7: status 500"]


def test_attempts_are_listed() -> None:
    busy = reply(503, "busy", {"retry-after": "1"})
    (note,) = failed(busy, busy, busy).__notes__
    assert note.splitlines() == [
        "POST http://h:3000/f?token=REDACTED&task_id=7: status 503 after 2 seconds",
        *(f"attempt {number}: ServiceUnavailable: busy" for number in (1, 2, 3)),
    ]


def test_no_response() -> None:
    error = failed(lost(FailureKind.TIMEOUT, "the server did not answer in time").after(30))
    assert isinstance(error, CallTimeout)
    assert error.__notes__[0].splitlines() == [
        "POST http://h:3000/f?token=REDACTED&task_id=7: no response after 30 seconds",
        "with_options(timeout=...) allows more time; by default each wait may take 30 seconds",
    ]


@pytest.mark.parametrize(("status", "hint"), [(401, "a token is given by token="), (429, "RetryPolicy(adaptive=True)")])
def test_hints(status: int, hint: str) -> None:
    assert hint in failed(Forever(reply(status))).__notes__[0]


def test_text_of_a_server_is_made_safe() -> None:
    error = failed(reply(500, "", {"x-bentoml-request-id": "a\x1b[2J\x1b"}))
    assert r"request id a\x1b[2J\x1b" in error.__notes__[0]


def test_the_url_of_a_redirect_is_cut() -> None:
    (note,) = failed(moved(307, "/" + "y" * 60_000), reply(404)).__notes__
    assert note.startswith("POST http://h:3000/yyy")
    assert "yyy...: status 404" in note
    assert len(note) < LONGEST + 200


def test_a_stream_that_breaks() -> None:
    exchange = Exchange(REQUEST, lambda head: RawDecoder(), Limits())
    exchange.receive(Head(200, ()))
    exchange.receive(ConnectionFailed(FailureKind.DISCONNECTED, "lost", sent=True))
    assert isinstance(exchange.error, ConnectionLost)
    assert exchange.error.__notes__ == ["POST http://h:3000/f?token=REDACTED&task_id=7: status 200"]


def test_notes_are_pickled_and_shown() -> None:
    error = pickle.loads(pickle.dumps(failed(reply(500))))
    if sys.version_info >= (3, 11):
        assert "POST http://h:3000/f" in "".join(traceback.format_exception_only(error))
    assert len(error.__notes__) == 1
