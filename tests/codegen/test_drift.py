"""The check of a generated module: a line for each relevant change of the Service, and none for others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any

import pytest

from bento_client.codegen import check, generate
from bento_proto import SchemaError
from bento_proto.schema import parse_service

from .modules import SCHEMAS, text_of

BEFORE: dict[str, Any] = {
    "name": "Shop",
    "routes": [
        {
            "name": "find",
            "route": "/find",
            "input": {
                "properties": {"query": {"type": "string"}, "limit": {"type": "integer", "default": 3}},
                "required": ["query"],
            },
            "output": {
                "type": "array",
                "items": {"title": "Item", "type": "object", "properties": {"sku": {"type": "string"}}},
            },
        },
        {"name": "sell", "route": "/sell", "input": {"properties": {"f": {"type": "file"}}}, "output": {}},
    ],
}


def find(service: dict[str, Any]) -> dict[str, Any]:
    endpoint: dict[str, Any] = service["routes"][0]
    return endpoint


def arguments(service: dict[str, Any]) -> dict[str, Any]:
    properties: dict[str, Any] = find(service)["input"]["properties"]
    return properties


CHANGES: Mapping[str, tuple[Callable[[dict[str, Any]], object], list[str]]] = {
    "an endpoint is gone": (lambda s: s["routes"].pop(), ["sell: the endpoint is gone"]),
    "an endpoint is new": (
        lambda s: s["routes"].append({"name": "buy", "route": "/buy", "input": {"properties": {"n": {}}}}),
        ["buy: the endpoint is new: buy(n: object = None) -> Any"],
    ),
    "a route": (lambda s: find(s).update(route="/v2"), ["find: route: '/find' -> '/v2'"]),
    "a task": (lambda s: find(s).update(is_task=True), ["find: kind: endpoint -> task"]),
    "a type": (lambda s: arguments(s)["query"].update(type="integer"), ["find: argument 'query': str -> int"]),
    "a default": (
        lambda s: arguments(s)["limit"].update(default=4),
        ["find: argument 'limit': default 3 -> default 4"],
    ),
    "required": (
        lambda s: find(s)["input"].update(required=["query", "limit"]),
        ["find: argument 'limit': int | None -> int", "find: argument 'limit': default 3 -> required"],
    ),
    "an argument is gone": (lambda s: arguments(s).pop("limit"), ["find: argument 'limit' is gone"]),
    "an argument is new": (
        lambda s: arguments(s).update(page={"type": "integer", "default": 0}),
        ["find: argument 'page' is new: page: int | None = 0"],
    ),
    "an argument has another name": (
        lambda s: arguments(s).update(top=arguments(s).pop("limit")),
        ["find: argument 'limit' is gone", "find: argument 'top' is new: top: int | None = 3"],
    ),
    "the order": (
        lambda s: arguments(s).update(query=arguments(s).pop("query")),
        [
            "find: argument 'query': is given in another way",
            "find: order of the arguments: query, limit -> limit, query",
        ],
    ),
    "a result": (
        lambda s: find(s).update(output={"type": "string"}),
        ["find: result: list[Item] -> str", "Item.sku is gone"],
    ),
    "a stream": (
        lambda s: find(s)["output"].update(is_stream=True),
        ["find: kind: endpoint -> stream", "find: result: list[Item] -> Iterator[list[Item]]"],
    ),
    "a field's type": (
        lambda s: find(s)["output"]["items"]["properties"].update(sku={"type": "integer"}),
        ["Item.sku: NotRequired[str] -> NotRequired[int]"],
    ),
    "a new field": (
        lambda s: find(s)["output"]["items"]["properties"].update(note={"type": "string", "default": ""}),
        ["Item.note is new: str"],
    ),
    "what decides how it is sent": (
        lambda s: s["routes"][1]["input"]["properties"]["f"].update(content_type="audio/wav"),
        ["sell: is described in another way"],
    ),
    "a name of the client's own": (
        lambda s: find(s).update(name="call"),
        [
            "call: the endpoint is new: call(query: str, limit: int | None = 3) -> list[Item]",
            "find: the endpoint is gone",
        ],
    ),
}


@pytest.mark.parametrize("what", CHANGES)
def test_changes(what: str) -> None:
    change, expected = CHANGES[what]
    now = deepcopy(BEFORE)
    change(now)
    assert check(now, generate(BEFORE)) == expected


UNCHANGED: Mapping[str, Callable[[dict[str, Any]], object]] = {
    "nothing": lambda s: None,
    "the order of the endpoints": lambda s: s["routes"].reverse(),
    "descriptions": lambda s: (find(s).update(doc="New."), arguments(s)["query"].update(description="new", title="Q")),
    "limits": lambda s: arguments(s)["query"].update(maxLength=3, examples=["a"]),
    "the name of the Service": lambda s: s.update(name="Other", description="Other."),
    "what is not known": lambda s: find(s).update(batchable=True, new_key=1),
}


@pytest.mark.parametrize("what", UNCHANGED)
def test_irrelevant_changes_are_ignored(what: str) -> None:
    now = deepcopy(BEFORE)
    UNCHANGED[what](now)
    assert check(now, generate(BEFORE)) == []
    assert check(parse_service(now), generate(BEFORE, name="Mine", sync=False)) == []


def test_an_endpoint_may_take_the_attribute_of_another() -> None:
    call: dict[str, Any] = {"name": "call", "route": "/call"}
    changes = check({"routes": [call, {"name": "api_call", "route": "/x"}]}, generate({"routes": [call]}))
    assert changes == ["api_call: the endpoint is new: api_call() -> Any", "call: attribute: api_call -> None"]


@pytest.mark.parametrize("module", SCHEMAS)
def test_a_new_module_has_no_changes(module: str) -> None:
    assert check(SCHEMAS[module], text_of(module)) == []


def test_a_reformatted_module_has_no_changes() -> None:
    text = generate(BEFORE).replace('rb"""', "rb'''").replace(']}\n"""', "]}\n'''")
    assert "'''" in text
    assert check(BEFORE, text) == []


@pytest.mark.parametrize("text", ["", "x = 1", "_SCHEMA = 1", "_SCHEMA = f()", "_SCHEMA = b'{'", "not python"])
def test_other_modules_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a generated module"):
        check(BEFORE, text)


def test_a_malformed_schema_is_refused() -> None:
    with pytest.raises(SchemaError):
        check({"routes": 1}, generate(BEFORE))
