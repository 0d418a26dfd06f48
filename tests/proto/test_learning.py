"""What a client finds out for a person who asks for help: a schema, and the descriptions that it lacks."""

from __future__ import annotations

import inspect
from typing import NoReturn

import pytest

from bento_proto import JSON, FailureKind, Session
from bento_proto.batch import BatchState
from bento_proto.http import Timeout
from bento_proto.schema import parse_service
from bento_proto.schema._openapi import documented
from bento_proto.session import EndpointMethodBase, Options

from .play import Answer, lost, play, reply

SCHEMA: dict[str, JSON] = {"name": "S", "routes": [{"name": "f", "route": "/v1/f"}, {"name": "g", "route": "/v1/g"}]}
DOCS: JSON = {"paths": {"/v1/f": {"post": {"description": "Do it."}}, "/g": {"post": {"summary": "More."}}}}


def session(schema: JSON = None, url: str = "http://h") -> Session:
    return Session(url, schema=schema, environ={}, random=lambda: 0.0)


def asked(of: Session, *answers: Answer) -> list[str]:
    played = play(of.learn(of.options, 0.0), *answers)
    return [each.request.target for each in played.asked]


def docs(of: Session) -> list[str | None]:
    assert of.service is not None
    return [endpoint.doc for endpoint in of.service.endpoints.values()]


def test_the_schema_and_the_descriptions_are_asked_for_once() -> None:
    found = session()
    assert asked(found, reply(200, SCHEMA), reply(200, DOCS)) == ["/schema.json", "/v1/docs.json"]
    assert docs(found) == ["Do it.", "More."]
    assert not found.needs_learning
    assert asked(found) == []


def test_what_is_known_is_not_asked_for() -> None:
    found = session(SCHEMA, "http://h/gateway")
    assert asked(found, reply(200, DOCS)) == ["/gateway/docs.json"]
    found = session(
        {"name": "S", "routes": [{"name": "f", "route": "/f", "doc": "Here."}, {"name": "g", "route": "/g"}]}
    )
    assert asked(found) == []
    assert docs(found) == ["Here.", None]


@pytest.mark.parametrize(
    "answer", [reply(404), reply(500, {"error": "x"}), reply(200, "no JSON"), lost(), lost(FailureKind.CONNECT)]
)
def test_without_descriptions_all_is_as_it_was(answer: Answer) -> None:
    found = session(SCHEMA)
    assert asked(found, answer) == ["/v1/docs.json"]
    assert docs(found) == [None, None]


def test_without_a_schema_it_can_be_asked_again() -> None:
    found = session()
    assert play(found.learn(found.options, 0.0), lost(FailureKind.CONNECT)).error is not None
    assert found.needs_learning


@pytest.mark.parametrize(
    "document",
    [None, [], {"paths": 1}, {"paths": {"/v1/f": 1}}, {"paths": {"/v1/f": {"post": [], "get": {"summary": "x"}}}},
     {"paths": {"/v1/f": {"post": {"description": 1, "summary": " "}}}},
     {"paths": {"/v1/f": {"post": {"description": "\ud800"}}}}],
)  # fmt: skip
def test_a_document_that_is_not_as_expected(document: JSON) -> None:
    service = parse_service(SCHEMA)
    assert documented(service, document) == service


def test_a_description_of_the_schema_comes_first() -> None:
    service = parse_service({"name": "S", "routes": [{"name": "f", "route": "/f", "doc": "Here."}]})
    assert documented(service, {"paths": {"/f": {"post": {"description": "There."}}}}).endpoints["f"].doc == "Here."


def test_a_person_waits_briefly() -> None:
    assert session().options.of_help.timeout.total == 1
    quick = session().options.changed(timeout=Timeout(total=0.5))
    assert quick.of_help.timeout.total == 0.5


# --- a method


class Driver:
    def __init__(self, of: Session, *answers: Answer) -> None:
        self.session = of
        self.answers = answers

    def learn(self) -> None:
        if self.session.needs_learning:
            play(self.session.learn(self.session.options, 0.0), *self.answers)


class Method(EndpointMethodBase[list[int], list[object], NoReturn]):
    """A method."""

    _awaited = True

    def __init__(self, driver: Driver) -> None:
        super().__init__(driver.session, "f")
        self._driver = driver

    def __call__(self, /, *args: object, **kwargs: object) -> NoReturn:
        raise NotImplementedError

    @property
    def _options(self) -> NoReturn:
        raise NotImplementedError

    def _batch(self, inputs: list[int], state: BatchState, options: Options) -> NoReturn:
        raise NotImplementedError


def test_help_asks_for_what_is_not_known() -> None:
    method = Method(Driver(session(), reply(200, SCHEMA), reply(200, DOCS)))
    assert method.__doc__ == "Do it.\n\nExample:\n    result = await client.f()"
    method = Method(Driver(session(SCHEMA), reply(200, DOCS)))
    assert (method.endpoint.doc, method.__doc__) == (None, "Do it.\n\nExample:\n    result = await client.f()")


def test_a_signature_asks_too() -> None:
    method = Method(Driver(session(), reply(200, SCHEMA), reply(200, DOCS)))
    assert str(method.__signature__) == "() -> object"
    method = Method(Driver(session(), lost(FailureKind.CONNECT)))
    assert list(inspect.signature(method).parameters) == ["args", "kwargs"]
    assert method.__doc__ == "A method."
