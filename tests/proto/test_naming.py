"""The attributes of a client that are endpoints."""

from __future__ import annotations

import pytest

from bento_proto import Service
from bento_proto.schema import ALIAS, attributes, endpoint_for, parse_service
from tests.proto.shapes import service

RESERVED = frozenset({"call", "close", "is_ready"})


def named(*names: str) -> Service:
    return parse_service({"name": "S", "routes": [{"name": name, "route": f"/{name}"} for name in names]})


@pytest.mark.parametrize(
    ("attribute", "endpoint"),
    [
        ("add_int", "add_int"),
        ("api_add_int", "add_int"),
        ("close", None),  # the client's own
        ("api_close", "close"),
        ("_private", None),
        ("api__private", "_private"),
        ("nope", None),
        ("api_nope", None),
        ("api_", None),
        ("", None),
    ],
)
def test_the_endpoint_of_an_attribute(attribute: str, endpoint: str | None) -> None:
    assert endpoint_for(service(), attribute, RESERVED) == endpoint


def test_names_with_underscores_are_endpoints_by_their_alias_only() -> None:
    odd = service("ZooOdd")
    assert endpoint_for(odd, "__class__", RESERVED) is None
    assert endpoint_for(odd, "__call__", RESERVED) is None
    assert endpoint_for(odd, "api___call__", RESERVED) == "__call__"


def test_only_identifiers_are_listed() -> None:
    assert list(attributes(service("ZooOdd"), RESERVED)) == ["ünïcode", "api___call__", "api___class__"]


def test_reserved_names_are_listed_by_their_alias() -> None:
    assert list(attributes(named("add", "close", "_p", "class"), RESERVED)) == ["add", "api_close", "api__p"]


def test_an_endpoint_named_like_an_alias_takes_precedence() -> None:
    both = named("close", "api_close")
    assert endpoint_for(both, "api_close", RESERVED) == "api_close"
    assert endpoint_for(both, "api_api_close", RESERVED) == "api_close"
    assert list(attributes(both, RESERVED)) == ["api_close"]


def test_listed_attributes_are_the_endpoints() -> None:
    for name in ("Zoo", "ZooTasks", "ZooOdd"):
        shown = list(attributes(service(name), RESERVED))
        reached = [endpoint_for(service(name), attribute, RESERVED) for attribute in shown]
        assert None not in reached
        assert len(set(reached)) == len(shown) == len(set(shown))
    assert all(attribute.startswith(ALIAS) for attribute in attributes(named(*RESERVED), RESERVED))
