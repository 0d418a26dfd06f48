"""The words for the types of arguments and results are the same wherever they are shown."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bento_proto import JSON, Endpoint, SchemaError
from bento_proto.schema import (
    Kind,
    _digests,
    arguments_of,
    help_of,
    parse_service,
    returns_of,
    signature_of,
    signature_text,
)
from bento_proto.schema._signature import typed_signature_of
from bento_proto.schema._words import PlainNames, Words, fits
from tests.proto.shapes import BYTES, FILE, FILES, TEXT, endpoint, root, zoo
from tests.proto.words import COME, GIVEN, INTEGER

ITEM: dict[str, JSON] = {
    "type": "object",
    "title": "Item",
    "properties": {"sku": TEXT, "qty": {"type": "integer", "default": 1}, "next": {"$ref": "#/$defs/Item"}},
    "required": ["sku"],
}


def argument(found: Endpoint) -> str:
    """The words for the one argument, which signature and help agree on."""
    (parameter,) = signature_of(found).parameters.values()
    words = str(parameter.annotation)
    assert f"{parameter.name}: {words}" in signature_text(found)
    assert arguments_of(found)[0].startswith(f"{parameter.name} ({words}, ")
    return words


@pytest.mark.parametrize("what", GIVEN)
def test_words_for_arguments(what: str) -> None:
    schema, expected = GIVEN[what]
    assert argument(endpoint({"x": schema})) == expected.replace('"', "'")


@pytest.mark.parametrize("what", COME)
def test_words_for_results(what: str) -> None:
    schema, expected = COME[what]
    found = endpoint({"x": TEXT}, output=schema)
    assert signature_of(found).return_annotation == expected
    assert signature_text(found).endswith(f" -> {expected}")
    assert not returns_of(found) or returns_of(found)[0].startswith(expected)


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "integer", "default": 2}, "int | None"),
        ({"type": "integer", "default": None}, "int | None"),
        ({"type": "integer", "default": "five"}, "str | int | None"),
        ({"type": "boolean", "default": True}, "bool | None"),
        ({"type": "number", "default": 1}, "float | None"),
        ({"type": "array", "items": TEXT, "default": ["a"]}, "Sequence[str] | None"),
        ({"type": "object", "additionalProperties": INTEGER, "default": {}}, "Mapping[str, int] | ModelInput | None"),
        ({"anyOf": [INTEGER, TEXT], "default": "a"}, "int | str | None"),
        ({"enum": ["a", "b"], "default": "a"}, "Literal['a', 'b'] | None"),
        ({"enum": ["a", "b"], "default": "c"}, "str | Literal['a', 'b'] | None"),
        ({**ITEM, "default": {"sku": "x"}}, "ItemInput | ModelInput | None"),
        ({"default": 1}, "object"),
        ({**FILE, "default": None}, "FileInput | None"),
    ],
)
def test_an_argument_with_a_default_takes_none(schema: dict[str, JSON], words: str) -> None:
    assert argument(endpoint({"x": schema}, [])) == words


def test_a_long_literal_is_summed_up_for_people() -> None:
    values: list[JSON] = [f"a{number}" for number in range(30)]
    assert argument(endpoint({"x": {"enum": values}})) == "str"
    assert argument(endpoint({"x": {"const": 'it\'s "a"'}})) == repr('it\'s "a"').join(("Literal[", "]"))


def test_models_are_named_after_their_titles() -> None:
    found = endpoint({"x": ITEM, "y": {"type": "array", "items": ITEM}}, output=ITEM)
    assert signature_text(found) == "(x: ItemInput | ModelInput, y: Sequence[ItemInput | ModelInput]) -> Item"
    assert arguments_of(found)[:4] == [
        "x (ItemInput | ModelInput, required)",
        "    sku (str, required)",
        "    qty (int | None, default 1)",
        "    next (ItemInput | ModelInput | None, optional)",
    ]
    assert returns_of(found)[:4] == [
        "Item",
        "    sku (str, required)",
        "    qty (int, default 1)",
        "    next (Item, optional)",
    ]
    assert help_of(found).count("ItemInput | ModelInput") > 2


def test_names_that_are_taken_get_a_number() -> None:
    other: dict[str, JSON] = {**ITEM, "properties": {"a": TEXT}}
    found = endpoint({"x": ITEM, "y": other, "z": {**ITEM, "title": "Mapping"}}, output={**other, "title": "Any"})
    words = Words([found])
    assert [words.argument(found, each) for each in found.parameters] == [
        "ItemInput | ModelInput",
        "ItemInput2 | ModelInput",
        "MappingInput | ModelInput",
    ]
    assert words.result(found) == "Any2"
    names = PlainNames()
    assert [names.new("A"), names.new("A"), names.use("A")] == ["A", "A2", "A"]
    names.release("A2", "A")
    assert names.new("A") == "A2"


def test_equal_models_have_one_name() -> None:
    plain: dict[str, JSON] = {"title": "Pair", "properties": {"a": TEXT}, "required": ["a"]}
    again: dict[str, JSON] = {**plain, "properties": {"a": {"anyOf": [TEXT]}}}  # the same, written differently
    assert signature_text(endpoint({"x": plain, "y": again})).count("PairInput |") == 2


def test_parameters_of_the_path() -> None:
    found = endpoint({}, route="/{a}/{b:int}/{c:float}/{d:uuid}/{e:path}")
    shown = "(*, a: str | int, b: int | str, c: float | str, d: UUID | str, e: str | int) -> Any"
    assert signature_text(found) == shown
    assert arguments_of(found)[2] == "c (float | str, required, part of the path)"


def test_arguments_that_are_part_of_a_list_or_a_dict() -> None:
    assert signature_text(zoo("mixed_args")).startswith("(a: int, *args: int, k: int | None = 1, **kwargs: object)")
    assert (
        signature_text(endpoint({"kwargs": {"type": "object", "additionalProperties": TEXT}}))
        == "(**kwargs: str) -> Any"
    )
    assert signature_text(endpoint({"a-b": TEXT, "kwargs": {"type": "object"}})) == "(**kwargs: object) -> Any"


def test_a_root_input_is_bytes_or_a_file_itself() -> None:
    assert signature_text(root(BYTES)) == "(value: bytes | bytearray | memoryview | str, /) -> Any"
    assert signature_text(root(FILE)) == "(value: FileInput, /) -> Any"
    files: dict[str, JSON] = {"type": "object", "title": "Form", "properties": {"f": FILE, "fs": FILES, "odd": True}}
    assert signature_text(root(files)) == "(value: FormInput | ModelInput, /) -> Any"
    assert arguments_of(root(files))[1:] == [
        "    f (FileInput | None, optional)",
        "    fs (FileInput | Sequence[FileInput] | None, optional)",
    ]
    assert arguments_of(endpoint({"x": files}))[1] == "    f (str | None, optional)"  # inside JSON, its name


def test_a_model_that_is_open() -> None:
    opened: dict[str, JSON] = {**ITEM, "additionalProperties": True}
    assert argument(endpoint({"x": opened})) == "ItemInput | Mapping[str, object] | ModelInput"


def test_types_that_are_long_are_anything() -> None:
    models: list[JSON] = [
        {"type": "object", "title": f"Model{number}" + "x" * 40, "properties": {f"a{number}": TEXT}}
        for number in range(40)
    ]
    assert argument(endpoint({"x": {"anyOf": models}})) == "object"
    deep: JSON = INTEGER
    for _ in range(45):
        deep = {"type": "array", "items": deep}
    assert argument(endpoint({"x": deep})).endswith("Sequence[object" + "]" * 40)


def test_references_are_looked_up_once() -> None:
    links: dict[str, JSON] = {"D30": TEXT}
    for number in range(30):
        twice: list[JSON] = [{"$ref": f"#/$defs/D{number + 1}"}] * 2
        links[f"D{number}"] = {"type": "array", "items": {"anyOf": twice}}
    found = endpoint({"x": {"$ref": "#/$defs/D0", "$defs": links}})
    assert argument(found).startswith("Sequence[Sequence[")


def test_the_kind_of_a_stream_decides_before_its_schema() -> None:
    assert zoo("stream_untyped").output.kind is Kind.EITHER
    assert signature_text(zoo("stream_untyped")).endswith(" -> Iterator[str]")
    assert signature_text(zoo("stream_sse_annotated")).endswith(" -> Iterator[list[str] | str]")


@pytest.mark.parametrize(
    ("value", "schema", "certain"),
    [
        (1, INTEGER, True),
        (True, INTEGER, False),
        ("a", {"enum": ["a"], "type": "string"}, True),
        (1, {"enum": [True]}, False),
        ([1], {"type": "array", "items": INTEGER}, True),
        (["a"], {"type": "array", "items": INTEGER}, False),
        ([1], {"type": "array", "prefixItems": [INTEGER]}, False),
        ({"a": 1}, {"type": "object", "additionalProperties": True}, True),
        ({"a": 1}, {"type": "object", "additionalProperties": INTEGER}, True),
        ({"a": 1}, {"type": "object", "additionalProperties": TEXT}, False),
        (1, {"$ref": "#/$defs/Item"}, False),
        (1, True, False),
    ],
)
def test_whether_a_default_is_of_its_type(value: JSON, schema: JSON, certain: bool) -> None:
    assert fits(value, schema) == certain


def test_a_typed_module_has_every_literal_but_no_floats() -> None:
    names = PlainNames(brief=False)
    found = endpoint({"x": {"enum": list(range(30))}, "y": {"enum": [0.5], "type": "number"}})
    given = [Words([found], names).argument(found, each) for each in found.parameters]
    assert given == [f"Literal[{', '.join(map(str, range(30)))}]", "float"]


def test_frameworks_get_classes_that_they_can_check() -> None:
    given: dict[str, JSON] = {
        "b": BYTES,
        "n": {"type": "integer", "default": 2},
        "f": FILE,
        "g": FILE,
        "kwargs": {"type": "object", "additionalProperties": TEXT},
    }
    found = typed_signature_of(endpoint(given, ["b", "f", "g", "kwargs"], route="/{p}/{q:float}"))
    notes = {name: each.annotation for name, each in found.parameters.items()}
    assert notes == {
        "b": bytes, "n": int, "f": Path, "g": Path, "p": str | int, "q": float | str, "kwargs": str,
    }  # fmt: skip
    nothing = typed_signature_of(endpoint({"x": {"type": "null", "default": None}}, []))
    assert nothing.parameters["x"].annotation is None
    items = typed_signature_of(endpoint({"args": {"type": "array", "items": INTEGER}}))
    assert items.parameters["args"].annotation is int
    assert typed_signature_of(endpoint({"args": {"type": "array"}})).parameters["args"].annotation is object
    assert typed_signature_of(zoo("stream_sse_annotated")).return_annotation == Iterator[list[str] | str]
    assert typed_signature_of(zoo("stream_untyped")).return_annotation == Iterator[str]


def entangled(text: JSON) -> dict[str, JSON]:
    """Two models that refer to one another, and a third one."""
    return {
        "A": {"type": "object", "properties": {"b": {"$ref": "#/$defs/B"}, "c": {"$ref": "#/$defs/C"}}},
        "B": {"type": "object", "properties": {"a": {"$ref": "#/$defs/A"}, "c": {"$ref": "#/$defs/C"}}},
        "C": {"type": "object", "properties": {"n": text}},
    }


def test_models_that_refer_to_one_another() -> None:
    given: dict[str, JSON] = {
        "properties": {"x": {"$ref": "#/$defs/A"}, "y": {"$ref": "#/$defs/A"}},
        "$defs": entangled(TEXT),
    }
    route: dict[str, JSON] = {"name": "f", "route": "/f", "input": given, "output": {"type": "array", "items": [[]]}}
    other: dict[str, JSON] = {**route, "name": "g", "input": {**given, "$defs": entangled(INTEGER)}}
    first, second = parse_service({"routes": [route, other]}).endpoints.values()
    words = Words([first, second])
    shown = [words.argument(found, each) for found in (first, second) for each in found.parameters]
    assert shown == ["AInput | ModelInput | None"] * 2 + ["AInput2 | ModelInput | None"] * 2
    assert list(words.models) == ["CInput", "BInput", "AInput", "CInput2", "BInput2", "AInput2"]


def test_schemas_that_refer_to_more_than_there_is_time_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_digests, "_MOST", 2)
    given: JSON = {"properties": {"x": {"$ref": "#/$defs/A"}}, "$defs": entangled(TEXT)}
    (found,) = parse_service(
        {"routes": [{"name": "f", "route": "/f", "input": given, "output": {}}]}
    ).endpoints.values()
    with pytest.raises(SchemaError, match="over 2 schemas"):
        signature_text(found)
