"""The changes of a Service since a module was generated from it."""

from __future__ import annotations

import ast
import json
from typing import TYPE_CHECKING, Final

from bento_proto import JSON, SchemaError, Service

from ._interface import interface_of
from ._module import SCHEMA, service_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bento_proto.schema import Model

    from ._interface import Argument, Method

# Keywords for people, keywords that only the server checks, and those that are compared separately.
_IGNORED: Final = frozenset(
    {
        "$defs", "default", "deprecated", "description", "examples", "exclusiveMaximum", "exclusiveMinimum",
        "maxItems", "maxLength", "maximum", "minItems", "minLength", "minimum", "multipleOf", "pattern", "required",
        "title",
    }
)  # fmt: skip


def check(service: Service | bytes | JSON, text: str) -> list[str]:
    """List what has changed in a Service since a module was generated from it.

    It compares what callers depend on: endpoints, arguments, results and models. It ignores descriptions, and limits
    that only the server checks.

    Args:
        service: the current Service, or the content of its ``/schema.json``.
        text: the text of the generated module.

    Returns:
        One line for each change, such as ``summarize: argument 'text': str -> int``.

    Raises:
        ValueError: the text is not a module that `generate` wrote.
        SchemaError: the schema is malformed.
    """
    return list(_changes(_schema_in(text), service_of(service)))


def _schema_in(text: str) -> Service:
    try:
        for node in ast.parse(text).body:
            if isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == [SCHEMA]:
                value: object = ast.literal_eval(node.value)
                if isinstance(value, bytes):
                    return service_of(value)
    except (SchemaError, SyntaxError, ValueError) as exc:
        raise ValueError(f"this is not a generated module: {exc}") from exc
    raise ValueError("this is not a generated module: it contains no schema")


def _changes(before: Service, now: Service) -> Iterator[str]:
    old, new = interface_of(before), interface_of(now)
    in_models = list(_model_changes(old.models, new.models))
    for name in sorted({*old.methods, *new.methods}):
        if name not in new.methods:
            yield f"{name}: the endpoint is gone"
        elif name not in old.methods:
            yield f"{name}: the endpoint is new: {new.methods[name]}"
        else:
            changes = list(_method_changes(old.methods[name], new.methods[name]))
            if not changes and not in_models and _essence(old.methods[name]) != _essence(new.methods[name]):
                changes = ["is described in another way"]
            yield from (f"{name}: {change}" for change in changes)
    yield from in_models


def _method_changes(old: Method, new: Method) -> Iterator[str]:
    if old.endpoint.route != new.endpoint.route:
        yield f"route: {old.endpoint.route!r} -> {new.endpoint.route!r}"
    if old.attribute != new.attribute:
        yield f"attribute: {old.attribute} -> {new.attribute}"
    if old.decorator != new.decorator:
        yield f"kind: {old.decorator} -> {new.decorator}"
    before, now = _by_name(old), _by_name(new)
    for name in dict.fromkeys([*before, *now]):
        if name not in now:
            yield f"argument {name!r} is gone"
        elif name not in before:
            yield f"argument {name!r} is new: {now[name]}"
        else:
            yield from (f"argument {name!r}: {change}" for change in _argument_changes(before[name], now[name]))
    if [name for name in before if name in now] != [name for name in now if name in before]:
        yield f"order of the arguments: {', '.join(before)} -> {', '.join(now)}"
    if old.result != new.result:
        yield f"result: {old.result} -> {new.result}"


def _by_name(method: Method) -> Mapping[str, Argument]:
    return {argument.name: argument for argument in method.arguments}


def _argument_changes(old: Argument, new: Argument) -> Iterator[str]:
    if old.annotation != new.annotation:
        yield f"{old.annotation} -> {new.annotation}"
    if old.default != new.default:
        yield " -> ".join("required" if each is None else f"default {each}" for each in (old.default, new.default))
    if old.kind != new.kind:
        yield "is given in another way"


def _model_changes(old: Mapping[str, Model], new: Mapping[str, Model]) -> Iterator[str]:
    for name in sorted({*old, *new}):
        before, now = _fields(old.get(name)), _fields(new.get(name))
        for field in dict.fromkeys([*before, *now]):
            if field not in now:
                yield f"{name}.{field} is gone"
            elif field not in before:
                yield f"{name}.{field} is new: {now[field]}"
            elif before[field] != now[field]:
                yield f"{name}.{field}: {before[field]} -> {now[field]}"


def _fields(model: Model | None) -> Mapping[str, str]:
    return {} if model is None else model.fields


def _essence(method: Method) -> str:
    """The part of an endpoint's schema that decides how it is called, beyond its types, as JSON."""
    endpoint = method.endpoint
    essence: JSON = [
        endpoint.root_input,
        {parameter.name: _essential(dict(parameter.schema)) for parameter in endpoint.parameters},
        _essential(dict(endpoint.output.schema)),
    ]
    return json.dumps(essence, sort_keys=True)


def _essential(schema: JSON) -> JSON:
    if isinstance(schema, list):
        return [_essential(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: _essential(value) for key, value in schema.items() if key not in {*_IGNORED, "properties"}}
    properties = schema.get("properties")
    if isinstance(properties, dict):
        found["properties"] = {name: _essential(value) for name, value in properties.items()}
    return found
