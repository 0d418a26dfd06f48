"""Any other document than a ``/schema.json`` raises a `SchemaError` that names the place."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bento_proto import JSON, BentoMLException, RemoteProtocolError, SchemaError, Service
from bento_proto.schema import docstring_of, parse_service, signature_of
from tests.proto.play import counted_calls
from tests.recordings import schema, schema_names

FINE: dict[str, JSON] = {"name": "f", "route": "/f"}


def nested(depth: int) -> JSON:
    schema: JSON = {}
    for _ in range(depth):
        schema = {"items": schema}
    return schema


@pytest.mark.parametrize(
    ("document", "says"),
    [
        (b"", "not JSON"),
        (b"<html>", "not JSON"),
        (b"\xff", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "the schema is not an object"),
        (b"{}", "routes is not an array"),
        (b'{"routes":{}}', "routes is not an array"),
        (b'{"routes":[1]}', r"routes\[0\] is not an object"),
        ({"name": 5, "routes": []}, "name is not a string"),
        ({"description": 5, "routes": []}, "description is not a string"),
        ({"routes": [FINE, FINE]}, "two endpoints are named 'f'"),
        ({"routes": [{}]}, r"routes\[0\].name is not a string"),
        ({"routes": [{"name": ""}]}, r"routes\[0\].route is not a string"),
        ({"routes": [{**FINE, "name": "\ud800"}]}, r"routes\[0\].name is not valid Unicode"),
        ({"routes": [{**FINE, "doc": 5}]}, r"routes\[0\].doc is not a string"),
        ({"routes": [{**FINE, "input": []}]}, "input is not an object"),
        ({"routes": [{**FINE, "output": []}]}, "output is not an object"),
        ({"routes": [{**FINE, "input": {"properties": []}}]}, "properties is not an object"),
        ({"routes": [{**FINE, "input": {"properties": {"a": 1}}}]}, "input.properties.a is not an object"),
        ({"routes": [{**FINE, "input": {"properties": {"\ud800": {}}}}]}, "not valid Unicode"),
        ({"routes": [{**FINE, "input": {"required": {}}}]}, "required is not an array"),
        ({"routes": [{**FINE, "input": {"required": [1]}}]}, "input.required is not a string"),
        ({"routes": [{**FINE, "output": {"anyOf": {}}}]}, "anyOf is not an array"),
        ({"routes": [{**FINE, "output": {"prefixItems": {}}}]}, "prefixItems is not an array"),
        ({"routes": [{**FINE, "output": {"items": {"$defs": {"A": {"type": 5}}}}}]}, "type is not a string"),
        ({"routes": [{**FINE, "output": nested(101)}]}, "nested too deeply"),
        # What goes into a header of the request, or of a part of it:
        (
            {"routes": [{**FINE, "input": {"type": "file", "content_type": "a/b\r\nx: y"}}]},
            "not valid in a header",
        ),
        ({"routes": [{**FINE, "input": {"type": "file", "content_type": "ä/b"}}]}, "not valid in a header"),
    ],
)
def test_a_malformed_schema_is_an_error(document: bytes | JSON, says: str) -> None:
    with pytest.raises(SchemaError, match="^/schema.json is not the schema of a BentoML Service: .*" + says):
        parse_service(document)


@pytest.mark.parametrize(
    "route",
    [
        "",
        "f",
        "//evil.example/f",
        "http://evil.example/f",
        "/a/../f",
        "/..",
        "/.",
        "/./f",
        "/f\r\nx: y",
        "/f\x00",
        "/\ud800",
    ],
)
def test_a_route_must_be_a_path_on_the_server(route: str) -> None:
    with pytest.raises(SchemaError, match=r"routes\[0\]\.route"):
        parse_service({"routes": [{"name": "f", "route": route}]})


def test_a_schema_at_the_limit_of_depth_is_parsed() -> None:
    assert parse_service({"routes": [{**FINE, "output": nested(100)}]}).endpoints


def test_a_schema_error_is_a_remote_protocol_error() -> None:
    assert issubclass(SchemaError, RemoteProtocolError)
    assert issubclass(SchemaError, BentoMLException)


# --- large documents


def wide(count: int, depth: int) -> JSON:
    """Empty schemas, all at one depth."""
    schema: JSON = {"anyOf": [{} for _ in range(count)]}
    for _ in range(depth):
        schema = {"items": schema}
    return {"routes": [{**FINE, "output": schema}]}


def test_a_deep_and_wide_schema_takes_linear_time() -> None:
    def calls(count: int, depth: int) -> int:
        document = wide(count, depth)
        with counted_calls() as counter:
            parse_service(document)
        return counter.calls

    assert calls(2000, 4) <= 2.1 * calls(1000, 4)
    assert calls(2000, 90) <= 1.1 * calls(2000, 4)


def test_the_number_of_schemas_is_limited() -> None:
    parse_service(wide(499_990, 4))
    with pytest.raises(SchemaError, match="it has an endpoint of more than 500000 schemas"):
        parse_service(wide(500_000, 4))


# --- any document

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
ANYTHING = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3), max_leaves=5
)
ROUTES: list[JSON] = [route for name in schema_names() for route in json.loads(schema(name))["routes"]]
TELLING = st.sampled_from(
    ["properties", "required", "type", "items", "anyOf", "$ref", "args", "kwargs", "class", "a-b"]
)


def places(node: JSON) -> Iterator[tuple[Any, Any]]:
    """Each list and dict inside, with each index and key of it."""
    keys = list(node) if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
    for key in keys:
        yield node, key
        yield from places(cast("Any", node)[key])


def mutate(data: st.DataObject, within: Any, key: Any) -> None:
    """Delete, retype, nest or duplicate one thing in a document."""
    value = within[key]
    what = data.draw(st.sampled_from(["delete", "retype", "nest", "duplicate"]))
    if what == "delete":
        del within[key]
    elif what == "retype":
        within[key] = data.draw(ANYTHING)
    elif what == "nest":
        within[key] = [value] if data.draw(st.booleans()) else {data.draw(TELLING): value}
    elif isinstance(within, list):
        within.append(copy.deepcopy(value))
    else:
        within[data.draw(TELLING)] = copy.deepcopy(value)


@settings(max_examples=200)
@given(st.data())
def test_any_mutation_of_a_schema_is_a_service_or_an_error(data: st.DataObject) -> None:
    document: JSON = {"name": "Zoo", "routes": data.draw(st.lists(st.sampled_from(ROUTES), min_size=1, max_size=2))}
    document = copy.deepcopy(document)
    for _ in range(data.draw(st.integers(1, 4))):
        found = list(places(document))
        if found:
            mutate(data, *found[data.draw(st.integers(0, 1_000)) % len(found)])
    refused_or_usable(document)


@settings(max_examples=200)
@given(ANYTHING | st.fixed_dictionaries({"routes": st.lists(ANYTHING)}))
def test_any_json_is_a_service_or_an_error(document: JSON) -> None:
    refused_or_usable(document)


@settings(max_examples=200)
@given(st.binary())
def test_any_bytes_are_an_error(data: bytes) -> None:
    with pytest.raises(SchemaError):
        parse_service(data)


def refused_or_usable(document: JSON) -> None:
    try:
        service = parse_service(document)
    except SchemaError:
        return
    assert isinstance(service, Service)
    assert service.prefix == "" or service.prefix.startswith("/")
    for endpoint in service.endpoints.values():  # whatever looks at what was read finds it usable
        assert str(signature_of(endpoint))
        assert docstring_of(endpoint)
        for parameter in endpoint.parameters:
            assert isinstance(parameter.is_variadic, bool)
            assert isinstance(parameter.is_image, bool)
            assert parameter.content_type is None or parameter.content_type.isascii()
