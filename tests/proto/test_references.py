"""References inside schemas, and other ways to say the same."""

from __future__ import annotations

import pytest

from bento_proto import JSON
from bento_proto.schema._references import inlined, members, resolved

E: JSON = {"enum": ["a"], "type": "string"}
M: JSON = {"type": "object", "properties": {"e": {"$ref": "#/$defs/E"}, "m": {"$ref": "#/$defs/M"}}}


def ref(name: str) -> JSON:
    return {"$ref": f"#/$defs/{name}"}


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "integer"}, {"type": "integer"}),
        ({"anyOf": [ref("E")]}, {"anyOf": [E]}),
        (
            {"items": {"$ref": "#/$defs/E", "default": "a"}},
            {"items": {"enum": ["a"], "type": "string", "default": "a"}},
        ),
        ({"items": {"allOf": [ref("E")], "title": "T"}}, {"items": {"enum": ["a"], "type": "string", "title": "T"}}),
        ({"items": {"allOf": [ref("M")], "title": "T"}}, {"items": {"$ref": "#/$defs/M", "title": "T"}}),
        ({"items": ref("Union")}, {"items": {"anyOf": [E, {"type": "null"}]}}),
        ({"items": ref("Gone")}, {"items": ref("Gone")}),
        ({"items": ref("Loop")}, {"items": ref("Loop")}),
        ({"items": ref("True")}, {"items": ref("True")}),
        ({"default": ref("E"), "enum": [ref("E")]}, {"default": ref("E"), "enum": [ref("E")]}),
        ({"const": "a"}, {"const": "a", "type": "string"}),
        ({"const": None}, {"const": None, "type": "null"}),
        ({"enum": [1, 2]}, {"enum": [1, 2], "type": "integer"}),
        ({"enum": [1, "a"]}, {"enum": [1, "a"]}),
        ({"enum": [[1]]}, {"enum": [[1]]}),
        ({"enum": "no list"}, {"enum": "no list"}),
        ({"type": ["integer"]}, {"type": "integer"}),
        ({"type": ["integer", 1]}, {"type": ["integer", 1]}),
        (
            {"type": ["string", "null"], "format": "date", "title": "T"},
            {"title": "T", "anyOf": [{"format": "date", "type": "string"}, {"type": "null"}]},
        ),
        (
            {"type": "file", "nullable": True, "title": "T"},
            {"title": "T", "anyOf": [{"type": "file"}, {"type": "null"}]},
        ),
        ({"anyOf": [E], "nullable": True}, {"anyOf": [E], "nullable": True}),
    ],
)
def test_what_a_schema_becomes(schema: dict[str, JSON], expected: dict[str, JSON]) -> None:
    definitions: JSON = {
        "E": E,
        "M": M,
        "Union": {"anyOf": [ref("E"), {"type": "null"}]},
        "Loop": {"items": ref("Loop")},
        "True": True,
    }
    found = dict(inlined({**schema, "$defs": definitions}))
    del found["$defs"]
    assert found == expected
    assert inlined(schema) == (expected if "ref" not in str(schema) else inlined(schema))


def test_models_stay_what_they_refer_to() -> None:
    found = inlined({"$ref": "#/$defs/M", "$defs": {"E": E, "M": M}})
    assert found["$ref"] == "#/$defs/M"
    assert found["$defs"] == {"E": E, "M": {"type": "object", "properties": {"e": E, "m": ref("M")}}}


def test_references_remain_that_would_make_a_schema_far_larger() -> None:
    """One takes 20 bytes, and could stand for any number of values, or keywords."""
    large: JSON = {"enum": [*range(9_000)], "type": "integer"}
    shared = inlined({"prefixItems": [ref("A")] * 20, "$defs": {"A": large}})
    found = shared["prefixItems"]
    assert isinstance(found, list)
    assert found == [large] * 11 + [ref("A")] * 9
    assert all(each is found[0] for each in found[:11])
    wide: JSON = {f"x-{number}": number for number in range(21)}
    titled: JSON = {"$ref": "#/$defs/A", "title": "T"}
    found = inlined({"prefixItems": [ref("A"), titled], "$defs": {"A": wide}})["prefixItems"]
    assert found == [wide, titled]


def test_a_list_of_more_types_than_there_are_is_left() -> None:
    kinds: list[JSON] = ["string"] * 8
    assert inlined({"type": kinds}) == {"type": kinds}


def test_the_members_of_a_union() -> None:
    definitions: JSON = {"U": {"oneOf": [E, ref("E")]}, "E": E, "Self": {"anyOf": [ref("Self"), E]}, "A": ref("A")}
    assert members({"anyOf": [ref("U"), {"type": "null"}, "nonsense"]}, definitions) == [E, E, {"type": "null"}, {}]
    assert E in members({"$ref": "#/$defs/Self"}, definitions)
    assert members({"$ref": "#/$defs/A"}, definitions) == [ref("A")]
    assert resolved({"$ref": 1}, definitions) == {"$ref": 1}
    assert resolved({"$ref": "#/$defs/E"}, None) == {"$ref": "#/$defs/E"}
