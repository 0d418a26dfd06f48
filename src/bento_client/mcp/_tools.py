"""Endpoints as tools: names, descriptions, JSON Schemas, and arguments. Pure."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias, cast

from bento_proto import File, InvalidArgument
from bento_proto.observe import printable

if TYPE_CHECKING:
    from bento_proto import JSON, Endpoint
    from bento_proto.schema import Schema

    JSONObject = dict[str, JSON]

_NAME: Final = re.compile(r"[^A-Za-z0-9_.-]")
_LONGEST_NAME: Final = 64  # some assistants take no longer ones
_URL: Final = re.compile(r"https?://", re.IGNORECASE)
_INPUT: Final = "input"  # the argument of an endpoint whose one argument has no name
_CONVERTORS: Final[Mapping[str, JSON]] = {"int": "integer", "float": "number"}
_FILE: Final = "file"
_TEXTS: Final = ("title", "description", "$comment")  # what models read of a schema, beside its values
_INNER: Final = (
    "items", "additionalProperties", "anyOf", "oneOf", "allOf", "prefixItems", "properties", "not",
)  # fmt: skip


Arguments: TypeAlias = tuple[Sequence[object], Mapping[str, object]]
"""The arguments of a call: those by position and those by name."""


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool for one endpoint.

    Attributes:
        name: its name: that of the endpoint, where it is one that tools may have.
        endpoint: the endpoint.
        description: what the schema says of the endpoint.
        input_schema: the JSON Schema of its arguments, an object.
    """

    name: str
    endpoint: Endpoint
    description: str
    input_schema: Mapping[str, JSON]


def tools_of(endpoints: Iterable[Endpoint], *, with_paths: bool = False) -> dict[str, ToolSpec]:
    """The tools for endpoints, by their names.

    Args:
        endpoints: the endpoints.
        with_paths: whether files can be given by a path.
    """
    found: dict[str, ToolSpec] = {}
    for endpoint in endpoints:
        plain = _NAME.sub("_", endpoint.name)[:_LONGEST_NAME] or "_"
        name, number = plain, 1
        while name in found:
            number += 1
            name = f"{plain[: _LONGEST_NAME - 4]}_{number}"
        found[name] = ToolSpec(name, endpoint, _description(endpoint), _input_schema(endpoint, with_paths))
    return found


def _description(endpoint: Endpoint) -> str:
    from inspect import cleandoc

    lines = [cleandoc(endpoint.doc or f"Call the endpoint {endpoint.name} of a machine learning service.")]
    if endpoint.is_task:
        lines.append("It runs in the background; the result comes when it is completed.")
    return printable("\n\n".join(lines))


def _input_schema(endpoint: Endpoint, with_paths: bool) -> JSONObject:
    properties: JSONObject = {
        name: {"type": _CONVERTORS.get(convertor, "string")} for name, convertor in endpoint.path_parameters.items()
    }
    required: list[JSON] = list(properties)
    for parameter in endpoint.root_fields or endpoint.parameters:
        properties[parameter.name or _INPUT] = _plain(parameter.schema, with_paths)
        if parameter.required and not parameter.is_variadic:
            required.append(parameter.name or _INPUT)
    schema: JSONObject = {"type": "object", "properties": properties, "required": required}
    if endpoint.definitions:
        schema["$defs"] = {
            name: _plain(cast("Schema", value), with_paths) for name, value in endpoint.definitions.items()
        }
    return schema


def _plain(schema: Schema, with_paths: bool) -> JSONObject:
    """A schema without BentoML's extensions: as JSON Schema, which assistants know."""
    schema = {**schema, **{name: printable(text) for name in _TEXTS if isinstance(text := schema.get(name), str)}}
    kind = schema.get("type")
    kept: JSONObject = {name: schema[name] for name in ("title", "description", "default") if name in schema}
    if kind == "file":
        return {**kept, **_file_schema(schema, with_paths)}
    if kind == "tensor":
        return {**kept, "type": ["array", "number"], **_noted(kept, f"A tensor as nested lists{_facts(schema)}.")}
    if kind == "dataframe":
        return {**kept, "type": ["array", "object"], **_noted(kept, "A table as a list of records.")}
    if kind == "string" and schema.get("format") == "binary":
        return {**kept, "type": "string", "contentEncoding": "base64", **_noted(kept, "Bytes, in base64.")}
    plain: JSONObject = dict(schema)
    for name in _INNER:
        inner = plain.get(name)
        if name == "properties" and isinstance(inner, dict):
            plain[name] = {key: _inner(value, with_paths) for key, value in inner.items()}
        elif isinstance(inner, list):
            plain[name] = [_inner(value, with_paths) for value in inner]
        elif inner is not None:
            plain[name] = _inner(inner, with_paths)
    for name in ("$defs", "root_input", "is_stream", "media_type", "dim", "pil", "orient"):
        plain.pop(name, None)
    return plain


def _inner(value: JSON, with_paths: bool) -> JSON:
    return _plain(value, with_paths) if isinstance(value, dict) else value


def _noted(kept: Mapping[str, JSON], text: str) -> JSONObject:
    return {"description": " ".join((*(str(kept[name]) for name in ("description",) if name in kept), text))}


def _facts(schema: Schema) -> str:
    facts = [printable(f"{name} {schema[name]}") for name in ("dtype", "shape") if schema.get(name) is not None]
    return f" ({', '.join(facts)})" if facts else ""


def _file_schema(schema: Schema, with_paths: bool) -> JSONObject:
    kind = "An image" if schema.get("format") == "image" else "A file"
    ways = "`data` in base64, or the `url` of it, which the service fetches"
    properties: JSONObject = {
        "data": {"type": "string", "contentEncoding": "base64"},
        "url": {"type": "string", "format": "uri"},
        "name": {"type": "string", "description": "The file's name."},
        "mimeType": {"type": "string"},
    }
    if with_paths:
        ways += ", or the `path` of a file on this machine"
        properties["path"] = {"type": "string"}
    return {"type": "object", "properties": properties, **_noted(schema, f"{kind}: {ways}.")}


def arguments_of(
    endpoint: Endpoint, given: Mapping[str, JSON], open_path: Callable[[str], object] | None = None
) -> Arguments:
    """The arguments of a call, from those of a tool: by position, and by name.

    Args:
        endpoint: the endpoint.
        given: the tool's arguments.
        open_path: gives the file at a path; None if paths are refused.

    Raises:
        InvalidArgument: a file is given in another way than the tool's schema says.
    """
    args: list[object] = []
    kwargs: dict[str, object] = dict(given)
    for parameter in endpoint.root_fields or endpoint.parameters:
        name = parameter.name or _INPUT
        if name not in kwargs:
            continue
        value = kwargs[name]
        if parameter.is_file and parameter.many and isinstance(value, list):
            value = [_file(name, one, open_path) for one in cast("list[object]", value)]
        elif parameter.is_file and value is not None:
            value = _file(name, value, open_path)
        elif parameter.schema.get("type") == "string" and parameter.schema.get("format") == "binary":
            value = _bytes(name, value)
        kwargs[name] = value
        if not parameter.name:
            args.append(kwargs.pop(name))
        elif parameter.is_variadic and isinstance(value, list):
            args += cast("list[object]", kwargs.pop(name))
        elif parameter.is_variadic and isinstance(value, dict):
            kwargs.pop(name)
            kwargs.update(cast("dict[str, object]", value))
    return args, kwargs


def _file(name: str, value: object, open_path: Callable[[str], object] | None) -> object:
    given = cast("dict[str, object]", value) if isinstance(value, dict) else {}
    data, url, path, file_name = (given.get(key) for key in ("data", "url", "path", "name"))
    if isinstance(url, str) and _URL.match(url):
        return url
    if isinstance(path, str) and open_path is not None:
        return open_path(path)
    if isinstance(data, str):
        kind = given.get("mimeType")
        return File(
            _bytes(name, data),
            file_name if isinstance(file_name, str) else None,
            kind if isinstance(kind, str) else None,
        )
    ways = "data (base64) or url (http or https)" + ("" if open_path is None else ", or path")
    raise InvalidArgument(f"{name} is a {_FILE}: an object with {ways}")


def _bytes(name: str, value: object) -> bytes:
    try:
        return base64.b64decode(str(value), validate=True)
    except (binascii.Error, ValueError):
        raise InvalidArgument(f"{name} is not in base64") from None
