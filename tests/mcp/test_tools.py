"""Endpoints as tools: JSON Schema without BentoML's extensions, and arguments as a call takes them. Needs no SDK."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any, cast

import pytest

from bento_client.mcp._tools import arguments_of, tools_of
from bento_proto import JSON, Endpoint, File, InvalidArgument, Service
from bento_proto.schema import parse_service

FILE = {"type": "file", "format": "binary"}


def service(**inputs: Any) -> Service:
    routes: list[JSON] = [
        {"name": name, "route": f"/{name}", "input": {"type": "object", "properties": {}, **given}, "output": {}}
        for name, given in inputs.items()
    ]
    return parse_service({"name": "Shop", "routes": routes})


def endpoint(**given: Any) -> Endpoint:
    return service(f=given).endpoints["f"]


def schema_of(found: Endpoint, **options: bool) -> Any:
    return tools_of([found], **options)["f"].input_schema


def test_schemas_are_json_schema() -> None:
    properties = {
        "image": {"type": "file", "format": "image", "description": "A cat."},
        "files": {"type": "array", "items": FILE},
        "tensor": {"type": "tensor", "format": "numpy-array", "dtype": "float32", "shape": [2, 3]},
        "frame": {"type": "dataframe", "orient": "records"},
        "raw": {"type": "string", "format": "binary"},
        "model": {"$ref": "#/$defs/Model"},
    }
    definitions = {
        "Model": {"type": "object", "properties": {"x": {"type": "tensor"}, "next": {"$ref": "#/$defs/Model"}}}
    }
    schema = schema_of(endpoint(properties=properties, required=["image"], **{"$defs": definitions}))
    assert (schema["type"], schema["required"]) == ("object", ["image"])
    found = schema["properties"]
    assert found["image"]["description"].startswith("A cat. An image: `data` in base64")
    assert found["files"]["items"]["type"] == "object"
    assert found["tensor"]["type"] == ["array", "number"]
    assert "dtype float32, shape [2, 3]" in found["tensor"]["description"]
    assert found["frame"]["type"] == ["array", "object"]
    assert found["raw"]["contentEncoding"] == "base64"
    assert found["model"] == {"$ref": "#/$defs/Model"}
    assert schema["$defs"]["Model"]["properties"]["x"]["type"] == ["array", "number"]
    assert "path" not in found["image"]["properties"]
    paths = schema_of(endpoint(properties=properties), with_paths=True)
    assert "path" in paths["properties"]["image"]["properties"]


def test_one_argument_without_a_name_is_called_input() -> None:
    found = endpoint(type="array", items={"type": "integer"}, root_input=True)
    argument = schema_of(found)["properties"]["input"]
    assert (argument["type"], argument["items"]) == ("array", {"type": "integer"})
    assert schema_of(found)["required"] == ["input"]
    assert arguments_of(found, {"input": [1, 2]}) == ([[1, 2]], {})


def test_files_and_bytes_are_decoded() -> None:
    found = endpoint(
        properties={"f": FILE, "many": {"type": "array", "items": FILE}, "raw": {"type": "string", "format": "binary"}}
    )
    data = base64.b64encode(b"hello").decode()
    args, kwargs = arguments_of(
        found,
        {"f": {"data": data, "name": "a.txt", "mimeType": "text/plain"}, "many": [{"url": "https://x/y"}], "raw": data},
    )
    assert args == []
    assert kwargs == {"f": File(b"hello", "a.txt", "text/plain"), "many": ["https://x/y"], "raw": b"hello"}
    _, kwargs = arguments_of(found, {"f": {"path": "a.txt"}}, Path)
    assert kwargs == {"f": Path("a.txt")}


@pytest.mark.parametrize("given", ["a.txt", {}, {"path": "a.txt"}, {"url": "file:///etc/passwd"}, {"data": "§"}, 1])
def test_a_file_that_is_given_in_another_way_is_refused(given: Any) -> None:
    with pytest.raises(InvalidArgument, match=r"f is (a file|not in base64)"):
        arguments_of(endpoint(properties={"f": FILE}), {"f": given})


def test_variadic_arguments_are_spread() -> None:
    properties = {"args": {"type": "array", "items": {}}, "kwargs": {"type": "object"}}
    found = endpoint(properties=properties, required=["args", "kwargs"])
    assert schema_of(found)["required"] == []
    assert arguments_of(found, {"args": [1, 2], "kwargs": {"a": 3}}) == ([1, 2], {"a": 3})


def test_names_are_those_that_tools_may_have() -> None:
    found = service(**{"a b": {}, "a_b": {}, "x" * 100: {}, "ok.name-1": {}})
    assert list(tools_of(found.endpoints.values())) == ["a_b", "a_b_2", "x" * 64, "ok.name-1"]


def test_text_of_a_server_has_nothing_that_people_do_not_see() -> None:
    """It may hide instructions to a model. Values, such as those of an enum, stay as they are."""
    hidden = "seen\U000e0041\u202e\x1b[8m"
    texts: Any = {"title": hidden, "description": hidden, "$comment": hidden}
    inner: Any = {"type": "object", "properties": {"a": {"type": "string", "enum": [hidden], **texts}}, **texts}
    schema = schema_of(
        endpoint(
            properties={
                "x": {"type": "array", "items": inner, **texts},
                "y": {"type": "tensor", "dtype": hidden, **texts},
                "z": {"type": "file", **texts},
            }
        )
    )
    assert texts_of(schema) >= {r"seen\U000e0041\u202e\x1b[8m"}
    assert [text for text in texts_of(schema) if not text.isprintable()] == [hidden]
    assert texts_of(schema["properties"]["x"]["items"]["properties"]["a"]["enum"]) == {hidden}


def texts_of(value: Any) -> set[str]:
    """All text in a JSON value, but keys."""
    if isinstance(value, str):
        return {value}
    if isinstance(value, dict):
        value = [*cast("dict[str, JSON]", value).values()]
    return set[str]().union(*map(texts_of, cast("list[JSON]", value))) if isinstance(value, list) else set()
