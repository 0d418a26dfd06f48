"""The Python types that a schema amounts to: as text that people read, or as types."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from typing import Final, Generic, Literal, Protocol, TypeVar, cast

from bento_proto._types import JSON

from ._references import resolved
from ._service import Kind, Output, Schema, is_image, unwrapped

T = TypeVar("T")

_SCALARS: Final[Mapping[str, str]] = {
    "string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None",
    "tensor": "numpy.ndarray", "dataframe": "pandas.DataFrame", "file": "pathlib.Path",
}  # fmt: skip
_LITERAL: Final = ("string", "integer", "boolean", "null")
_MOST: Final = 10  # members of a union; beyond that it is any object
_MOST_VALUES: Final = 20  # of a Literal; beyond that, the type of its values says as much
_LONGEST: Final = 200  # characters of a Literal
_DEEPEST: Final = 20  # levels of containers, unions and references; deeper, it is any object
_MOST_SCHEMAS: Final = 500  # looked at for one annotation, as references of a few lines may lead to billions


class Annotations(ABC, Generic[T]):
    """How annotations are made: of text, or of types."""

    _left = 0  # how many schemas may still be looked at

    @abstractmethod
    def named(self, name: str) -> T:
        """A builtin, or a class of a package."""

    @abstractmethod
    def of(self, name: str, *arguments: T) -> T:
        """``list[...]``, ``dict[...]`` or ``Iterator[...]``."""

    @abstractmethod
    def literal(self, values: Sequence[JSON]) -> T:
        """``Literal[...]``."""

    @abstractmethod
    def union(self, members: Sequence[T]) -> T:
        """``... | ...``."""

    def annotation(self, schema: Schema, definitions: Schema) -> T:
        """The type of a schema.

        Args:
            schema: the schema.
            definitions: what its references refer to.
        """
        self._left = _MOST_SCHEMAS
        return self._optional(schema, definitions, 0)

    def _optional(self, schema: Schema, definitions: Schema, depth: int) -> T:
        inner = unwrapped(schema)
        found = self._one(inner, definitions, depth)
        return found if inner is schema else self.union([found, self.named("None")])

    def _one(self, schema: Schema, definitions: Schema, depth: int) -> T:
        schema = resolved(schema, dict(definitions))
        values = literals(schema)
        if values:
            return self.literal(values)
        members = schema.get("anyOf", schema.get("oneOf"))
        if isinstance(members, list):
            return self._any(members, definitions, depth)
        kind = "object" if "properties" in schema else schema.get("type")
        if kind == "file" and is_image(schema):
            return self.named("PIL.Image.Image")
        if kind == "string" and schema.get("format") == "binary":
            return self.named("bytes")
        if kind == "array":
            return self.of("list", self._inner(schema.get("items"), definitions, depth))
        if kind == "object":
            return self.of(
                "dict", self.named("str"), self._inner(schema.get("additionalProperties"), definitions, depth)
            )
        return self.named(_SCALARS.get(kind, "object") if isinstance(kind, str) else "object")

    def _inner(self, schema: JSON, definitions: Schema, depth: int) -> T:
        if not isinstance(schema, dict) or depth == _DEEPEST or not self._left:
            return self.named("object")
        self._left -= 1
        return self._optional(schema, definitions, depth + 1)

    def _any(self, members: Sequence[JSON], definitions: Schema, depth: int) -> T:
        found = [self._inner(member, definitions, depth) for member in members[:_MOST]]
        anything, nothing = self.named("object"), self.named("None")
        if not found or len(members) > _MOST or anything in found:
            return anything
        unique = [each for number, each in enumerate(found) if each not in found[:number]]
        return self.union(sorted(unique, key=lambda each: each == nothing))

    def result(self, output: Output) -> T:
        """The type of a result; an iterator for a stream."""
        definitions = output.schema.get("$defs")
        found = self.annotation(output.schema, definitions if isinstance(definitions, dict) else {})
        if not output.is_stream:
            return found
        if output.kind is not Kind.EITHER:
            return self.of("Iterator", found)
        text = self.named("str")
        return self.of("Iterator", self.union([found, text]) if output.may_be_lists else text)


class Written(Annotations[str]):
    """Annotations as text."""

    def named(self, name: str) -> str:
        return name

    def of(self, name: str, *arguments: str) -> str:
        return f"{name}[{', '.join(arguments)}]"

    def literal(self, values: Sequence[JSON]) -> str:
        return f"Literal[{', '.join(map(repr, values))}]"

    def union(self, members: Sequence[str]) -> str:
        return " | ".join(members)


class Real(Annotations[object]):
    """Annotations as types; those of a package that is not installed are `object`."""

    def __init__(self) -> None:
        self._known: dict[str, object] = {
            "None": None, "object": object, "str": str, "bytes": bytes, "int": int, "float": float, "bool": bool,
            "list": list, "dict": dict, "Iterator": Iterator,
        }  # fmt: skip

    def named(self, name: str) -> object:
        if name not in self._known:
            self._known[name] = _imported(name)
        return self._known[name]

    def of(self, name: str, *arguments: object) -> object:
        return cast("_Generic", self._known[name])[arguments]

    def literal(self, values: Sequence[JSON]) -> object:
        return cast("_Generic", Literal)[tuple(values)]

    def union(self, members: Sequence[object]) -> object:
        return reduce(lambda one, other: cast("_Member", one) | other, members)


class _Generic(Protocol):
    def __getitem__(self, arguments: tuple[object, ...], /) -> object: ...


class _Member(Protocol):
    def __or__(self, other: object, /) -> object: ...


def _imported(name: str) -> object:
    """A class of `_SCALARS`, or an image."""
    from importlib import import_module

    module, _, attribute = name.rpartition(".")
    try:
        return cast("object", getattr(import_module(module), attribute))
    except ImportError:
        return object


def literals(schema: Schema) -> Sequence[JSON]:
    """The values that a schema lists, if ``Literal[...]`` can have them; else none."""
    values = [schema["const"]] if "const" in schema else schema.get("enum")
    if not isinstance(values, list) or len(values) > _MOST_VALUES or schema.get("type", "null") not in _LITERAL:
        return ()
    fit = all(value is None or type(value) in (str, int, bool) for value in values)
    return values if fit and len(str(values)) <= _LONGEST else ()
