"""References inside a JSON Schema, resolved once, so that nothing that reads schemas later has to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bento_proto._types import JSON

_PREFIX: Final = "#/$defs/"
_PASSES: Final = 2  # a definition may be made of others; no deeper, as a schema of a few lines could describe billions
_CHAIN: Final = 10
# A reference takes 20 bytes, whatever it refers to: what all of them become is bounded by what the schema has itself.
_EXPANSION: Final = 10  # values for each value of the schema,
_SPARE: Final = 10_000  # and so many besides
_COPIED: Final = 20  # keywords of a schema that is copied; those of JSON Schema that go together are fewer
_KINDS: Final = 7  # types of JSON Schema
_TYPES: Final[Mapping[type, str]] = {
    str: "string",
    bool: "boolean",
    int: "integer",
    float: "number",
    type(None): "null",
}


def inlined(schema: Mapping[str, JSON]) -> Mapping[str, JSON]:
    """A schema in which its parts say what they are.

    * A reference to a definition that is no model, such as an enum or the alias of a union, becomes that definition.
      References to models, which may contain themselves, remain, and so do those that would make the schema more than
      ten times as large.
    * An ``allOf`` with one member becomes that member.
    * A list of types, or ``nullable``, becomes an ``anyOf``.
    * A ``const`` or an ``enum`` without a type gets that of its values, if they have one.
    """
    return _Inliner(schema).inlined()


def resolved(schema: Mapping[str, JSON], definitions: JSON) -> Mapping[str, JSON]:
    """A schema, or the definition that it refers to."""
    for _ in range(_CHAIN):
        reference = schema.get("$ref")
        if not isinstance(reference, str) or not isinstance(definitions, dict):
            break
        target = definitions.get(reference.removeprefix(_PREFIX))
        if not isinstance(target, dict):
            break
        schema = target
    return schema


def members(schema: Mapping[str, JSON], definitions: JSON) -> list[Mapping[str, JSON]]:
    """The members of a union, those of unions inside it included; a schema that is no union is its only member.

    A union that is inside itself, or there twice, is looked at once: the time is linear in the schema's length.
    """
    found: list[Mapping[str, JSON]] = []
    seen: set[int] = set()
    left: list[Mapping[str, JSON]] = [schema]
    while left:
        each = resolved(left.pop(), definitions)
        union = each.get("anyOf", each.get("oneOf"))
        if not isinstance(union, list):
            found.append(each)
        elif id(each) not in seen:
            seen.add(id(each))
            left += [member if isinstance(member, dict) else {} for member in reversed(union)]
    return found


class _Inliner:
    """Replaces the references of one schema.

    Args:
        schema: the schema.
    """

    def __init__(self, schema: Mapping[str, JSON]) -> None:
        self._schema = schema
        self._simple: dict[str, tuple[dict[str, JSON], int]] = {}  # definitions that are no models, and their sizes
        self._spent = 0  # values that came of references
        self._room = _EXPANSION * _size(dict(schema)) + _SPARE
        self._left = 0  # how many references remain

    def inlined(self) -> Mapping[str, JSON]:
        """The schema without those that can be replaced."""
        definitions = self._schema.get("$defs")
        for _ in range(_PASSES):
            for name, target in definitions.items() if isinstance(definitions, dict) else ():
                if name not in self._simple and isinstance(target, dict) and "properties" not in target:
                    spent, left = self._spent, self._left
                    found = self._replaced(target)
                    if left == self._left and isinstance(found, dict):
                        self._simple[name] = found, _size(target) + self._spent - spent
        replaced = self._replaced(dict(self._schema))
        return replaced if isinstance(replaced, dict) else self._schema

    def _replaced(self, value: JSON) -> JSON:
        if isinstance(value, list):
            return [self._replaced(item) for item in value]
        if not isinstance(value, dict):
            return value
        node = {key: item if key in _VALUES else self._replaced(item) for key, item in value.items()}
        together = node.get("allOf")
        if isinstance(together, list) and len(together) == 1 and isinstance(together[0], dict):
            del node["allOf"]
            node = {**together[0], **node}
        reference = node.get("$ref")
        if isinstance(reference, str):
            target, size = self._simple.get(reference.removeprefix(_PREFIX), (None, 0))
            if target is None or self._spent + size > self._room:
                self._left += 1
            elif len(node) == 1:  # what nothing is added to need not be copied
                self._spent += size
                return target
            elif len(target) <= _COPIED:
                self._spent += size
                del node["$ref"]
                node = {**target, **node}
            else:
                self._left += 1
        return _typed(node)


def _size(value: JSON) -> int:
    """The number of values in a value, itself included."""
    found, pending = 0, [value]
    while pending:
        value = pending.pop()
        found += 1
        if isinstance(value, dict):
            pending += value.values()
        elif isinstance(value, list):
            pending += value
    return found


_VALUES: Final = frozenset({"default", "const", "enum", "examples", "example"})  # they hold values, no schemas


def _typed(node: dict[str, JSON]) -> JSON:
    kind = node.get("type")
    if kind is None and ("const" in node or "enum" in node):
        values = node.get("enum", [node.get("const")])
        kinds = {_TYPES.get(type(value)) for value in values} if isinstance(values, list) else set[str | None]()
        if len(kinds) == 1 and None not in kinds:
            node["type"] = kinds.pop()
    elif isinstance(kind, list) and _are_types(kind) and len(node) <= _COPIED:
        rest = {key: value for key, value in node.items() if key not in ("type", *_OUTER)}
        several: list[JSON] = [{"type": each} if each == "null" else {**rest, "type": each} for each in kind]
        outer = {key: value for key, value in node.items() if key in _OUTER}
        return {**outer, "anyOf": several} if len(several) > 1 else {**node, "type": kind[0]}
    if node.get("nullable") is True and "anyOf" not in node:
        rest = {key: value for key, value in node.items() if key not in ("nullable", *_OUTER)}
        outer = {key: value for key, value in node.items() if key in _OUTER}
        return {**outer, "anyOf": [rest, {"type": "null"}]}
    return node


def _are_types(kinds: list[JSON]) -> bool:
    return 0 < len(kinds) <= _KINDS and all(isinstance(each, str) for each in kinds)


# What is said of the place where a schema stands, and not of its values.
_OUTER: Final = frozenset({"$defs", "default", "description", "is_stream", "media_type", "root_input", "title"})
