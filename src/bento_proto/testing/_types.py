"""Python types as schemas, as BentoML describes them, and JSON converted to these types."""

from __future__ import annotations

import types
import typing
from collections import abc
from enum import Enum
from typing import TYPE_CHECKING, Final, cast

from bento_proto._types import JSON
from bento_proto.errors import InvalidArgument, RemoteProtocolError
from bento_proto.json import parse_json, to_json
from bento_proto.response._arrays import converter

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
_SETS: Final = (set, frozenset, abc.Set, abc.MutableSet)
_LISTS: Final = (list, abc.Sequence, abc.MutableSequence, abc.Iterable, abc.Collection)
_DICTS: Final = (dict, abc.Mapping, abc.MutableMapping)
_DEEPEST: Final = 16
_UNFIT: Final = (ArithmeticError, ValueError, TypeError, RemoteProtocolError)


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
    if _has(annotation, "__metadata__"):
        found = schema_of(typing.get_args(annotation)[0], is_input=is_input, depth=depth)
        for more in cast("tuple[object, ...]", annotation.__metadata__):
            found.update(cast("dict[str, JSON]", more) if isinstance(more, dict) else {})
        return found
    if annotation in (typing.Any, object):
        return {}
    if annotation in _SCALARS:
        return dict(_SCALARS[annotation])
    kind = _class_of(annotation)
    if kind is not None:
        return _class(kind, is_input, depth)
    return _generic(annotation, is_input, depth)


def _has(kind: Value, attribute: str) -> bool:
    return hasattr(kind, attribute)


def origin_of(annotation: object) -> Value:
    """The origin of a generic annotation, or None."""
    return typing.get_origin(annotation)


def _class_of(annotation: object) -> Value:
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
    if origin in _SETS:
        return {"type": "array", "items": inner(0), "uniqueItems": True}
    if origin in _LISTS:
        return {"type": "array", "items": inner(0)}
    if origin in _DICTS:
        return {"type": "object", "additionalProperties": inner(1) or True}
    if isinstance(origin, type):  # ndarray[...], a generic model
        return schema_of(origin, is_input=is_input, depth=depth + 1)
    raise TypeError(f"{annotation!r} has no schema")


def _class(annotation: Value, is_input: bool, depth: int) -> dict[str, JSON]:
    module = annotation.__module__.removesuffix("._local")  # where Python 3.13 keeps pathlib's Path
    known = _BY_NAME.get(f"{module}.{annotation.__qualname__}")
    if known is not None:
        decimal = is_input and "anyOf" in known
        return {"type": "number"} if decimal else dict(known)
    if _has(annotation, "model_json_schema"):  # pydantic's
        document: dict[str, JSON] = annotation.model_json_schema()
        return _flat(document, cast("Schema", document.get("$defs", {})), depth)
    if issubclass(annotation, Enum):
        values = cast("list[JSON]", [member.value for member in annotation])
        return {"enum": values, "title": annotation.__name__, **_SCALARS.get(type(values[0]), {})}
    if annotation in (list, tuple, set, frozenset):
        return {"type": "array", "items": {}}
    if dict in annotation.__mro__ and not _has(annotation, "__required_keys__"):
        return {"type": "object", "additionalProperties": True}
    if _has(annotation, "__dataclass_fields__") or _has(annotation, "__required_keys__"):
        return _fields(annotation, is_input, depth)
    raise TypeError(f"{annotation!r} has no schema")


def _fields(annotation: Value, is_input: bool, depth: int) -> dict[str, JSON]:
    """The schema of a dataclass or a ``TypedDict``."""
    hints = typing.get_type_hints(annotation, include_extras=True)
    properties = {name: schema_of(hint, is_input=is_input, depth=depth + 1) for name, hint in hints.items()}
    if _has(annotation, "__required_keys__"):
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


def converted(value: Value, annotation: Value, schema: Schema, name: str = "") -> object:
    """JSON converted to the type of an annotation. A value of an unknown type is unchanged.

    Raises:
        InvalidArgument: it is none.
    """
    try:
        convert = converter(schema)
        return _converted(value if convert is None else convert(cast("JSON", value)), annotation)
    except _UNFIT as exc:
        detail: JSON = [{"loc": [name] if name else [], "msg": str(exc)}]
        raise InvalidArgument(f"1 validation error for Input: {exc}", detail=detail) from exc


def _converted(value: Value, annotation: Value) -> object:
    if hasattr(annotation, "__metadata__"):
        return _converted(value, typing.get_args(annotation)[0])
    origin, arguments = origin_of(annotation), typing.get_args(annotation)
    if origin in (typing.Union, types.UnionType):
        return _first_that_takes(value, arguments)
    if isinstance(value, list) and arguments and (origin in (tuple, *_SETS, *_LISTS)):
        return _several(cast("list[object]", value), cast("type", origin), arguments)
    if isinstance(value, dict) and len(arguments) == 2 and origin in _DICTS:
        named = cast("dict[str, object]", value)
        return {key: _converted(item, arguments[1]) for key, item in named.items()}
    kind = _class_of(annotation)
    return cast("object", value) if kind is None else _instance(value, kind)


def _several(values: list[object], origin: type, arguments: tuple[object, ...]) -> object:
    if origin is not tuple:
        items = [_converted(value, arguments[0]) for value in values]
        return set(items) if origin in _SETS else items
    if arguments[-1:] == (...,):
        return tuple(_converted(value, arguments[0]) for value in values)
    return tuple(_converted(value, kind) for value, kind in zip(values, arguments, strict=True))


def _first_that_takes(value: Value, members: tuple[object, ...]) -> object:
    if value is None:
        return None
    failure: Exception = TypeError("no member of the union takes it")
    for member in members:
        try:
            return _converted(value, member)
        except _UNFIT as exc:
            failure = exc
    raise failure


def _instance(value: Value, annotation: Value) -> object:
    if annotation in (str, int, float, bool):
        return value if isinstance(value, annotation) else _scalar(value, annotation)
    if _has(annotation, "model_validate"):
        return cast("object", annotation.model_validate(value))
    if issubclass(annotation, Enum):
        return annotation(value)
    if annotation is bytes and isinstance(value, str):
        return value.encode()
    if _has(annotation, "__dataclass_fields__") and isinstance(value, dict):
        hints = typing.get_type_hints(annotation, include_extras=True)
        named = cast("dict[str, object]", value)
        given = {name: _converted(named[name], hints[name]) for name in hints if name in named}
        return cast("object", annotation(**given))
    return _of_the_standard_library(value, annotation)


def _scalar(value: Value, annotation: Value) -> object:
    """A number that was sent as text, or a whole one as a float, as pydantic accepts it."""
    number: JSON = value
    if isinstance(value, str):
        try:
            number = parse_json(value.encode())
        except RemoteProtocolError:
            number = None
    if annotation is str or not isinstance(number, (bool, int, float)) or annotation(number) != number:
        raise TypeError(f"Input should be a valid {annotation.__name__}: {value!r}")
    return cast("object", annotation(number))


def _of_the_standard_library(value: Value, annotation: Value) -> object:
    name = f"{annotation.__module__}.{annotation.__qualname__}"
    if isinstance(value, str) and _has(annotation, "fromisoformat"):
        return cast("object", annotation.fromisoformat(value.replace("Z", "+00:00")))
    if name in ("uuid.UUID", "decimal.Decimal"):
        return cast("object", annotation(str(value)))
    if name == "datetime.timedelta" and isinstance(value, (int, float)):
        return cast("object", annotation(seconds=value))
    return value


def plain(value: object) -> JSON:
    """A default value as JSON."""
    return parse_json(to_json(value))
