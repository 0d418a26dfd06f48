"""The help on an endpoint: what its schema knows, and an example of a call."""

from __future__ import annotations

import ast
from typing import Any

import pytest

from bento_proto import JSON, Endpoint
from bento_proto.request import bind
from bento_proto.schema import arguments_of, example_of, example_value, help_of, parse_service, returns_of
from bento_proto.schema._examples import example
from tests.proto.shapes import FILE, FILES, KWARGS, TEXT, endpoint, root, service, zoo
from tests.recordings import schema_names

INTEGER: JSON = {"type": "integer"}
LINK: dict[str, JSON] = {"$ref": "#/$defs/Item"}
ITEM: dict[str, JSON] = {
    "type": "object",
    "title": "Item",
    "properties": {
        "sku": TEXT,
        "qty": {"type": "integer", "default": 1, "minimum": 1},
        "next": {"$ref": "#/$defs/Item"},
    },
    "required": ["sku"],
}


def test_the_help_on_an_endpoint() -> None:
    assert help_of(zoo("validated")).splitlines()[:6] == [
        "Call the endpoint ``validated`` of the Service.",
        "",
        "Args:",
        "    prompt (str, required, at most 5 characters)",
        "    temperature (float | None, default 1.0, at least 0, below 2)",
        "    order (OrderInput | ModelInput | None, default None): An order.",
    ]
    assert help_of(zoo("validated")).endswith("\n\nExample:\n    result = client.validated(prompt='text')")
    assert help_of(endpoint({}, doc="Do it.\n\n        With care.\n    ")).startswith(
        "Do it.\n\nWith care.\n\nExample:"
    )


def test_a_long_example_is_left_out() -> None:
    assert "Example" not in help_of(endpoint({"x": {"type": "string", "minLength": 5000}}))


def test_the_help_on_a_task() -> None:
    text = help_of(service("ZooTasks").endpoints["json_task"], awaited=True)
    assert "This is a task" in text
    assert "    task = await client.json_task.submit(" in text
    assert text.endswith("    result = await task.result()")


@pytest.mark.parametrize(
    ("schema", "line"),
    [
        ({"type": "integer", "minimum": 1, "exclusiveMaximum": 9}, "x (int, required, at least 1, below 9)"),
        ({"type": "number", "exclusiveMinimum": 0.5, "maximum": 2}, "x (float, required, above 0.5, at most 2)"),
        ({"type": "integer", "multipleOf": 3, "minimum": True}, "x (int, required, a multiple of 3)"),
        ({"type": "string", "minLength": 1}, "x (str, required, at least 1 character)"),
        ({"type": "string", "minLength": 1, "maxLength": 1}, "x (str, required, 1 character)"),
        ({"type": "string", "maxLength": 1}, "x (str, required, at most 1 character)"),
        ({"type": "string", "minLength": 1, "maxLength": 3}, "x (str, required, 1 to 3 characters)"),
        ({"type": "string", "minLength": 3, "maxLength": 3}, "x (str, required, 3 characters)"),
        ({"type": "string", "pattern": "^a", "format": "uuid"}, "x (UUID | str, required, matching ^a, format uuid)"),
        ({"type": "string", "examples": ["a", "b"]}, "x (str, required, for example 'a')"),
        ({"type": "string", "description": "A\n  text. "}, "x (str, required): A text."),
        ({"type": "string", "description": " "}, "x (str, required)"),
        ({"type": "array", "items": INTEGER, "maxItems": 2}, "x (Sequence[int], required, at most 2 items)"),
        (
            {"type": "array", "items": {"type": "integer", "minimum": 0}, "uniqueItems": True},
            "x (Collection[int], required, no item twice, each at least 0)",
        ),
        ({"enum": ["red", "blue"]}, "x (Literal['red', 'blue'], required)"),
        ({"type": "number", "enum": [0.5, 1.5]}, "x (float, required, one of 0.5, 1.5)"),
        ({"type": "tensor", "shape": [2, 3], "dtype": "int8"}, "x (TensorInput, required, dtype int8, shape (2, 3))"),
        ({"type": "dataframe", "columns": ["a", "b"]}, "x (FrameInput, required, columns a, b)"),
        ({"type": "file", "content_type": "audio/mp3"}, "x (FileInput, required, of type audio/mp3)"),
        ({"type": "file", "pil": True, "format": "image"}, "x (FileInput, required)"),
        ({"anyOf": [{"type": "integer", "minimum": 1}, {"type": "null"}]}, "x (int | None, required, at least 1)"),
    ],
)
def test_the_line_of_an_argument(schema: JSON, line: str) -> None:
    assert arguments_of(endpoint({"x": schema}))[0] == line


def test_a_long_enum_is_cut() -> None:
    found = arguments_of(endpoint({"x": {"type": "integer", "enum": list(range(60))}}))
    assert found[0].endswith("48, 49, ...)")


def test_arguments_that_may_be_left_out() -> None:
    assert arguments_of(endpoint({"x": {"type": "string", "default": "a"}, "y": TEXT}, [])) == [
        "x (str | None, default 'a')",
        "y (str | None, optional)",
    ]
    variadic: dict[str, JSON] = {"args": {"type": "array", "items": INTEGER}, "kwargs": {"type": "object"}}
    assert arguments_of(endpoint(variadic)) == ["*args (int, any number)", "**kwargs (object, any number)"]
    assert arguments_of(endpoint({}, route="/{id:int}/{name}")) == [
        "id (int | str, required, part of the path)",
        "name (str | int, required, part of the path)",
    ]


def test_an_argument_without_a_name() -> None:
    assert arguments_of(root(ITEM))[:2] == ["value (ItemInput | ModelInput, required)", "    sku (str, required)"]


def test_a_file_is_explained() -> None:
    assert "\n\nA FileInput is a pathlib.Path" in help_of(endpoint({"x": FILES}))


@pytest.mark.parametrize(
    "schema", [ITEM, {"type": "array", "items": ITEM}, {"type": "object", "additionalProperties": ITEM}]
)
def test_the_fields_of_models(schema: JSON) -> None:
    assert arguments_of(endpoint({"x": schema}))[1:4] == [
        "    sku (str, required)",
        "    qty (int | None, default 1, at least 1)",
        "    next (ItemInput | ModelInput | None, optional)",
    ]


def test_a_model_that_contains_itself_ends() -> None:
    found = arguments_of(endpoint({"x": ITEM}))
    assert [line.index("n") // 4 for line in found if "next" in line] == [1, 2, 3, 4]


def test_a_model_that_is_deep_inside_is_left_out() -> None:
    deep: dict[str, JSON] = ITEM
    for _ in range(6):
        deep = {"type": "array", "items": deep}
    assert len(arguments_of(endpoint({"x": deep}))) == 1


def test_fields_are_those_of_definitions_too() -> None:
    given: dict[str, JSON] = {
        "properties": {"x": {"$ref": "#/$defs/Item", "description": "The item."}},
        "required": ["x"],
        "$defs": {"Item": {**ITEM, "properties": {"sku": TEXT, "odd": True, "note": {**TEXT, "default": None}}}},
    }
    route: JSON = {"name": "f", "route": "/f", "input": given, "output": {"$ref": "#/$defs/Item", **given}}
    (found,) = parse_service({"routes": [route]}).endpoints.values()
    assert arguments_of(found) == [
        "x (ItemInput | ModelInput, required): The item.",
        "    sku (str, required)",
        "    note (str | None, default None)",
    ]
    assert returns_of(found) == ["Item", "    sku (str, required)", "    note (str | None, default None)"]
    assert list(example_of(found)) == ["result = client.f(x={'sku': 'text'})"]


def test_a_choice_of_models() -> None:
    other: JSON = {"type": "object", "properties": {"a": {"type": "object", "properties": {"b": TEXT}}}}
    found = arguments_of(endpoint({"x": {"anyOf": [{**ITEM, "properties": {"sku": TEXT}}, other, {"type": "null"}]}}))
    assert found == [
        "x (ItemInput | ModelInput | FXInput | None, required)",
        "    either Item, with",
        "        sku (str, required)",
        "    either a dict, with",
        "        a (FFieldInput | ModelInput | None, optional)",
        "            b (str | None, optional)",
    ]


def test_a_choice_by_a_field_of_which_a_definition_is_missing() -> None:
    cat: JSON = {"type": "object", "title": "Cat", "properties": {"kind": {"const": "cat", "default": "cat"}}}
    pet: dict[str, JSON] = {
        "oneOf": [{"$ref": "#/$defs/Cat"}, {"$ref": "#/$defs/Dog"}],
        "discriminator": {"propertyName": "kind", "mapping": {"cat": "#/$defs/Cat", "dog": "#/$defs/Dog"}},
    }
    found = endpoint({"pet": pet, "one": cat})
    assert arguments_of(found)[:4] == [
        "pet (object, required, its kind 'cat' or 'dog')",
        "    either Cat, with",
        "        kind (Literal['cat'] | None, default 'cat')",
        "    or Dog, whose fields the schema does not say",
    ]
    assert list(example_of(found)) == ["result = client.f(pet={'kind': 'cat'}, one={})"]
    assert list(example_of(endpoint({"pet": pet}))) == ["result = client.f(pet={'kind': 'cat'})"]
    numbered: JSON = {"type": "integer", "discriminator": {"propertyName": "kind", "mapping": {"cat": "Cat"}}}
    assert list(example_of(endpoint({"n": numbered}))) == ["result = client.f(n=1)"]
    assert arguments_of(endpoint({"pet": {**pet, "discriminator": {"propertyName": "kind"}}}))[0] == (
        "pet (object, required)"
    )


def test_what_comes_back() -> None:
    assert returns_of(zoo("add_int")) == []
    assert returns_of(endpoint({}, output={"type": "integer", "minimum": 1})) == ["int, at least 1"]
    assert returns_of(endpoint({}, output={"type": "string", "description": "Text."})) == ["str: Text."]
    assert returns_of(zoo("stream_model")) == ["Iterator[Token]", "    i (int, required)", "    text (str, required)"]


def test_help_has_an_end() -> None:
    wide = arguments_of(endpoint({f"a{number}": TEXT for number in range(300)}))
    assert (len(wide), wide[-1]) == (201, "...")
    assert len(arguments_of(endpoint({"x": {"type": "string", "description": "d" * 5000}}))[0]) < 1100
    assert len(arguments_of(endpoint({"x" * 1000: {"description": "d" * 5000}}))[0]) == 1003


def test_text_of_a_server_is_made_safe() -> None:
    hostile = endpoint(
        {"x\x1b[2J": {"type": "string", "description": "\x1b]0;owned\x07", "default": "\x1b"}}, doc="\x1b"
    )
    assert "\x1b" not in help_of(hostile) + "".join(arguments_of(hostile)) + "".join(example_of(hostile))


# --- examples


def nested_unions(levels: int) -> dict[str, JSON]:
    return {"anyOf": [nested_unions(levels - 1)]} if levels else {"type": "integer"}


@pytest.mark.parametrize(
    ("found", "lines"),
    [
        (zoo("add_int"), ["result = client.add_int(a=1)"]),
        (zoo("call"), ["result = client.api_call()"]),
        (zoo("_private"), ["result = client.api__private()"]),
        (endpoint({"x": TEXT}, name="a-b"), ["result = client.call('a-b', x='text')"]),
        (endpoint({}, name="class", is_task=True), ["result = client.call('class')"]),
        (endpoint({"a-b": TEXT, "class": INTEGER}), ["result = client.f(**{'a-b': 'text', 'class': 1})"]),
        (zoo("varargs"), ["result = client.varargs(1)"]),
        (zoo("varkw"), ["result = client.varkw()"]),
        (zoo("mixed_args"), ["result = client.mixed_args(1, 1)"]),
        (endpoint({"a": {"default": 1}, "args": {"type": "array"}}, ["args"]), ["result = client.f()"]),
        (endpoint({"args": {"type": "array"}, "kwargs": KWARGS}), ["result = client.f('anything')"]),
        (root(TEXT), ["result = client.f('text')"]),
        (root(ITEM), ["result = client.f({'sku': 'text'})"]),
        (endpoint({"f": FILE, "g": FILES}), ["result = client.f(f=b'content', g=[b'content'])"]),
        (
            endpoint({"i": {"type": "file", "content_type": "image/png"}}),
            ["from PIL import Image", "result = client.f(i=Image.new('RGB', (64, 64)))"],
        ),
        (endpoint({"x": {"type": "tensor", "shape": [2]}}), ["result = client.f(x=[0.5, 0.5])"]),
        (
            endpoint({"x": {"type": "tensor", "shape": [-1, 3, 224, "?"], "dtype": "float32"}, "y": INTEGER}),
            ["import numpy", "result = client.f(x=numpy.zeros([1, 3, 224, 1], 'float32'), y=1)"],
        ),
        (
            endpoint({"x": {"type": "tensor", "shape": [99], "dtype": "a'b"}}),
            ["import numpy", "result = client.f(x=numpy.zeros([99]))"],
        ),
        (endpoint({"x": {"type": "array", "items": {"type": "tensor", "shape": [9999]}}}), []),
        (endpoint({"x": {"type": "string", "minLength": 5000}}), []),
        (endpoint({"x": {"examples": [[{"a": float("nan")}]]}}), ["result = client.f(x=[{'a': 0.0}])"]),
        (
            endpoint({}, route="/{id:int}/{p:path}/{a-b}"),
            ["result = client.f(id=1, p='1', **{'a-b': '1'})"],
        ),
        (zoo("stream_model"), ["for item in client.stream_model():", "    print(item)"]),
    ],
)
def test_an_example_of_a_call(found: Endpoint, lines: list[str]) -> None:
    assert list(example_of(found)) == lines


def test_an_example_of_an_async_call() -> None:
    assert list(example_of(zoo("add_int"), awaited=True)) == ["result = await client.add_int(a=1)"]
    assert example_of(zoo("stream_model"), awaited=True)[0] == "async for item in client.stream_model():"


def test_a_value_of_an_argument() -> None:
    found = endpoint({"x": {"type": "array", "items": ITEM}, "y": {"type": "tensor", "shape": [9999]}})
    assert [example_value(each, found) for each in found.parameters] == [[{"sku": "text"}], None]


@pytest.mark.parametrize("name", schema_names())
def test_the_examples_of_recorded_endpoints_can_be_bound(name: str) -> None:
    for found in service(name).endpoints.values():
        lines = example_of(found)
        assert lines
        call = next(node for node in ast.walk(ast.parse("\n".join(lines))) if isinstance(node, ast.Call))
        if any(word in "".join(lines) for word in ("Image.new", "numpy.", "client.call", "root_files")):
            continue
        args = [ast.literal_eval(each) for each in call.args]
        if found.name != "root_files":
            bind(found, args, {str(each.arg): ast.literal_eval(each.value) for each in call.keywords})


@pytest.mark.parametrize(
    ("given", "value"),
    [
        ({"type": "array", "items": INTEGER, "minItems": 3, "uniqueItems": True}, [1, 2, 3]),
        ({"type": "array", "items": TEXT, "minItems": 2, "uniqueItems": True}, ["text", "text1"]),
        ({"type": "array", "items": {"type": "boolean"}, "minItems": 2, "uniqueItems": True}, [True, True]),
        ({"type": "integer", "minimum": 1.5}, 2),
        ({"type": "integer", "minimum": 10**400}, 1),
        ({"type": "integer", "multipleOf": 0}, 1),
        ({"type": "string", "format": "ipv4"}, "192.0.2.1"),
        (nested_unions(20), "anything"),
    ],
)
def test_values_are_valid(given: Any, value: object) -> None:
    assert example(given) == value


def test_a_schema_of_a_few_lines_makes_no_large_value() -> None:
    bomb: dict[str, JSON] = {"type": "integer"}
    for _ in range(4):
        bomb = {"type": "array", "items": bomb, "minItems": 10**9}
    assert len(str(example({"type": "array", "items": bomb, "minItems": 10**9}))) < 200_000
    assert len(str(example({"type": "string", "minLength": 10**9}))) == 10_000
    wide: dict[str, JSON] = {"type": "object", "properties": {"a": bomb}, "additionalProperties": bomb}
    assert len(str(example(wide))) < 200_000
