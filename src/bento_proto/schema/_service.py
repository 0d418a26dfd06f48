"""The Service that a ``/schema.json`` describes: pydantic's JSON Schema with BentoML's extensions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from enum import Enum
from functools import cached_property
from typing import Final, TypeAlias

from bento_proto._frozen import Frozen
from bento_proto._text import is_unicode
from bento_proto._types import JSON
from bento_proto.errors import BentoMLException, SchemaError
from bento_proto.json import parse_json

from ._references import inlined, members

Schema: TypeAlias = Mapping[str, JSON]
"""A JSON Schema, with BentoML's extensions."""


class Kind(Enum):
    """How to decode the response of an endpoint. The Content-Type does not tell: BentoML sets it wrongly."""

    JSON = "json"
    TEXT = "text"
    BYTES = "bytes"
    FILE = "file"
    IMAGE = "image"
    EITHER = "either"
    """No type, or a union with text in it: JSON if it parses and matches a member, else text. A stream of lists of text
    has the same schema as an annotated stream of text: lists if the first item is one."""


IN_PATH: Final = r"\{([^{}:]+)(?::(\w+))?\}"
"""Starlette's path parameters: ``{name}`` or, with a convertor, ``{name:int}``."""

_VARIADIC: Final = {"args": "array", "kwargs": "object"}


class Parameter(Frozen):
    """A parameter of an endpoint.

    Attributes:
        name: its name on the wire.
        schema: its JSON Schema.
        required: whether it must be given.
        default: the default of the server; None for a required parameter.
        is_file: whether it is a file or, if ``many`` is true, a list of files.
        many: whether it is a list of files.
    """

    name: str
    schema: Schema
    required: bool
    default: JSON = None
    is_file: bool = False
    many: bool = False

    @property
    def is_variadic(self) -> bool:
        """Whether it is ``*args`` or ``**kwargs``, which the schema shows by these names only."""
        expected = _VARIADIC.get(self.name)
        if expected is None or self.schema.get("type") != expected or self.is_file or not self.required:
            return False
        return "properties" not in self.schema and "prefixItems" not in self.schema  # a model or a tuple has that name

    @property
    def content_type(self) -> str | None:
        """The media type that a file must have, or a range such as ``image/*``; None if any is accepted."""
        found = file_schema(self.schema).get("content_type")
        return found if isinstance(found, str) else None

    @property
    def is_image(self) -> bool:
        """Whether the file is an image that the server opens with Pillow."""
        return is_image(file_schema(self.schema))


class Output(Frozen):
    """The output of an endpoint.

    Attributes:
        schema: its JSON Schema; for a stream, that of one item.
        kind: how to decode it.
        is_stream: whether it is a stream of items.
    """

    schema: Schema
    kind: Kind
    is_stream: bool = False

    @property
    def may_be_lists(self) -> bool:
        """Whether it is a stream of text or of lists of text, which have the same schema."""
        # With a ContentType other than the default it is text: BentoML can't stream lists then.
        is_array = self.kind is Kind.EITHER and self.schema.get("type") == "array"
        return self.is_stream and is_array and self.schema.get("media_type") == "text/event-stream"


class Endpoint(Frozen):
    """One endpoint of a Service.

    Attributes:
        name: the name of the method of the Service.
        route: its path, unescaped.
        parameters: its parameters in the order of the Service's own signature; for root input, one without a name.
        output: its output.
        root_input: whether the body of the request is the single argument itself.
        is_task: whether it can be submitted as a task.
        batchable: whether the server batches calls.
        doc: its description; None if the server sends none.
        definitions: the schemas that those of its parameters may refer to, by name.
    """

    __slots__ = ("__dict__",)  # of the cached properties
    name: str
    route: str
    parameters: tuple[Parameter, ...]
    output: Output
    root_input: bool = False
    is_task: bool = False
    batchable: bool = False
    doc: str | None = None
    definitions: Schema = {}  # noqa: RUF012

    @cached_property
    def by_name(self) -> Mapping[str, Parameter]:
        """The parameters by their names."""
        return {parameter.name: parameter for parameter in self.parameters}

    @cached_property
    def required(self) -> frozenset[str]:
        """The names of the parameters that must be given."""
        return frozenset(parameter.name for parameter in self.parameters if parameter.required)

    @cached_property
    def is_simple(self) -> bool:
        """Whether the body is a JSON object of keyword arguments: no root input, path parameter, file or variadic."""
        if self.root_input or "{" in self.route:
            return False
        return not any(parameter.is_file or parameter.is_variadic for parameter in self.parameters)

    @cached_property
    def path_parameters(self) -> Mapping[str, str]:
        """The parameters of the route that the Service's method does not have, each with its convertor or ``""``."""
        found = re.findall(IN_PATH, self.route) if "{" in self.route else ()
        return {name: convertor for name, convertor in found if name not in self.by_name}

    @property
    def root_fields(self) -> tuple[Parameter, ...]:
        """The fields of a root input that is a model, which can be given as keyword arguments; else none."""
        return tuple(_parameters(self.parameters[0].schema, self.name)) if self.root_input else ()


class Service(Frozen):
    """A Service and its endpoints.

    Attributes:
        name: its name.
        endpoints: its endpoints by name.
        description: its description; None if the server sends none.
    """

    name: str
    endpoints: Mapping[str, Endpoint]
    description: str | None = None

    @property
    def prefix(self) -> str:
        """The longest common path of all routes: the ``path_prefix`` of the Service, if it has one."""
        routes = [endpoint.route.split("/")[:-1] for endpoint in self.endpoints.values()]
        if not routes:
            return ""
        first, last = min(routes), max(routes)
        same = 0
        while same < min(len(first), len(last)) and first[same] == last[same]:
            same += 1
        return "/".join(first[:same])


def parse_service(data: bytes | JSON) -> Service:
    """Parse a ``/schema.json``, given as bytes or as parsed JSON.

    Unknown keys are ignored, and keys that older servers don't send may be missing.

    Raises:
        SchemaError: it is not the schema of a Service; the message names the place.
    """
    try:
        document = _object(parse_json(data) if isinstance(data, bytes) else data, "the schema")
        endpoints: dict[str, Endpoint] = {}
        for number, route in enumerate(_list(document.get("routes"), "routes")):
            endpoint = _endpoint(_object(route, f"routes[{number}]"), f"routes[{number}]")
            if endpoint.name in endpoints:
                raise SchemaError(f"two endpoints are named {endpoint.name!r}")
            endpoints[endpoint.name] = endpoint
        return Service(
            _text(document.get("name", ""), "name"),
            endpoints,
            _optional_text(document.get("description"), "description"),
        )
    except SchemaError as exc:
        raise SchemaError(f"/schema.json is not the schema of a BentoML Service: {exc.message}") from None
    except BentoMLException as exc:
        raise SchemaError(f"/schema.json is not the schema of a BentoML Service: {exc}") from exc


def _endpoint(route: Schema, where: str) -> Endpoint:
    name = _text(route.get("name"), f"{where}.name")
    path = _text(route.get("route"), f"{where}.route")
    if not path.startswith("/") or path.startswith("//") or any(ord(c) < 32 for c in path):
        raise SchemaError(f"{where}.route is not a path on this server: {path[:100]!r}")
    if any(segment in (".", "..") for segment in path.split("/")):
        raise SchemaError(f"{where}.route has a segment . or ..: {path[:100]!r}")
    given = _object(route.get("input", {}), f"{where}.input")
    output = _object(route.get("output", {}), f"{where}.output")
    root = given.get("root_input") is True
    for node in (given, output):
        for inner in walk(node):
            _check(inner, where)
    given, output = inlined(given), inlined(output)
    parameters = (Parameter("", given, True, None, *_files(given)),) if root else tuple(_parameters(given, where))
    return Endpoint(
        name,
        path,
        parameters,
        Output(output, _kind(output), output.get("is_stream") is True),
        root,
        route.get("is_task") is True,
        route.get("batchable") is True,
        _optional_text(route.get("doc") or route.get("description"), f"{where}.doc"),
        _object(given.get("$defs", {}), f"{where}.input.$defs"),
    )


def _parameters(given: Schema, where: str) -> Iterator[Parameter]:
    required = given.get("required", [])
    names = {_text(name, f"{where}.input.required") for name in _list(required, f"{where}.input.required")}
    properties = _object(given.get("properties", {}), f"{where}.input.properties")
    for name, value in properties.items():
        schema = _object(value, f"{where}.input.properties.{name}")
        _text(name, f"{where}.input.properties")
        yield Parameter(name, schema, name in names, schema.get("default"), *_files(schema))


def _files(schema: Schema) -> tuple[bool, bool]:
    inner = unwrapped(schema)
    many = inner.get("type") == "array"
    return file_schema(inner).get("type") == "file", many and file_schema(inner).get("type") == "file"


def file_schema(schema: Schema) -> Schema:
    """The schema of the file in that of an optional file or a list of files."""
    inner = unwrapped(schema)
    items = inner.get("items")
    return unwrapped(items) if inner.get("type") == "array" and isinstance(items, dict) else inner


def is_image(schema: Schema) -> bool:
    """Whether a file is a ``PIL.Image`` in the Service, not only a file of a type such as ``image/png``."""
    # BentoML 1.2 sends no "pil", but no "content_type" with such an image either.
    return bool(schema.get("pil")) or (schema.get("format") == "image" and "content_type" not in schema)


def unwrapped(schema: Schema) -> Schema:
    """The schema ``X`` of ``Optional[X]``; any other schema unchanged."""
    members = schema.get("anyOf")
    if isinstance(members, list):
        rest = [member for member in members if isinstance(member, dict) and member.get("type") != "null"]
        if len(rest) == 1:
            return rest[0]
    return schema


def _kind(schema: Schema) -> Kind:
    inner = unwrapped(schema)
    kind = inner.get("type")
    if kind == "file":
        return Kind.IMAGE if is_image(inner) else Kind.FILE
    if schema.get("is_stream") and "media_type" in schema and _is_annotated_generator(schema):
        return Kind.EITHER
    if kind == "string" and inner is schema:
        return Kind.BYTES if schema.get("format") == "binary" else Kind.TEXT
    return Kind.EITHER if _may_be_text(schema) else Kind.JSON


def _is_annotated_generator(schema: Schema) -> bool:
    # Annotated[Generator[str, None, None], ContentType(...)] has the schema of a list of str, but streams bare text.
    items = schema.get("items")
    if schema.get("type") != "array" or "uniqueItems" in schema or "maxItems" in schema:
        return False
    return isinstance(items, dict) and items.get("type") == "string"


def _may_be_text(schema: Schema) -> bool:
    return any(_is_text(member) for member in members(schema, schema.get("$defs")))


def _is_text(schema: Schema) -> bool:
    if "$ref" in schema:  # to a definition that is missing
        return True
    kind = schema.get("type", "string")
    return isinstance(kind, (str, list)) and "string" in kind and "properties" not in schema


_NODES: Final = ("items", "additionalProperties")
_LISTS: Final = ("anyOf", "oneOf", "allOf", "prefixItems")
_MAPS: Final = ("properties", "$defs")
_DEEPEST: Final = 100  # far above that of any Service, far below Python's recursion limit
_MOST_NODES: Final = 500_000  # far above that of any Service


def walk(schema: Schema) -> Iterator[Schema]:
    """A schema and every schema inside it.

    Raises:
        SchemaError: they are nested too deeply, or too many.
    """
    pending, seen = [(schema, 0)], 0
    while pending:
        node, depth = pending.pop()
        seen += 1
        if seen > _MOST_NODES:
            raise SchemaError(f"it has an endpoint of more than {_MOST_NODES} schemas")
        if depth > _DEEPEST:
            raise SchemaError("it is nested too deeply")
        yield node
        inner = [node.get(key) for key in _NODES]
        for key in _LISTS:
            members = node.get(key)
            inner += members if isinstance(members, list) else ()
        for key in _MAPS:
            named = node.get(key)
            inner += named.values() if isinstance(named, dict) else ()
        pending += [(member, depth + 1) for member in inner if isinstance(member, dict)]


def has_arrays(schema: Schema) -> bool:
    """Whether the schema has a tensor or a data frame in it."""
    return any(node.get("type") in ("tensor", "dataframe") for node in walk(schema))


def _check(schema: Schema, where: str) -> None:
    """Refuse a schema that later code could not use, so that it need not check again."""
    _object(schema.get("properties", {}), f"{where}: properties")
    for key in ("anyOf", "prefixItems", "required"):
        _list(schema.get(key, []), f"{where}: {key}")
    if not isinstance(schema.get("type", ""), (str, list)):
        raise SchemaError(f"{where}: type is not a string")
    content_type = schema.get("content_type")
    if isinstance(content_type, str) and not (content_type.isascii() and content_type.isprintable()):
        raise SchemaError(f"{where}: content_type is not valid in a header field: {content_type[:100]!r}")


def _object(value: JSON, where: str) -> Schema:
    if not isinstance(value, dict):
        raise SchemaError(f"{where} is not an object")
    return value


def _list(value: JSON, where: str) -> list[JSON]:
    if not isinstance(value, list):
        raise SchemaError(f"{where} is not an array")
    return value


def _text(value: JSON, where: str) -> str:
    if not isinstance(value, str):
        raise SchemaError(f"{where} is not a string")
    if not is_unicode(value):
        raise SchemaError(f"{where} is not valid Unicode")
    return value


def _optional_text(value: JSON, where: str) -> str | None:
    return None if value is None else _text(value, where)
