"""For any schema, the generated module is valid Python, executes nothing on import, and contains the Service."""

from __future__ import annotations

import ast
import builtins
from itertools import pairwise
from types import ModuleType

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bento_client.codegen import check, generate
from bento_proto import JSON, SchemaError
from bento_proto.observe import printable
from fuzz.harnesses.generated import executes_nothing

# What might end a literal, a line, a comment, or be code.
_NASTY = st.sampled_from(
    [
        '"""', "'''", '"', "'", "\\", "\\\"", '\\\\"', "\n", "\r", "\x00", "\x0c", "\u2028", "\u202e", "\ud800", "{x}",
        "\u3164", "\u115f", "\u034f", "\ufe00", "\U000e0041", "\U000e0100",
        '"""\nimport os\n"""', "__import__('os')", "a b", "class", "None", "ﬁ", "__x", "self", "list", "Any", "é", "",
    ]
)  # fmt: skip
_TEXTS = st.one_of(
    _NASTY,
    st.lists(_NASTY, max_size=4).map("".join),
    st.text(max_size=8),
    st.from_regex(r"[a-z_]\w{0,5}", fullmatch=True),
)
_NAMES = _TEXTS.filter(lambda text: "\ud800" not in text)
_VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), _TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_TEXTS, inner, max_size=3)),
    max_leaves=5,
)
_TYPES = st.sampled_from(
    ["string", "integer", "number", "boolean", "null", "array", "object", "file", "tensor", "dataframe", "else"]
)


def _schemas(inner: st.SearchStrategy[JSON]) -> st.SearchStrategy[JSON]:
    return st.fixed_dictionaries(
        {},
        optional={
            "type": st.one_of(_TYPES, st.lists(_TYPES, max_size=2)),
            "title": _TEXTS,
            "description": _TEXTS,
            "format": st.one_of(_TEXTS, st.sampled_from(["binary", "date-time", "image", "uuid"])),
            "dtype": _TEXTS,
            "enum": st.lists(_VALUES, max_size=3),
            "const": _VALUES,
            "default": _VALUES,
            "items": inner,
            "prefixItems": st.lists(inner, max_size=2),
            "additionalProperties": st.one_of(st.booleans(), inner),
            "properties": st.dictionaries(_NAMES, inner, max_size=3),
            "required": st.lists(_NAMES, max_size=2),
            "anyOf": st.lists(inner, max_size=2),
            "$ref": st.sampled_from(["#/$defs/a", "#/$defs/b", "a", ""]),
            "$defs": st.dictionaries(st.sampled_from(["a", "b"]), inner, max_size=2),
        },
    )


_SCHEMA = st.recursive(st.fixed_dictionaries({}, optional={"type": _TYPES, "default": _VALUES}), _schemas, max_leaves=6)
_ROUTES = st.fixed_dictionaries(
    {
        "name": _NAMES,
        "route": st.one_of(st.sampled_from(["/f", "/{id}", "/{a b}/{class:int}"])),
        "input": st.one_of(
            st.fixed_dictionaries(
                {"properties": st.dictionaries(_NAMES, _SCHEMA, max_size=3), "required": st.lists(_NAMES, max_size=2)}
            ),
            _SCHEMA.map(lambda schema: {**schema, "root_input": True} if isinstance(schema, dict) else {}),
        ),
        "output": st.tuples(_SCHEMA, st.booleans()).map(
            lambda both: {**both[0], "is_stream": both[1]} if isinstance(both[0], dict) else {}
        ),
        "doc": st.one_of(st.none(), _NAMES),
        "is_task": st.booleans(),
    }
)
_SERVICES = st.fixed_dictionaries(
    {"name": _NAMES, "description": st.one_of(st.none(), _NAMES), "routes": st.lists(_ROUTES, max_size=3)}
)


def generated(service: JSON) -> str | None:
    try:
        return generate(service)
    except SchemaError:  # the same endpoint twice, say
        return None


@given(_SERVICES)
@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
def test_importing_the_module_of_any_schema_executes_nothing(service: JSON) -> None:
    text = generated(service)
    if text is not None:
        assert executes_nothing(ast.parse(text))
        compile(text, "generated", "exec")
        assert check(service, text) == []
        assert generate(service) == text


@pytest.mark.parametrize("character", ["\u3164", "\u115f", "\u034f", "\ufe00", "\U000e0041", "\U000e0100", "\u202e"])
def test_no_literal_of_a_module_has_text_that_people_do_not_see(character: str) -> None:
    text = f"a{character}b"
    argument: JSON = {"type": "string", "default": text, "description": text, "enum": [text]}
    route: dict[str, JSON] = {
        "name": "n",
        "route": f"/{text}",
        "doc": text,
        "input": {"type": "object", "properties": {"x": argument}},
        "output": {"type": "string"},
    }
    made = generate(
        {"name": "Plain", "type": "service", "description": text, "routes": [route, {**route, "name": "plain"}]}
    )
    assert "plain" in made
    assert printable(made) == made


@given(_SERVICES)
@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
def test_any_module_can_be_imported(service: JSON) -> None:
    text = generated(service)
    if text is not None:
        module = ModuleType("generated")
        exec(compile(text, "generated", "exec"), vars(module))
        clients = [value for name, value in vars(module).items() if name.endswith("Client") and "Typed" not in name]
        assert isinstance(service, dict)
        routes = service["routes"]
        assert isinstance(routes, list)
        for client in clients:
            endpoints = client(server_ready_timeout=0)._driver.session.service.endpoints
            assert endpoints.keys() == {route["name"] for route in routes if isinstance(route, dict)}


def test_nan_is_no_change() -> None:
    service: JSON = {"name": "S", "routes": [{"name": "f", "route": "/f", "output": {"const": float("nan")}}]}
    assert check(service, generate(service)) == []


@pytest.mark.parametrize(
    "code", ["x = print()", "import os", "print()", "class A(f()): pass", "class A:\n    x: int = f()", "if x: pass"]
)
def test_the_check_for_executed_code_finds_it(code: str) -> None:
    assert not executes_nothing(ast.parse(f'"""Text."""\n{code}'))


def test_a_schema_that_expands_exponentially_is_bounded() -> None:
    """What refers to the next one twice, and that again, would be longer than memory."""
    names = [f"d{number}" for number in range(60)]
    twice: dict[str, JSON] = {
        name: {"type": "array", "prefixItems": [{"$ref": f"#/$defs/{after}"}] * 2} for name, after in pairwise(names)
    }
    output: JSON = {"$defs": twice, "$ref": "#/$defs/d0"}
    text = generate({"name": "S", "routes": [{"name": "f", "route": "/f", "output": output}]})
    assert len(text) < 20_000
    deep: JSON = {}
    for _ in range(90):
        deep = {"type": "array", "items": deep}
    assert "-> list[list[" in generate({"name": "S", "routes": [{"name": "f", "route": "/f", "output": deep}]})


def test_names_do_not_shadow_builtins() -> None:
    """An endpoint or a model may be called like anything that the module itself uses."""
    names = [name for name in dir(builtins) if name.islower() and not name.startswith("_")]
    routes: list[JSON] = [
        {"name": name, "route": "/f", "input": {"properties": {name: {"type": "array", "title": name}}}, "output": {}}
        for name in names
    ]
    assert executes_nothing(ast.parse(generate({"name": "S", "routes": routes})))
