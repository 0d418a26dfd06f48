"""The generated modules that ``typing_tests`` checks, and their schemas.

``python tools/typed_clients.py`` writes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bento_client.codegen import generate
from bento_proto import JSON
from tests.recordings import schema

FOLDER = Path(__file__).resolve().parents[2] / "typing_tests" / "generated"

_NODE: dict[str, JSON] = {
    "type": "object",
    "title": "Node",
    "description": 'A node; "quoted", with \\ and """ in it.',
    "properties": {
        "value": {"type": "integer", "description": "what it holds"},
        "children": {"type": "array", "items": {"$ref": "#/$defs/Node"}},
        "parent": {"anyOf": [{"$ref": "#/$defs/Node"}, {"type": "null"}], "default": None},
    },
    "required": ["value"],
}
_FIELDS: dict[str, JSON] = {
    "type": "object",
    "title": "Fields",
    "properties": {
        "object": {"type": "string"},
        "str": {"type": "array", "items": {"type": "object", "additionalProperties": True}},
        "a-b": {"type": "number"},
        "class": {"type": "boolean", "default": False},
        "__hidden": {"type": "integer"},
    },
    "required": ["object", "str", "a-b"],
}


def _has_default(schema: JSON) -> bool:
    return isinstance(schema, dict) and "default" in schema


def _route(name: str, arguments: Mapping[str, JSON], output: JSON, **more: JSON) -> JSON:
    required: list[JSON] = [
        key for key, value in arguments.items() if isinstance(value, dict) and "default" not in value
    ]
    given: JSON = {"type": "object", "properties": dict(arguments), "required": required}
    return {"name": name, "route": f"/{name}", "input": given, "output": output, **more}


ODD: JSON = {
    "name": "odd service; with a 'name'",
    "description": 'Odd in every way.\n\n"""\nimport os\n"""',
    "routes": [
        # Names that mean something else, to Python or in annotations.
        _route("list", {"str": {"type": "string"}}, {"type": "array", "items": {"type": "string"}}),
        _route("str", {"object": {}}, {"type": "string"}),
        _route("typed", {}, {"enum": ["a", 1, None]}),
        _route("class", {"self": {"type": "integer"}}, {"type": "integer"}),
        _route("not an identifier", {}, {"type": "integer"}),
        _route("FieldsInput", {"fields": _FIELDS}, _FIELDS),
        # Arguments that can be given by ** alone, and those of the path.
        _route("keywords", {"a b": {"type": "integer"}, "c": {"type": "integer"}, "kwargs": {"type": "string"}}, {}),
        _route("path", {"n": {"type": "integer", "default": 1}}, {}, route="/users/{user_id}/{item:int}"),
        _route("positional", {"a": {"type": "integer"}, "args": {"type": "array", "items": {"type": "string"}}}, {}),
        # Defaults that do not fit, do not end, or can't be written.
        _route(
            "defaults",
            {
                "union": {"type": "integer", "default": "five"},
                "endless": {"type": "number", "default": float("inf")},
                "long": {"type": "string", "default": "x" * 200},
                "model": {**_NODE, "default": {"value": "not a number"}},
                "pick": {"enum": ["a", "b"], "default": "c"},
                "empty": {"type": "array", "items": {"type": "string"}, "default": []},
                "text": {"type": "string", "default": 'a "b" \\ \n\x00\u202e'},
            },
            {"type": "null"},
        ),
        # Models: recursive, open to other fields, without a name.
        _route("grow", {"node": _NODE}, {**_NODE, "$defs": {"Node": _NODE}}),
        _route("grow_all", {}, {"type": "array", "items": {"$ref": "#/$defs/Node"}, "$defs": {"Node": _NODE}}),
        _route(
            "open_ended",
            {"data": {"type": "object", "properties": {"a": {"type": "integer"}}, "additionalProperties": True}},
            {"type": "object", "properties": {"b": {"type": "integer", "default": 1}, "c": {"type": "integer"}}},
        ),
        _route("unknown", {"x": {"$ref": "#/$defs/Gone"}}, {"type": ["integer", "null"]}),
        _route("optional_stream", {}, {"anyOf": [{"type": "string", "format": "binary"}], "is_stream": True}),
    ],
}

SCHEMAS: Mapping[str, JSON | bytes] = {"zoo": schema("Zoo"), "tasks": schema("ZooTasks"), "odd": ODD}


def text_of(module: str) -> str:
    """What the module is to be."""
    return generate(SCHEMAS[module])


if __name__ == "__main__":
    for module in SCHEMAS:
        (FOLDER / f"{module}.py").write_text(text_of(module), encoding="utf-8")
