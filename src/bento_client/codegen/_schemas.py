"""Schemas inside schemas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bento_proto import JSON, Endpoint
    from bento_proto.schema import Schema

_OF_ITS_PLACE: Final = frozenset(
    {"$defs", "default", "description", "examples", "is_stream", "media_type", "root_input"}
)


def object_of(schema: JSON) -> Schema:
    """A schema inside another; what is none (``true``, say) tells nothing."""
    return schema if isinstance(schema, dict) else {}


def shape_of(schema: Schema) -> dict[str, JSON]:
    """A schema without what belongs to the place where it stands."""
    return {name: value for name, value in schema.items() if name not in _OF_ITS_PLACE}


def takes_files(schema: Schema) -> bool:
    """Whether a field of a root input is a file, or a list of files."""
    members = schema.get("anyOf")
    inner = [object_of(member) for member in members] if isinstance(members, list) else [schema]
    return any("file" in (each.get("type"), object_of(each.get("items")).get("type")) for each in inner)


def named_in(endpoint: Endpoint) -> dict[str, Schema]:
    """The schemas in an endpoint that others may refer to: its definitions, and the models by their titles.

    BentoML writes models out where they are used, and then may refer to definitions that are gone.
    """
    found: dict[str, Schema] = {}
    stack: list[JSON] = [*(dict(parameter.schema) for parameter in endpoint.parameters), dict(endpoint.output.schema)]
    while stack:
        value = stack.pop()
        if isinstance(value, dict):
            title = value.get("title")
            if isinstance(title, str) and value.get("properties"):
                found.setdefault(title, value)
            for name, target in object_of(value.get("$defs")).items():
                found[name] = object_of(target)
            stack.extend(value.values())
        elif isinstance(value, list):
            stack.extend(value)
    return found


def reached(schema: Schema, known: Mapping[str, Schema]) -> Mapping[str, JSON]:
    """What a schema refers to, and what that refers to in turn, by name."""
    found: dict[str, JSON] = {}
    stack: list[JSON] = [dict(schema)]
    while stack:
        value = stack.pop()
        if isinstance(value, dict):
            reference = value.get("$ref")
            name = reference.rpartition("/")[2] if isinstance(reference, str) else ""
            if name in known and name not in found:
                found[name] = shape_of(known[name])
                stack.append(found[name])
            stack.extend(value.values())
        elif isinstance(value, list):
            stack.extend(value)
    return found
