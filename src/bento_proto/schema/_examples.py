"""Values that are valid for a schema."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final, cast

from ._references import resolved
from ._service import Schema

PNG: Final = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de"
    "0000000c49444154789c63f8cfc0000003010100c9fe92ef0000000049454e44ae426082"
)
"""An image of one red pixel."""

_TEXTS: Final[Mapping[object, str]] = {
    "date-time": "2024-01-02T03:04:05",
    "date": "2024-01-02",
    "time": "03:04:05",
    "duration": "PT1M",
    "uuid": "00000000-0000-0000-0000-000000000001",
    "email": "someone@example.org",
    "uri": "https://example.org/",
    "path": "file.txt",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
}
_DEEPEST: Final = 8  # levels of nesting, for types that contain themselves
_MOST: Final = 10_000  # values in one example: a schema of a few lines may ask for billions
_LONGEST: Final = 10_000  # characters of a text
_LARGEST: Final = 1e15  # beyond it, numbers are not looked at


def example(schema: Schema, definitions: Schema | None = None, *, full: bool = True) -> object:
    """A value that is valid for a schema: its example or default, or else a value of the type.

    A file is bytes, an image the bytes of a PNG.

    Args:
        schema: the schema.
        definitions: what its references refer to; by default its own ``$defs``.
        full: whether objects have all their fields, or only those that are required.
    """
    own = schema.get("$defs") if definitions is None else definitions
    return _Maker(cast("Schema", own) if isinstance(own, dict) else {}, full).value(schema, 0)


def discriminator(schema: Schema) -> tuple[str, Sequence[str]]:
    """The field that tells the members of a union apart, and its values; none if the schema names none."""
    found = _schema(schema.get("discriminator"))
    tag, mapping = found.get("propertyName"), found.get("mapping")
    return (tag, list(mapping)) if isinstance(tag, str) and isinstance(mapping, dict) else ("", ())


class _Maker:
    def __init__(self, definitions: Schema, full: bool) -> None:
        self._definitions = definitions
        self._full = full
        self._left = _MOST

    def value(self, schema: Schema, depth: int) -> object:
        found = self._plain(schema, depth)
        tag, values = discriminator(schema)
        if values and isinstance(found, (dict, str)):  # text stands for a member that is not known
            return {tag: values[0], **(cast("dict[str, object]", found) if isinstance(found, dict) else {})}
        return found

    def _plain(self, schema: Schema, depth: int) -> object:
        self._left -= 1
        schema = self._resolved(schema)
        examples = schema.get("examples")
        for given in (examples, schema.get("enum")):
            if isinstance(given, list) and given:
                return given[0]
        for key in ("const", "default"):
            if schema.get(key) is not None:
                return schema[key]
        kind = schema.get("type")
        if kind == "array":
            return self._array(schema, depth)
        if kind == "object" or "properties" in schema:
            return self._object(schema, depth)
        if kind in ("integer", "number"):
            return _number(schema, kind == "integer")
        if kind == "string":
            return _text(schema)
        if kind == "tensor":
            return _tensor(schema)
        if kind == "dataframe":
            return _frame(schema)
        if kind == "file":
            return PNG if schema.get("format") == "image" else b"content"
        return {"boolean": True, "null": None}.get(kind, "anything") if isinstance(kind, str) else "anything"

    def _resolved(self, schema: Schema) -> Schema:
        """The target of a reference, or the first member of a union that is not null."""
        for _ in range(_DEEPEST):
            members = schema.get("anyOf", schema.get("oneOf", schema.get("allOf")))
            if "$ref" in schema:
                target = resolved(schema, dict(self._definitions))
                if target is schema:  # it is missing
                    return {}
                schema = target
            elif isinstance(members, list) and members:
                found = [_schema(member) for member in members]
                schema = next((member for member in found if member.get("type") != "null"), found[0])
            else:
                break
        return schema

    def _array(self, schema: Schema, depth: int) -> list[object]:
        heads = schema.get("prefixItems")
        values = [self.value(_schema(item), depth + 1) for item in heads] if isinstance(heads, list) else []
        least = schema.get("minItems", 1)
        items = schema.get("items")
        if isinstance(items, dict) and depth < _DEEPEST:
            for number in range((least if isinstance(least, int) else 1) - len(values)):
                if self._left <= 0:
                    break
                value = self.value(items, depth + 1)
                values.append(_another(value, number) if schema.get("uniqueItems") else value)
        return values

    def _object(self, schema: Schema, depth: int) -> dict[str, object]:
        if depth >= _DEEPEST:
            return {}
        required = schema.get("required")
        values: dict[str, object] = {
            name: self.value(_schema(item), depth + 1)
            for name, item in _schema(schema.get("properties")).items()
            if self._full or (isinstance(required, list) and name in required)
        }
        others = schema.get("additionalProperties")
        if isinstance(others, dict) and self._left > 0:
            values["key"] = self.value(others, depth + 1)
        return values


def _schema(value: object) -> Schema:
    return cast("Schema", value) if isinstance(value, dict) else {}


def _another(value: object, number: int) -> object:
    """A value that differs from those of the numbers before."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value + number
    return f"{value}{number}" if isinstance(value, str) and number else value


def _number(schema: Schema, whole: bool) -> int | float:
    low, above, high, below, step = (
        float(value) if isinstance(value := schema.get(key), (int, float)) and abs(value) < _LARGEST else None
        for key in ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum", "multipleOf")
    )
    value = 1.0 if whole else 0.5
    if low is not None:
        value = max(value, low)
    if above is not None and value <= above:
        value = above + 1
    if high is not None:
        value = min(value, high)
    if below is not None and value >= below:
        value = (below + max(low or 0.0, above or 0.0)) / 2 if not whole else below - 1
    if step:
        value = step * -(-value // step)
    return math.ceil(value) if whole else value


def _text(schema: Schema) -> str | bytes:
    if schema.get("format") == "binary":
        return b"content"
    known = _TEXTS.get(schema.get("format"))
    if known is not None:
        return known
    least, most = schema.get("minLength"), schema.get("maxLength")
    text = "text" if not isinstance(least, int) else "text".ljust(min(least, _LONGEST), "t")
    return text[:most] if isinstance(most, int) else text


def _tensor(schema: Schema) -> object:
    shape, dtype = schema.get("shape"), schema.get("dtype")
    value: object = False if dtype == "bool" else 0 if isinstance(dtype, str) and "int" in dtype else 0.5
    for size in reversed(shape if isinstance(shape, list) else [2]):
        value = [value] * (size if isinstance(size, int) and size >= 0 else 1)
    return value


def _frame(schema: Schema) -> object:
    given = schema.get("columns")
    columns = [str(name) for name in given] if isinstance(given, list) else ["a", "b"]
    if schema.get("orient") == "columns":
        return {name: [0, 1] for name in columns}
    return [dict.fromkeys(columns, number) for number in (0, 1)]
