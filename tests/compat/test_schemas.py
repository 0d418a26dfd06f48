"""What the client understands of the schemas that each version of BentoML writes, and of its readiness."""

from __future__ import annotations

import pytest

from bento_proto import Endpoint, Service
from bento_proto.schema import parse_service, signature_of
from bento_sync import SyncHTTPClient
from tests import recordings

pytestmark = pytest.mark.compat

# What BentoML 1.2 describes less exactly: Enums as pydantic does, by reference. And better: an optional file as one.
OTHERWISE = {"enum_out", "int_enum_out", "str_enum_out", "file_optional_pep604"}


@pytest.fixture(scope="module")
def newest() -> Service:
    return parse_service(recordings.schema("Zoo"))


def test_the_service_is_ready(zoo: SyncHTTPClient) -> None:
    zoo.wait_until_server_ready(10)
    assert zoo.is_ready()


def test_the_endpoints_are_the_same(zoo: SyncHTTPClient, version: str, newest: Service) -> None:
    zoo.no_args_str()
    expected = set(newest.endpoints)
    if version == "1.2.20":
        expected -= {"nd_typed"}  # its server would not start with it
        expected ^= {"root_route", "ignored_name"}  # it heeds `@bentoml.api(name=...)`
    assert set(zoo.endpoints) == expected
    assert not any(endpoint.is_task for endpoint in zoo.endpoints.values())


def test_what_they_take_and_give_is_the_same(zoo: SyncHTTPClient, version: str, newest: Service) -> None:
    zoo.no_args_str()
    names = {name for name, endpoint in zoo.endpoints.items() if not newest_has_root_input(newest, name)}
    if version == "1.2.20":
        names -= OTHERWISE
    if version == "1.3.22":  # it does not say what the elements of an array are
        names -= {"nd_typed"}
        assert str(signature_of(zoo.endpoints["nd_typed"])) == "(a: 'TensorInput') -> 'NDArray[Any]'"
    assert {name: described(zoo.endpoints[name]) for name in names} == {
        name: described(newest.endpoints[name]) for name in names
    }


def newest_has_root_input(newest: Service, name: str) -> bool:
    """Whether an endpoint has an argument that older versions know only by its name."""
    return name not in newest.endpoints or newest.endpoints[name].root_input


def described(endpoint: Endpoint) -> tuple[object, ...]:
    return str(signature_of(endpoint)), endpoint.route, endpoint.output.kind, endpoint.output.is_stream
