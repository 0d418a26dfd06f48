"""A module is generated in linear time, whatever the schema is: a server may say anything."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from bento_client.codegen import generate
from bento_proto import JSON, SchemaError
from bento_proto.schema import _digests


def route(name: str, properties: dict[str, JSON], defs: dict[str, JSON], output: JSON = None) -> JSON:
    given: JSON = {"type": "object", "properties": properties, "$defs": defs}
    return {"name": name, "route": f"/{name}", "input": given, "output": output or {"type": "string"}}


def service(*routes: JSON) -> JSON:
    return {"name": "S", "routes": list(routes)}


def number_of(number: int) -> JSON:
    return {"type": "object", "title": "M", "properties": {f"a{number}": {"type": "integer"}}}


def entangled(count: int) -> JSON:
    """Models each of which reaches all others."""

    def reference(number: int) -> JSON:
        return {"$ref": f"#/$defs/M{number % count}"}

    defs: dict[str, JSON] = {
        f"M{n}": {"type": "object", "properties": {"next": reference(n + 1), "other": {"anyOf": [reference(7 * n)]}}}
        for n in range(count)
    }
    return service(route("f", {"x": reference(0)}, defs, {"$ref": "#/$defs/M1", "$defs": defs}))


def referred(count: int) -> JSON:
    """One endpoint whose results are models of their own."""
    defs: dict[str, JSON] = {f"M{n}": number_of(n) for n in range(count)}
    fields: dict[str, JSON] = {f"x{n}": {"$ref": f"#/$defs/M{n}"} for n in range(count)}
    return service(route("f", {}, {}, {"type": "object", "properties": fields, "$defs": defs}))


def namesakes(count: int) -> JSON:
    """Endpoints whose models have one title and differ."""
    return service(*(route(f"f{n}", {"x": number_of(n)}, {}) for n in range(count)))


def united(count: int) -> JSON:
    return service(route("f", {"x": {"anyOf": [number_of(n) for n in range(count)]}}, {}))


def far(count: int) -> JSON:
    """Endpoints that refer to the models of another, as BentoML's schemas may."""
    defs: dict[str, JSON] = {
        f"M{n}": {"type": "object", "properties": {"next": {"$ref": f"#/$defs/M{n + 1}"}}} for n in range(count)
    }
    first = route("first", {"x": {"$ref": "#/$defs/M0"}}, defs, {"$ref": "#/$defs/M0", "$defs": defs})
    return service(first, *(route(f"f{n}", {"x": {"$ref": "#/$defs/M0"}}, {}) for n in range(count)))


def work(schema: JSON) -> int:
    """How many lines of the generator are executed."""
    lines = 0

    def trace(frame: FrameType, event: str, argument: object) -> Any:
        nonlocal lines
        lines += 1
        path = frame.f_code.co_filename
        return trace if "codegen" in path or path.endswith(("_words.py", "_digests.py")) else None

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        generate(schema)
    finally:
        sys.settrace(before)
    return lines


@pytest.mark.parametrize("make", [entangled, referred, namesakes, united, far])
def test_generating_takes_linear_time(make: Callable[[int], JSON]) -> None:
    generate(make(5))
    assert work(make(300)) < 2.5 * work(make(150)) + 1000


def test_equal_models_of_entangled_schemas_are_one() -> None:
    defs: dict[str, JSON] = {
        "A": {"type": "object", "properties": {"b": {"$ref": "#/$defs/B"}}},
        "B": {"type": "object", "properties": {"a": {"$ref": "#/$defs/A"}, "c": {"$ref": "#/$defs/C"}}},
        "C": {"type": "object", "properties": {"n": {"type": "integer"}}},
    }
    other: dict[str, JSON] = {**defs, "C": {"type": "object", "properties": {"n": {"type": "string"}}}}
    models = re.compile(r"^class [ABC]\d*\(", re.MULTILINE)

    def generated(second: dict[str, JSON]) -> str:
        reference: JSON = {"$ref": "#/$defs/A", "$defs": defs}
        return generate(
            service(route("f", {}, {}, reference), route("g", {}, {}, {"$ref": "#/$defs/A", "$defs": second}))
        )

    assert len(models.findall(generated(defs))) == 3
    assert len(models.findall(generated(other))) == 6  # A and B differ, too: they reach another C


def test_endpoints_that_reach_too_many_schemas_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_digests, "_MOST", 100)
    with pytest.raises(SchemaError, match="over 100 schemas"):
        generate(entangled(200))
