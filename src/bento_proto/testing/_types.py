"""Python types as schemas, as BentoML describes them."""

from __future__ import annotations

import types
import typing
from collections import abc
from enum import Enum
from typing import TYPE_CHECKING, Final, cast

from bento_proto._types import JSON
from bento_proto.json import parse_json, to_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bento_proto._types import Value
    from bento_proto.schema._service import Schema

_SCALARS: Final[Mapping[object, dict[str, JSON]]] = {
    str: {"type": "string"}, int: {"type": "integer"}, float: {"type": "number"}, bool: {"type": "boolean"},
    None: {"type": "null"}, type(None): {"type": "null"}, bytes: {"type": "string", "format": "binary"},
}  # fmt: skip
# Types of modules that need not be loaded, by their names.
_BY_NAME: Final[Mapping[str, dict[str, JSON]]] = {
    "bento_proto.request._file.File": {"type": "file", "format": "binary"},
    "bento_proto.testing._asked.UploadedFile": {"type": "file", "format": "binary"},
    "pathlib.Path": {"type": "file", "format": "binary"},
    "PIL.Image.Image": {"type": "file", "format": "image", "pil": True},
    "numpy.ndarray": {"type": "tensor", "format": "numpy-array"},
    "pandas.core.frame.DataFrame": {"type": "dataframe", "orient": "records"},
    "pandas.DataFrame": {"type": "dataframe", "orient": "records"},
    "datetime.datetime": {"type": "string", "format": "date-time"},
    "datetime.date": {"type": "string", "format": "date"},
    "datetime.time": {"type": "string", "format": "time"},
    "datetime.timedelta": {"type": "string", "format": "duration"},
    "uuid.UUID": {"type": "string", "format": "uuid"},
    "decimal.Decimal": {"anyOf": [{"type": "number"}, {"type": "string"}]},
}
SETS: Final = (set, frozenset, abc.Set, abc.MutableSet)
LISTS: Final = (list, abc.Sequence, abc.MutableSequence, abc.Iterable, abc.Collection)
DICTS: Final = (dict, abc.Mapping, abc.MutableMapping)
_DEEPEST: Final = 16


def schema_of(annotation: Value, *, is_input: bool = False, depth: int = 0) -> dict[str, JSON]:
    """The schema of a type, as BentoML writes it.

    Args:
        annotation: the type. A mapping among the metadata of an ``Annotated`` is added to its schema.
        is_input: whether it is that of an argument: of a union only the first member is told there.
        depth: how deep inside another it is.

    Raises:
        TypeError: it contains itself, which BentoML can't describe, or is no type that it knows.
    """
    if depth > _DEEPEST:
        raise TypeError("a type that contains itself has no schema")
    if has(annotation, "__metadata__"):
        found = schema_of(typing.get_args(annotation)[0], is_input=is_input, depth=depth)
        for more in cast("tuple[object, ...]", annotation.__metadata__):
            found.update(cast("dict[str, JSON]", more) if isinstance(more, dict) else {})
        return found
    if annotation in (typing.Any, object):
        return {}
    if annotation in _SCALARS:
        return dict(_SCALARS[annotation])
    kind = class_of(annotation)
    if kind is not None:
        return _class(kind, is_input, depth)
    return _generic(annotation, is_input, depth)


def has(kind: Value, attribute: str) -> bool:
    """`hasattr`, which would change the type that a type checker knows."""
    return hasattr(kind, attribute)


def origin_of(annotation: object) -> Value:
    """The origin of a generic annotation, or None."""
    return typing.get_origin(annotation)


def class_of(annotation: object) -> Value:
    """The class that an annotation is, or None."""
    return annotation if isinstance(annotation, type) and origin_of(annotation) is None else None


def _generic(annotation: Value, is_input: bool, depth: int) -> dict[str, JSON]:
    origin, arguments = origin_of(annotation), typing.get_args(annotation)

    def inner(index: int) -> dict[str, JSON]:
        if index >= len(arguments):
            return {}
        return schema_of(arguments[index], is_input=is_input, depth=depth + 1)

    if origin in (typing.Union, types.UnionType):
        members = [inner(index) for index in range(len(arguments))]
        if is_input:
            return next((member for member in members if member != {"type": "null"}), members[0])
        return {"anyOf": cast("list[JSON]", members)}
    if origin is typing.Literal:
        values = cast("list[JSON]", list(arguments))
        return {"enum": values, **_SCALARS.get(type(values[0]), {})}
    if origin is tuple:
        if arguments[-1:] == (...,):
            return {"type": "array", "items": inner(0)}
        count = len(arguments)
        heads = cast("list[JSON]", [inner(index) for index in range(count)])
        return {"type": "array", "prefixItems": heads, "minItems": count, "maxItems": count}
    if origin in SETS:
        return {"type": "array", "items": inner(0), "uniqueItems": True}
    if origin in LISTS:
        return {"type": "array", "items": inner(0)}
    if origin in DICTS:
        return {"type": "object", "additionalProperties": inner(1) or True}
    if isinstance(origin, type):  # ndarray[...], a generic model
        return schema_of(origin, is_input=is_input, depth=depth + 1)
    raise TypeError(f"{annotation!r} has no schema")


def name_of(annotation: Value) -> str:
    """The full name of a class."""
    module = annotation.__module__.removesuffix("._local")  # where Python 3.13 keeps pathlib's Path
    return f"{module}.{annotation.__qualname__}"


def is_file(annotation: Value) -> bool:
    """Whether a class is one of a file or an image."""
    return _BY_NAME.get(name_of(annotation), {}).get("type") == "file"


def _class(annotation: Value, is_input: bool, depth: int) -> dict[str, JSON]:
    known = _BY_NAME.get(name_of(annotation))
    if known is not None:
        decimal = is_input and "anyOf" in known
        return {"type": "number"} if decimal else dict(known)
    if has(annotation, "model_json_schema"):  # pydantic's
        document: dict[str, JSON] = annotation.model_json_schema()
        return _flat(document, cast("Schema", document.get("$defs", {})), depth)
    if issubclass(annotation, Enum):
        values = cast("list[JSON]", [member.value for member in annotation])
        return {"enum": values, "title": annotation.__name__, **_SCALARS.get(type(values[0]), {})}
    if annotation in (list, tuple, set, frozenset):
        return {"type": "array", "items": {}}
    if dict in annotation.__mro__ and not has(annotation, "__required_keys__"):
        return {"type": "object", "additionalProperties": True}
    if has(annotation, "__dataclass_fields__") or has(annotation, "__required_keys__"):
        return _fields(annotation, is_input, depth)
    raise TypeError(f"{annotation!r} has no schema")


def _fields(annotation: Value, is_input: bool, depth: int) -> dict[str, JSON]:
    """The schema of a dataclass or a ``TypedDict``."""
    hints = typing.get_type_hints(annotation, include_extras=True)
    properties = {name: schema_of(hint, is_input=is_input, depth=depth + 1) for name, hint in hints.items()}
    if has(annotation, "__required_keys__"):
        required = [name for name in hints if name in cast("frozenset[str]", getattr(annotation, "__required_keys__"))]  # noqa: B009
    else:
        import dataclasses  # there is one, so it is loaded

        missing = dataclasses.MISSING
        required = [f.name for f in dataclasses.fields(annotation) if f.default is f.default_factory is missing]
    return {
        "type": "object",
        "title": annotation.__name__,
        "properties": cast("dict[str, JSON]", properties),
        "required": cast("list[JSON]", required),
    }


def _flat(schema: Schema, definitions: Schema, depth: int) -> dict[str, JSON]:
    """A model's schema without references, and with the first member of each union, as BentoML writes it."""
    if depth > _DEEPEST:
        raise TypeError("a model that contains itself has no schema")
    found = {key: value for key, value in schema.items() if key != "$defs"}
    reference = found.pop("$ref", None)
    if isinstance(reference, str):
        target = cast("dict[str, JSON]", definitions.get(reference.removeprefix("#/$defs/"), {}))
        found = {**target, **found}
    for key in ("anyOf", "allOf"):
        members = found.pop(key, None)
        if isinstance(members, list) and isinstance(members[0], dict):
            found = {**_flat(members[0], definitions, depth + 1), **found}
    properties, items = found.get("properties"), found.get("items")
    if isinstance(properties, dict):
        found["properties"] = {
            name: _flat(cast("dict[str, JSON]", value), definitions, depth + 1) for name, value in properties.items()
        }
    if isinstance(items, dict):
        found["items"] = _flat(items, definitions, depth + 1)
    return found


def plain(value: object) -> JSON:
    """A default value as JSON."""
    return parse_json(to_json(value))
