"""The signature and the docstring of an endpoint, made from its schema."""

from __future__ import annotations

import builtins
from collections.abc import Iterator, Mapping
from importlib import import_module
from keyword import iskeyword
from types import SimpleNamespace
from typing import TYPE_CHECKING, Final, cast

from bento_proto import schema
from bento_proto._text import printable

from ._service import Endpoint, Kind, Output, Parameter, Schema, file_schema, is_image, unwrapped

if TYPE_CHECKING:
    import inspect

_SCALARS: Final[Mapping[str, str]] = {
    "string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None",
    "tensor": "numpy.ndarray", "dataframe": "pandas.DataFrame", "file": "pathlib.Path",
}  # fmt: skip


def signature_of(endpoint: Endpoint) -> schema.Signature:
    """The signature of an endpoint, with strings as annotations.

    Parameters whose names are not identifiers can only be given by ``**``: the signature has ``**kwargs`` for them.
    A required parameter after one with a default is keyword-only, as it must be in the Service.
    """
    import inspect  # slow to import, and signatures are rarely needed

    kinds = inspect.Parameter
    found: list[inspect.Parameter] = []
    keyword_only = False
    unnamed = False
    for parameter in endpoint.parameters:
        if endpoint.root_input:
            found.append(kinds("value", kinds.POSITIONAL_ONLY, annotation=annotation(parameter.schema)))
        elif parameter.is_variadic and parameter.name == "args" and not keyword_only:
            items = parameter.schema.get("items")
            note = annotation(items if isinstance(items, dict) else {})
            found.append(kinds("args", kinds.VAR_POSITIONAL, annotation=note))
            keyword_only = True
        elif _is_unnamed(parameter):
            unnamed = True
        else:
            keyword_only = keyword_only or (parameter.required and _has_default(found))
            kind = kinds.KEYWORD_ONLY if keyword_only else kinds.POSITIONAL_OR_KEYWORD
            default: object = kinds.empty if parameter.required else parameter.default
            found.append(kinds(parameter.name, kind, default=default, annotation=_input(parameter)))
    for name in endpoint.path_parameters:
        if name.isidentifier() and not iskeyword(name):
            found.append(kinds(name, kinds.KEYWORD_ONLY, annotation="str | int"))
        else:
            unnamed = True
    if unnamed:
        name = "kwargs"
        while any(parameter.name == name for parameter in found):
            name = "_" + name
        found.append(kinds(name, kinds.VAR_KEYWORD, annotation="object"))
    return inspect.Signature(found, return_annotation=result_annotation(endpoint.output))


def typed_signature_of(endpoint: Endpoint) -> inspect.Signature:
    """The signature of an endpoint, with types as annotations; `object` for those of a package that is missing."""
    found = signature_of(endpoint)
    names = _Names()
    return found.replace(
        parameters=[each.replace(annotation=_evaluated(each.annotation, names)) for each in found.parameters.values()],
        return_annotation=_evaluated(found.return_annotation, names),
    )


class _Names(dict[str, object]):
    """What the annotations of a signature name: builtins, and packages that are imported for it."""

    def __missing__(self, name: str) -> object:
        found: object
        if name == "Iterator":
            found = Iterator
        elif hasattr(builtins, name):
            found = getattr(builtins, name)
        else:
            try:
                found = import_module(name)
                if name == "PIL":
                    import_module("PIL.Image")
            except ImportError:
                found = _Missing()
        self[name] = found
        return found


class _Missing:
    """A package that is not installed: what is in it is any object."""

    Image: Final = SimpleNamespace(Image=object)
    ndarray: Final = object
    DataFrame: Final = object


def _evaluated(annotation: str, names: _Names) -> object:
    return cast("object", eval(annotation, {"__builtins__": {}}, names))  # noqa: S307 - a text of this module's own


def _is_unnamed(parameter: Parameter) -> bool:
    name = parameter.name
    return (parameter.is_variadic and name == "kwargs") or not name.isidentifier() or iskeyword(name)


def _has_default(found: list[inspect.Parameter]) -> bool:
    return any(parameter.default is not parameter.empty for parameter in found[-1:])


def _input(parameter: Parameter) -> str:
    text = annotation(parameter.schema)
    nullable = not parameter.required and parameter.default is None and not text.endswith("None")
    return f"{text} | None" if nullable else text


def annotation(schema: Schema) -> str:
    """The Python type of a schema, as a string."""
    inner = unwrapped(schema)
    optional = " | None" if inner is not schema else ""
    if inner.get("type") == "file" and is_image(inner):
        return "PIL.Image.Image" + optional
    kind = inner.get("type")
    if kind == "string" and inner.get("format") == "binary":
        return "bytes" + optional
    if kind == "array":
        items = inner.get("items")
        return (f"list[{annotation(items)}]" if isinstance(items, dict) else "list[object]") + optional
    if kind == "object":
        values = inner.get("additionalProperties")
        return (f"dict[str, {annotation(values)}]" if isinstance(values, dict) else "dict[str, object]") + optional
    return (_SCALARS.get(kind, "object") if isinstance(kind, str) else "object") + optional


def result_annotation(output: Output) -> str:
    """The Python type of a result, as a string; an iterator for a stream."""
    if not output.is_stream:
        return annotation(output.schema)
    if output.kind is not Kind.EITHER:
        return f"Iterator[{annotation(output.schema)}]"
    return f"Iterator[{annotation(output.schema)} | str]" if output.may_be_lists else "Iterator[str]"


def docstring_of(endpoint: Endpoint) -> str:
    """The docstring of an endpoint: its description and those of its parameters, as far as the schema has them."""
    lines = [endpoint.doc or f"Call the endpoint ``{endpoint.name}`` of the Service."]
    notes = list(_notes(endpoint))
    if notes:
        lines += ["", "Args:", *notes]
    if endpoint.is_task:
        lines += ["", "This is a task: ``.submit(...)`` queues it and returns a handle."]
    return printable("\n".join(lines))


def _notes(endpoint: Endpoint) -> Iterator[str]:
    for parameter in endpoint.parameters:
        description = parameter.schema.get("description")
        wanted = file_schema(parameter.schema).get("content_type")
        told = [text for text in (description, f"a file of type {wanted}" if wanted else None) if isinstance(text, str)]
        if told:
            yield f"    {parameter.name or 'value'}: {'; '.join(told)}"
