"""The arguments of a command line, converted to the types of the endpoint."""

from __future__ import annotations

import json
from pathlib import Path
from typing import cast

import click
import pytest

from bento_client.cli._arguments import Arguments, parse
from bento_proto import JSON, Endpoint
from bento_proto.schema import parse_service

TEXT: dict[str, JSON] = {"type": "string"}
INTEGER: dict[str, JSON] = {"type": "integer"}
FILE: dict[str, JSON] = {"type": "file", "format": "binary"}


def endpoint(given: JSON) -> Endpoint:
    route: JSON = {"name": "f", "route": "/f", "input": given, "output": TEXT}
    return parse_service({"name": "S", "routes": [route]}).endpoints["f"]


def named(**schemas: JSON) -> Endpoint:
    required: list[JSON] = [
        name for name, schema in schemas.items() if "default" not in cast("dict[str, JSON]", schema)
    ]
    return endpoint({"type": "object", "properties": schemas, "required": required})


def value(schema: JSON, *texts: str) -> object:
    return parse(named(x=schema), [f"x{text}" for text in texts], None).kwargs["x"]


def refusal(of: Endpoint, *words: str, data: str | None = None) -> str:
    with pytest.raises(click.UsageError) as caught:
        parse(of, words, data)
    return caught.value.message


@pytest.mark.parametrize(
    ("schema", "text", "expected"),
    [
        (TEXT, "=5", "5"),
        (TEXT, "=", ""),
        (TEXT, "=a=b", "a=b"),
        (TEXT, "=@@me", "@me"),
        (TEXT, ':="5"', "5"),
        (INTEGER, "=5", 5),
        (INTEGER, "=-5", -5),
        ({"type": "number"}, "=5", 5),
        ({"type": "number"}, "=.5", 0.5),
        ({"type": "number"}, "=1e3", 1000.0),
        ({"type": "boolean"}, "=true", True),
        ({"type": "boolean"}, "=No", False),
        ({"type": "boolean"}, "=1", True),
        ({"type": "array", "items": INTEGER}, "=[1,2]", [1, 2]),
        ({"type": "array", "items": INTEGER}, "=7", [7]),
        ({"type": "array", "items": TEXT}, "=7", ["7"]),
        ({"type": "object"}, '={"a": 1}', {"a": 1}),
        ({"type": "tensor"}, "=[[1, 2]]", [[1, 2]]),
        ({"type": "tensor"}, "=3", 3),
        ({"type": "dataframe"}, '=[{"a": 1}]', [{"a": 1}]),
        ({"$ref": "#/$defs/Item"}, '={"a": 1}', {"a": 1}),
        ({"$ref": "#/$defs/Color"}, "=red", "red"),
        ({}, "=5", "5"),
        ({}, ":=5", 5),
        ({"anyOf": [INTEGER, TEXT]}, "=5", "5"),
        ({"anyOf": [INTEGER, {"type": "null"}]}, "=5", 5),
        ({"anyOf": [INTEGER, {"type": "null"}]}, "=null", None),
        ({"anyOf": [INTEGER, {}]}, "=5", "5"),
        ({"type": ["integer", "null"]}, "=5", 5),
        ({**INTEGER, "default": None}, "=", None),
        ({**TEXT, "default": None}, "=null", "null"),
        ({**INTEGER, "enum": [1, 2]}, "=2", 2),
        ({"anyOf": [{"enum": ["red"], **TEXT}, TEXT]}, "=green", "green"),
        (FILE, "=@cat.png", Path("cat.png")),
        (FILE, "=http://example.org/cat.png", "http://example.org/cat.png"),
        (FILE, ':="HTTPS://example.org/cat.png"', "HTTPS://example.org/cat.png"),
        ({"enum": ["fast", 3, True, 1.5]}, "=fast", "fast"),
        ({"enum": ["fast", 3, True, 1.5]}, "=3", 3),
        ({"enum": ["fast", 3, True, 1.5]}, "=true", True),
        ({"enum": ["fast", 3, True, 1.5]}, "=1.5", 1.5),
        ({"enum": ["3", 3]}, "=3", "3"),
        ({**INTEGER, "enum": [1, 2]}, "=02", 2),
    ],
)
def test_text_is_converted_to_the_type_of_the_parameter(schema: JSON, text: str, expected: object) -> None:
    found = value(schema, text)
    assert found == expected
    assert type(found) is type(expected) or isinstance(found, Path)


def test_a_key_that_is_repeated_makes_a_list() -> None:
    assert value({"type": "array", "items": INTEGER}, "=1", "=2") == [1, 2]
    assert value({"type": "array", "items": FILE}, "=@a", "=@b") == [Path("a"), Path("b")]
    assert refusal(named(x=INTEGER), "x=1", "x=2") == "x= is given 2 times, but takes one value"


@pytest.mark.parametrize(
    ("schema", "text", "message"),
    [
        (INTEGER, "=five", "x must be integer, not 'five'"),
        (INTEGER, "=1.5", "x must be integer, not '1.5'"),
        ({"type": "boolean"}, "=maybe", "x must be boolean, not 'maybe'"),
        ({"type": "object"}, "=[1]", "x must be object, not '[1]'"),
        ({"type": "null"}, "=x", "x must be null, not 'x'"),
        ({**TEXT, "enum": ["red", "blue"]}, "=green", "x must be one of red, blue, not 'green'"),
        ({**INTEGER, "enum": [1, 2]}, "=3", "x must be one of 1, 2, not '3'"),
        ({**INTEGER, "enum": [1, 2]}, "=LOW", "x must be one of 1, 2, not 'LOW'"),
        ({"enum": ["fast", "slow", 3, True]}, "=4", "x must be one of fast, slow, 3, true, not '4'"),
        ({"const": "red", **TEXT}, "=green", "x must be one of red, not 'green'"),
        ({"type": "array", "items": {**TEXT, "enum": ["red"]}}, "=green", "x must be one of red, not 'green'"),
        (
            {"anyOf": [{"enum": ["red", "blue"], **TEXT}, {"type": "null"}]},
            "=green",
            "x must be one of red, blue, null, not 'green'",
        ),
        ({"anyOf": [INTEGER, {"type": "boolean"}]}, "=x", "x must be boolean or integer, not 'x'"),
    ],
)
def test_text_of_another_type_is_refused(schema: JSON, text: str, message: str) -> None:
    assert refusal(named(x=schema), f"x{text}") == message


def test_malformed_json_is_refused() -> None:
    assert refusal(named(x=INTEGER), "x:=[1").startswith("x: this is not JSON: ")


@pytest.mark.parametrize("words", [["x=/etc/passwd"], ['x:="/etc/passwd"'], ['x:=["http://a/b", 5]']])
def test_a_file_is_read_only_if_it_is_given_with_an_at_sign(words: list[str]) -> None:
    assert "x takes a file: give it as x=@" in refusal(named(x={"type": "array", "items": FILE}), *words)


def test_a_document_can_not_name_a_file(tmp_path: Path) -> None:
    document = tmp_path / "data.json"
    document.write_text('{"x": "/etc/passwd"}')
    assert refusal(named(x=FILE), data=str(document)) == "x takes a file: give it as x=@/etc/passwd"
    document.write_text('{"x": null}')
    assert parse(named(x=FILE), [], str(document)).kwargs == {"x": None}


def test_a_file_for_a_parameter_that_is_no_file_is_its_content(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text(" 12\n")
    assert value(TEXT, f"=@{path}") == " 12\n"
    assert value(INTEGER, f"=@{path}") == 12
    assert value({}, f":=@{path}") == 12
    path.write_bytes(b"\xff")
    assert value({"type": "string", "format": "binary"}, f"=@{path}") == b"\xff"
    assert "is not text in UTF-8" in refusal(named(x=TEXT), f"x=@{path}")


def test_no_message_shows_what_is_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("hunter2")
    for schema in (INTEGER, {"enum": [1, 2]}, {"type": "array", "items": INTEGER}, {"anyOf": [INTEGER]}):
        told = refusal(named(x=cast("JSON", schema)), f"x=@{path}")
        assert told == f"x: what is in {path} is not of the type that x takes"
    assert "hunter2" not in refusal(named(x=INTEGER), f"x:=@{path}")


def test_a_long_document_is_no_path() -> None:
    text = "x" * 5000
    assert parse(named(x=TEXT), [], json.dumps({"x": text})).kwargs == {"x": text}


def test_standard_input_is_read_once() -> None:
    of = named(x=FILE, y=FILE)
    assert refusal(of, "x=@-", "y=@-") == "standard input can be read once only"


def test_arguments_by_position() -> None:
    of = named(x=INTEGER, y=TEXT)
    assert parse(of, ["5", "y=a"], None) == Arguments((5,), {"y": "a"})
    assert parse(of, ["5", "a b = c"], None) == Arguments((5, "a b = c"), {})
    assert parse(of, [":=5", '["a=b"]'], None) == Arguments((5, '["a=b"]'), {})
    assert parse(of, ["5", "a", "one too many"], None).args == (5, "a", "one too many")  # refused when they are bound
    assert parse(named(x=FILE), ["@a=b.png"], None).args == (Path("a=b.png"),)


def test_variadic_arguments() -> None:
    of = named(x=INTEGER, args={"type": "array", "items": INTEGER}, kwargs={"type": "object"})
    assert parse(of, ["1", "2", "3", "other=4"], None) == Arguments((1, 2, 3), {"other": "4"})


def test_a_root_input_is_the_whole_argument() -> None:
    assert parse(endpoint({**TEXT, "root_input": True}), ["a=b"], None).args == ("a=b",)
    numbers = endpoint({"type": "array", "items": INTEGER, "root_input": True})
    assert parse(numbers, ["[1, 2]"], None).args == parse(numbers, [":=[1, 2]"], None).args == ([1, 2],)


def test_a_model_as_root_input_is_given_by_its_fields(tmp_path: Path) -> None:
    of = endpoint({"type": "object", "properties": {"n": INTEGER, "f": FILE}, "root_input": True})
    assert parse(of, ["n=1", "f=@a"], None) == Arguments((), {"n": 1, "f": Path("a")})


def test_all_arguments_in_a_document(tmp_path: Path) -> None:
    document = tmp_path / "data.json"
    document.write_text(json.dumps({"x": 1, "y": "a"}))
    assert parse(named(x=INTEGER, y=TEXT), ["y=b"], str(document)) == Arguments((), {"x": 1, "y": "b"})
    assert parse(named(x=INTEGER, y=TEXT), [], f"@{document}") == Arguments((), {"x": 1, "y": "a"})  # as with curl
    mapping = endpoint({"type": "object", "root_input": True})
    assert parse(mapping, [], str(document)).args == ({"x": 1, "y": "a"},)
    document.write_text("[1]")
    assert parse(named(x={"type": "array"}), [], str(document)).args == ([1],)
