"""The signature of an endpoint, made from its schema."""

from __future__ import annotations

from keyword import iskeyword
from typing import TYPE_CHECKING, TypeVar

from bento_proto import schema

from ._annotations import Annotations, Real, Written
from ._service import Endpoint, Parameter, Schema

if TYPE_CHECKING:
    import inspect

T = TypeVar("T")


def signature_of(endpoint: Endpoint) -> schema.Signature:
    """The signature of an endpoint, with strings as annotations.

    Parameters whose names are not identifiers can only be given by ``**``: the signature has ``**kwargs`` for them.
    A required parameter after one with a default is keyword-only, as it must be in the Service.
    """
    return _signature(endpoint, Written())


def typed_signature_of(endpoint: Endpoint) -> inspect.Signature:
    """The signature of an endpoint, with types as annotations; `object` for those of a package that is missing."""
    return _signature(endpoint, Real())


def _signature(endpoint: Endpoint, types: Annotations[T]) -> inspect.Signature:
    import inspect  # slow to import, and signatures are rarely needed

    kinds = inspect.Parameter
    found: list[inspect.Parameter] = []
    keyword_only = False
    unnamed = False
    for parameter in endpoint.parameters:
        if endpoint.root_input:
            note = types.annotation(parameter.schema, endpoint.definitions)
            found.append(kinds("value", kinds.POSITIONAL_ONLY, annotation=note))
        elif parameter.is_variadic and parameter.name == "args" and not keyword_only:
            items = parameter.schema.get("items")
            note = types.annotation(items if isinstance(items, dict) else {}, endpoint.definitions)
            found.append(kinds("args", kinds.VAR_POSITIONAL, annotation=note))
            keyword_only = True
        elif is_unnamed(parameter):
            unnamed = True
        else:
            keyword_only = keyword_only or (parameter.required and _has_default(found))
            kind = kinds.KEYWORD_ONLY if keyword_only else kinds.POSITIONAL_OR_KEYWORD
            default: object = kinds.empty if parameter.required else parameter.default
            note = input_annotation(parameter, endpoint, types)
            found.append(kinds(parameter.name, kind, default=default, annotation=note))
    for name in endpoint.path_parameters:
        if name.isidentifier() and not iskeyword(name):
            note = types.union([types.named("str"), types.named("int")])
            found.append(kinds(name, kinds.KEYWORD_ONLY, annotation=note))
        else:
            unnamed = True
    if unnamed:
        name = "kwargs"
        while any(parameter.name == name for parameter in found):
            name = "_" + name
        found.append(kinds(name, kinds.VAR_KEYWORD, annotation=types.named("object")))
    return inspect.Signature(found, return_annotation=types.result(endpoint.output))


def input_annotation(parameter: Parameter, endpoint: Endpoint, types: Annotations[T]) -> T:
    """The type of a parameter: None too, where that is the default."""
    found = types.annotation(parameter.schema, endpoint.definitions)
    if parameter.required or parameter.default is not None or _takes_none(parameter.schema):
        return found
    return types.union([found, types.named("None")])


def _takes_none(schema: Schema) -> bool:
    return Written().annotation(schema, {}).endswith("None")


def is_unnamed(parameter: Parameter) -> bool:
    """Whether a parameter can't be written by its name: it is ``**kwargs``, or its name is no identifier."""
    name = parameter.name
    return (parameter.is_variadic and name == "kwargs") or not name.isidentifier() or iskeyword(name)


def _has_default(found: list[inspect.Parameter]) -> bool:
    return any(parameter.default is not parameter.empty for parameter in found[-1:])
