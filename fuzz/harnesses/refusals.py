"""The errors that answers with an error status become."""

from __future__ import annotations

import pickle

from bento_proto import BentoMLException, Head
from bento_proto.exchange._failures import error_class, refusal
from fuzz.support import Source

STATUSES = (400, 401, 403, 404, 409, 418, 422, 429, 500, 502, 503, 504, 599, 999)
TYPES = (
    "application/json",
    "text/html",
    "text/plain; charset=utf-16",
    "text/plain; charset=hz",
    "text/plain; charset=?",
)


def test_one_input(data: bytes) -> None:
    """Whatever the body says, the error is the one of the status; it can be shown, and taken to another process."""
    source = Source(data)
    head = Head(source.choice(STATUSES), (("content-type", source.choice(TYPES)), ("x-bentoml-request-id", "7")))
    error = refusal(head, source.rest())
    assert type(error) is error_class(head.status)
    assert (error.error_code, error.request_id) == (head.status, "7")
    assert error.message
    assert isinstance(str(error), str)
    assert isinstance(repr(error), str)
    try:
        again = pickle.loads(pickle.dumps(error))
    except RecursionError:
        return  # Python's own bound for what is nested deeply
    assert isinstance(again, BentoMLException)
    assert (type(again), str(again), again.error_code) == (type(error), str(error), error.error_code)
