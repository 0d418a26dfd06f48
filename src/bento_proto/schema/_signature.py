"""The signature of an endpoint, made from its schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from bento_proto import schema
from bento_proto._text import is_identifier

from ._annotations import Annotations
from ._service import Endpoint, Parameter
from ._words import Words

if TYPE_CHECKING:
    import inspect


class _Types(Protocol):
    def argument(self, endpoint: Endpoint, parameter: Parameter) -> object: ...
    def items(self, endpoint: Endpoint, parameter: Parameter) -> object: ...
    def in_path(self, convertor: str) -> object: ...
    def result(self, endpoint: Endpoint) -> object: ...


def signature_of(endpoint: Endpoint) -> schema.Signature:
    """The signature of an endpoint, with strings as annotations: what is accepted, and what comes back.

    Parameters whose names are not identifiers can only be given by ``**``: the signature has ``**kwargs`` for them.
    A required parameter after one with a default is keyword-only, as it must be in the Service.
    """
    return _signature(endpoint, Words([endpoint]), "object")


def typed_signature_of(endpoint: Endpoint) -> inspect.Signature:
    """The signature of an endpoint, with types as annotations; `object` for those of a package that is missing."""
    return _signature(endpoint, Annotations(), object)


def _signature(endpoint: Endpoint, types: _Types, anything: object) -> inspect.Signature:
    import inspect  # slow to import, and signatures are rarely needed

    kinds = inspect.Parameter
    found: list[inspect.Parameter] = []
    keyword_only = False
    unnamed: list[object] = []  # the types of what only ** takes
    for parameter in endpoint.parameters:
        if endpoint.root_input:
            found.append(kinds("value", kinds.POSITIONAL_ONLY, annotation=types.argument(endpoint, parameter)))
        elif parameter.is_variadic and parameter.name == "args" and not keyword_only:
            found.append(kinds("args", kinds.VAR_POSITIONAL, annotation=types.items(endpoint, parameter)))
            keyword_only = True
        elif is_unnamed(parameter):
            unnamed.append(types.items(endpoint, parameter) if parameter.is_variadic else anything)
        else:
            keyword_only = keyword_only or (parameter.required and _has_default(found))
            kind = kinds.KEYWORD_ONLY if keyword_only else kinds.POSITIONAL_OR_KEYWORD
            default: object = kinds.empty if parameter.required else parameter.default
            note = types.argument(endpoint, parameter)
            found.append(kinds(parameter.name, kind, default=default, annotation=note))
    for name, convertor in endpoint.path_parameters.items():
        if is_identifier(name):
            found.append(kinds(name, kinds.KEYWORD_ONLY, annotation=types.in_path(convertor)))
        else:
            unnamed.append(anything)
    if unnamed:
        name = "kwargs"
        while any(parameter.name == name for parameter in found):
            name = "_" + name
        found.append(kinds(name, kinds.VAR_KEYWORD, annotation=unnamed[0] if len(unnamed) == 1 else anything))
    return inspect.Signature(found, return_annotation=types.result(endpoint))


def is_unnamed(parameter: Parameter) -> bool:
    """Whether a parameter can't be written by its name: it is ``**kwargs``, or its name is no identifier."""
    name = parameter.name
    return (parameter.is_variadic and name == "kwargs") or not is_identifier(name)


def _has_default(found: list[inspect.Parameter]) -> bool:
    return any(parameter.default is not parameter.empty for parameter in found[-1:])
