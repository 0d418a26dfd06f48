"""The Python types that a schema amounts to, as types: for programs that read signatures, such as frameworks.

They are the classes nearest to what is described, which a framework can check; `Words` says what is accepted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from typing import Final, Literal, Protocol, cast

from bento_proto._types import JSON

from ._references import resolved
from ._service import Endpoint, Kind, Parameter, Schema, is_image, unwrapped

_CLASSES: Final[Mapping[str, str]] = {
    "tensor": "numpy.ndarray", "dataframe": "pandas.DataFrame", "file": "pathlib.Path",
}  # fmt: skip
_SCALARS: Final[Mapping[str, type | None]] = {
    "string": str, "integer": int, "number": float, "boolean": bool, "null": None,
}  # fmt: skip
_LITERAL: Final = ("string", "integer", "boolean", "null")
_MOST: Final = 10  # members of a union; beyond that, it is any object
_MOST_VALUES: Final = 20  # of a Literal; beyond that, the type of its values says as much
_LONGEST: Final = 200  # characters of a Literal
_DEEPEST: Final = 20  # levels of containers, unions and references; deeper, it is any object
_MOST_SCHEMAS: Final = 500  # looked at for one annotation, as references of a few lines may lead to billions


class Annotations:
    """Makes annotations; those of a package that is not installed are `object`."""

    def __init__(self) -> None:
        self._left = 0  # how many schemas may still be looked at
        self._imported: dict[str, object] = {}

    def argument(self, endpoint: Endpoint, parameter: Parameter) -> object:
        """The type of an argument: None too, where that is the default."""
        found = self.annotation(parameter.schema, endpoint.definitions)
        return found if parameter.required or parameter.default is not None else _union([found, None])

    def items(self, endpoint: Endpoint, parameter: Parameter) -> object:
        """The type of each argument in ``*args`` or ``**kwargs``."""
        inner = parameter.schema.get("items" if parameter.name == "args" else "additionalProperties")
        return self.annotation(inner if isinstance(inner, dict) else {}, endpoint.definitions)

    def in_path(self, convertor: str) -> object:
        """The type of a parameter of the path."""
        return float | str if convertor == "float" else str | int

    def result(self, endpoint: Endpoint) -> object:
        """The type of a result; an iterator for a stream."""
        output = endpoint.output
        definitions = output.schema.get("$defs")
        found = self.annotation(output.schema, definitions if isinstance(definitions, dict) else {})
        if not output.is_stream:
            return found
        if output.kind is Kind.EITHER:
            found = _union([found, str]) if output.may_be_lists else str
        return _generic(Iterator, found)

    def annotation(self, schema: Schema, definitions: Schema) -> object:
        """The type of a schema.

        Args:
            schema: the schema.
            definitions: what its references refer to.
        """
        self._left = _MOST_SCHEMAS
        return self._optional(schema, definitions, 0)

    def _optional(self, schema: Schema, definitions: Schema, depth: int) -> object:
        inner = unwrapped(schema)
        found = self._one(inner, definitions, depth)
        return found if inner is schema else _union([found, None])

    def _one(self, schema: Schema, definitions: Schema, depth: int) -> object:
        schema = resolved(schema, dict(definitions))
        values = literals(schema)
        if values:
            return cast("_Generic", Literal)[tuple(values)]
        members = schema.get("anyOf", schema.get("oneOf"))
        if isinstance(members, list):
            return self._any(members, definitions, depth)
        kind = "object" if "properties" in schema else schema.get("type")
        if kind == "array":
            return _generic(list, self._inner(schema.get("items"), definitions, depth))
        if kind == "object":
            return _generic(dict, str, self._inner(schema.get("additionalProperties"), definitions, depth))
        if kind == "string" and schema.get("format") == "binary":
            return bytes
        name = "PIL.Image.Image" if kind == "file" and is_image(schema) else _CLASSES.get(str(kind))
        return self._class(name) if name else _SCALARS.get(str(kind), object)

    def _inner(self, schema: JSON, definitions: Schema, depth: int) -> object:
        if not isinstance(schema, dict) or depth == _DEEPEST or not self._left:
            return object
        self._left -= 1
        return self._optional(schema, definitions, depth + 1)

    def _any(self, members: Sequence[JSON], definitions: Schema, depth: int) -> object:
        found = [self._inner(member, definitions, depth) for member in members[:_MOST]]
        if not found or len(members) > _MOST or object in found:
            return object
        return _union([*(each for each in found if each is not None), *(each for each in found if each is None)])

    def _class(self, name: str) -> object:
        """A class of `_CLASSES`, or an image."""
        from importlib import import_module

        if name not in self._imported:
            module, _, attribute = name.rpartition(".")
            try:
                self._imported[name] = cast("object", getattr(import_module(module), attribute))
            except ImportError:
                self._imported[name] = object
        return self._imported[name]


class _Generic(Protocol):
    def __getitem__(self, arguments: tuple[object, ...], /) -> object: ...


class _Member(Protocol):
    def __or__(self, other: object, /) -> object: ...


def _generic(origin: object, *arguments: object) -> object:
    return cast("_Generic", origin)[arguments]


def _union(members: Sequence[object]) -> object:
    return members[0] if len(set(members)) == 1 else reduce(lambda one, other: cast("_Member", one) | other, members)


def literals(schema: Schema) -> Sequence[JSON]:
    """The values that a schema lists, if ``Literal[...]`` can have them; else none."""
    values = [schema["const"]] if "const" in schema else schema.get("enum")
    if not isinstance(values, list) or len(values) > _MOST_VALUES or schema.get("type", "null") not in _LITERAL:
        return ()
    fit = all(value is None or type(value) in (str, int, bool) for value in values)
    return values if fit and len(str(values)) <= _LONGEST else ()
