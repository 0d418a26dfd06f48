"""The defaults of arguments, as they can stand in a signature."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ._text import quoted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bento_proto import JSON
    from bento_proto.schema import Parameter, Schema

_LONGEST: Final = 40
_TYPES: Final[Mapping[str, tuple[type, ...]]] = {
    "string": (str,), "integer": (int,), "number": (int, float), "boolean": (bool,),
}  # fmt: skip


def default_text(parameter: Parameter) -> tuple[str, str | None]:
    """The default of an argument, and the type that it adds to the argument's own, if that does not have it.

    BentoML describes a union by its first member, so that a default may be of a type that the schema does not allow.
    What is long, or may not fit the type, is ``...``.
    """
    default = parameter.default
    if default is None:
        return "None", None
    text = _literal(default)
    if _fits(default, dict(parameter.schema)):
        return text or "...", None
    return (text or "...", type(default).__name__) if isinstance(default, (str, int, float)) else ("...", None)


def _literal(value: JSON) -> str | None:
    """The value as an expression; None if it has none, or is too long to be of use."""
    if isinstance(value, str):
        text: str | None = quoted(value) if len(value) <= _LONGEST else None
    elif isinstance(value, list):
        items = [_literal(item) for item in value]
        text = f"[{', '.join(item for item in items if item)}]" if all(items) else None
    elif isinstance(value, dict):
        pairs = [(quoted(key), _literal(item)) for key, item in value.items()]
        text = f"{{{', '.join(f'{key}: {item}' for key, item in pairs)}}}" if all(item for _, item in pairs) else None
    else:
        text = repr(value)
        text = None if text.lstrip("-") in ("nan", "inf") else text
    return text if text and len(text) <= _LONGEST + 2 else None


def _fits(value: JSON, schema: JSON) -> bool:
    """Whether a value is of a type that is read from the schema; if in doubt, not."""
    if not isinstance(schema, dict) or "$ref" in schema or schema.get("properties"):
        return False
    enum, kind = schema.get("enum"), schema.get("type")
    if isinstance(enum, list):
        return any(value == each and type(value) is type(each) for each in enum)
    if isinstance(value, list):
        items = schema.get("items")
        return kind == "array" and "prefixItems" not in schema and all(_fits(item, items) for item in value)
    if isinstance(value, dict):
        values = schema.get("additionalProperties")
        return kind == "object" and (values is True or all(_fits(item, values) for item in value.values()))
    return isinstance(kind, str) and type(value) in _TYPES.get(kind, ()) and not _is_other(schema)


def _is_other(schema: Schema) -> bool:
    return "const" in schema or "anyOf" in schema
