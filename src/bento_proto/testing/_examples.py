"""Values that are valid for a schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, cast

from bento_proto.schema._service import Schema

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
}
_DEEPEST: Final = 8  # levels of nesting, for types that contain themselves


def example(schema: Schema) -> object:
    """A value that is valid for a schema: its example or default, or else a value of the type.

    A file is bytes, an image the bytes of a PNG.
    """
    definitions = schema.get("$defs")
    return _example(schema, definitions if isinstance(definitions, dict) else {}, 0)


def _example(schema: Schema, definitions: Schema, depth: int) -> object:
    schema = _resolved(schema, definitions)
    examples = schema.get("examples")
    for given in (examples, schema.get("enum")):
        if isinstance(given, list) and given:
            return given[0]
    for key in ("const", "default"):
        if schema.get(key) is not None:
            return schema[key]
    kind = schema.get("type")
    if kind == "array":
        return _array(schema, definitions, depth)
    if kind == "object" or "properties" in schema:
        return _object(schema, definitions, depth)
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


def _resolved(schema: Schema, definitions: Schema) -> Schema:
    """The target of a reference, or the first member of a union that is not null."""
    for _ in range(_DEEPEST):
        reference = schema.get("$ref")
        members = schema.get("anyOf", schema.get("oneOf", schema.get("allOf")))
        if isinstance(reference, str):
            schema = _schema(definitions.get(reference.removeprefix("#/$defs/")))
        elif isinstance(members, list) and members:
            found = [_schema(member) for member in members]
            schema = next((member for member in found if member.get("type") != "null"), found[0])
        else:
            break
    return schema


def _schema(value: object) -> Schema:
    return cast("Schema", value) if isinstance(value, dict) else {}


def _array(schema: Schema, definitions: Schema, depth: int) -> object:
    heads = schema.get("prefixItems")
    values = [_example(_schema(item), definitions, depth + 1) for item in heads] if isinstance(heads, list) else []
    least = schema.get("minItems", 1)
    items = schema.get("items")
    if isinstance(items, dict) and depth < _DEEPEST:
        missing = (least if isinstance(least, int) else 1) - len(values)
        values += [_example(items, definitions, depth + 1) for _ in range(missing)]
    return values


def _object(schema: Schema, definitions: Schema, depth: int) -> object:
    if depth >= _DEEPEST:
        return {}
    values: dict[str, object] = {
        name: _example(_schema(item), definitions, depth + 1)
        for name, item in _schema(schema.get("properties")).items()
    }
    others = schema.get("additionalProperties")
    if isinstance(others, dict):
        values["key"] = _example(others, definitions, depth + 1)
    return values


def _number(schema: Schema, whole: bool) -> int | float:
    low, above, high, below, step = (
        float(value) if isinstance(value := schema.get(key), (int, float)) else None
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
    if step is not None:
        value = step * -(-value // step)
    return int(value) if whole else value


def _text(schema: Schema) -> str | bytes:
    if schema.get("format") == "binary":
        return b"content"
    known = _TEXTS.get(schema.get("format"))
    if known is not None:
        return known
    least, most = schema.get("minLength"), schema.get("maxLength")
    text = "text" if not isinstance(least, int) else "text".ljust(least, "t")
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
