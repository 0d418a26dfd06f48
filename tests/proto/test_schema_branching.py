"""Schemas of a few lines that describe more types than there is time for."""

from __future__ import annotations

import pytest

from bento_proto import JSON
from bento_proto.schema import help_of, parse_service, signature_text
from bento_proto.schema._references import members
from bento_proto.schema._signature import typed_signature_of


def branching(key: str, of_lists: bool) -> dict[str, JSON]:
    """Ten definitions, each a union of all of them, or of lists of them."""
    links: list[JSON] = [{"$ref": f"#/$defs/D{number}"} for number in range(10)]
    parts: list[JSON] = [{"type": "array", "items": link} for link in links] if of_lists else links
    return {f"D{number}": {key: [*parts[number:], *parts[:number], {"type": "null"}]} for number in range(10)}


@pytest.mark.parametrize("key", ["anyOf", "oneOf"])
@pytest.mark.parametrize("of_lists", [False, True])
@pytest.mark.parametrize("place", ["input", "output"])
def test_types_that_branch_without_end_take_bounded_time(key: str, place: str, of_lists: bool) -> None:
    schema: dict[str, JSON] = {"$ref": "#/$defs/D0", "$defs": branching(key, of_lists)}
    text: dict[str, JSON] = {"type": "string"}
    given: dict[str, JSON] = {"type": "object", "properties": {"x": schema}, "$defs": branching(key, of_lists)}
    route: dict[str, JSON] = {
        "name": "f", "route": "/f", "input": given if place == "input" else {"type": "object", "properties": {}},
        "output": schema if place == "output" else text,
    }  # fmt: skip
    endpoint = parse_service({"name": "S", "type": "service", "routes": [route]}).endpoints["f"]
    assert signature_text(endpoint).startswith("(")
    assert len(help_of(endpoint)) < 100_000
    assert typed_signature_of(endpoint).return_annotation is not None
    assert list(members(schema, schema["$defs"]))
