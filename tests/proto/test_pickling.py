"""A pickled session keeps what it knows, and no state of its process."""

from __future__ import annotations

import pickle
import sys
from types import ModuleType
from typing import Any

import pytest

from bento_proto import JSON, BentoMLException, CallTimeout, ConnectError, Limits, Session
from bento_proto.http import Proxies
from bento_proto.request import bind
from bento_proto.session import ClientConfig
from bento_proto.testing import Recorder

from .play import play, reply

SCHEMA: JSON = {"name": "S", "routes": [{"name": "f", "route": "/f", "output": {"type": "integer"}}]}


def zero() -> float:
    return 0.0


def token() -> str:
    return "given"


def session(**options: Any) -> Session:
    return Session("http://u:p@h:1/gw", **{"environ": {}, "random": zero, **options})


def test_options_and_service_are_pickled() -> None:
    for given in (session(schema=SCHEMA), session()):
        on: Session = pickle.loads(pickle.dumps(given))
        assert (on.service, on.base, on.options) == (given.service, given.base, given.options)


def test_a_restored_session_makes_the_same_requests() -> None:
    given = session(schema=SCHEMA)
    for on in (given, pickle.loads(pickle.dumps(given))):
        flow = on.call(bind(on.endpoint("f"), (), {}), (), "b", on.options, 0.0)
        played = play(flow, reply(200, b"7", {"set-cookie": "a=1"}))
        assert played.result.result == 7
        assert "cookie" not in played.asked[0].headers
        assert played.asked[0].headers["authorization"].startswith("Basic ")


def test_a_token_function_is_pickled() -> None:
    on: Session = pickle.loads(pickle.dumps(session(schema=SCHEMA, token=token)))
    flow = on.call(bind(on.endpoint("f"), (), {}), (), "b", on.options, 0.0)
    assert play(flow, reply(200, b"7")).asked[0].headers["authorization"] == "Bearer given"


def test_a_token_function_that_can_not_be_pickled_is_a_type_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "cloudpickle", raising=False)
    given = session(token=lambda: "t")
    with pytest.raises(TypeError, match="the token is a function that can't be pickled"):
        pickle.dumps(given)
    monkeypatch.setitem(sys.modules, "cloudpickle", ModuleType("cloudpickle"))
    with pytest.raises(Exception, match="lambda"):  # pickle's own words: whoever has cloudpickle tries that next
        pickle.dumps(given)


def test_a_configuration_is_pickled_unless_it_has_what_can_not_be() -> None:
    config = ClientConfig(session(schema=SCHEMA), Limits(body=1), Proxies("http://p", {}))
    again: ClientConfig = pickle.loads(pickle.dumps(config))
    assert (again.limits, again.session.endpoint("f").name) == (Limits(body=1), "f")
    with pytest.raises(TypeError, match=r"^a client with recorder= can't be pickled, as that belongs to this process"):
        pickle.dumps(config.replace(recorder=Recorder()))


def test_the_cause_of_an_error_is_pickled_if_it_is_a_bentoml_exception() -> None:
    error = CallTimeout("late")
    error.__cause__ = ConnectError("no")
    assert type(pickle.loads(pickle.dumps(error)).__cause__) is ConnectError
    other = BentoMLException("odd")
    other.__cause__ = OSError("no")
    again = pickle.loads(pickle.dumps(other))
    assert (again.__cause__, again.__suppress_context__) == (None, False)
