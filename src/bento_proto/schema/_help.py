"""What a person reads of an endpoint: its docstring, its help, and an example of a call."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Final, cast

from bento_proto._text import LONGEST, is_identifier, one_line, printable

from ._annotations import literals
from ._examples import discriminator, example
from ._naming import ALIAS, RESERVED
from ._references import members, resolved
from ._service import Endpoint, Parameter, Schema, file_schema, is_image, unwrapped, walk
from ._signature import is_unnamed
from ._words import Words, named_in

_MOST_LINES: Final = 200  # of arguments and their fields
_DEEPEST: Final = 4  # fields of fields of ...
_MOST_VALUES: Final = 50  # of an enum
_LARGE: Final = 1000  # elements of an array that an example does not write out
_FEW: Final = 16
_WORDS: Final[Mapping[str, str]] = {
    "FileInput": "A FileInput is a pathlib.Path, bytes, or an open binary file; text is taken for a URL.",
    "TensorInput": "A TensorInput is an array of NumPy, torch, TensorFlow ..., or numbers in nested lists.",
    "FrameInput": "A FrameInput is a pandas or polars frame, its rows, or its columns by name.",
    "ModelInput": "A ModelInput is a pydantic model, or an instance of an attrs, msgspec or data class.",
}
_INDENT: Final = "    "


def docstring_of(endpoint: Endpoint) -> str:
    """The docstring of an endpoint: its description and those of its parameters, as far as the schema has them."""
    lines = [endpoint.doc or f"Call the endpoint ``{endpoint.name}`` of the Service."]
    notes = list(_notes(endpoint))
    if notes:
        lines += ["", "Args:", *notes]
    if endpoint.is_task:
        lines += ["", "This is a task: ``.submit(...)`` queues it and returns a handle."]
    return printable("\n".join(lines))


def help_of(endpoint: Endpoint, *, awaited: bool = False) -> str:
    """The help on an endpoint: what its schema says of it, and an example of a call.

    Args:
        endpoint: the endpoint.
        awaited: whether it is called by an async client.
    """
    from inspect import cleandoc

    lines = [cleandoc(endpoint.doc or f"Call the endpoint ``{endpoint.name}`` of the Service.")]
    for title, found in (("Args:", arguments_of(endpoint)), ("Returns:", returns_of(endpoint))):
        if found:
            lines += ["", title, *(_INDENT + line for line in found)]
    text = "\n".join(lines)
    lines += [line for word, explained in _WORDS.items() if word in text for line in ("", explained)]
    if endpoint.is_task:
        lines += ["", "This is a task: ``.submit(...)`` queues it and returns a handle."]
    call = example_of(endpoint, awaited=awaited)
    if call:
        lines += ["", "Example:", *(_INDENT + line for line in call)]
    return printable("\n".join(lines))


def _notes(endpoint: Endpoint) -> Iterator[str]:
    for parameter in endpoint.parameters:
        description = parameter.schema.get("description")
        wanted = file_schema(parameter.schema).get("content_type")
        told = [text for text in (description, f"a file of type {wanted}" if wanted else None) if isinstance(text, str)]
        if told:
            yield f"    {parameter.name or 'value'}: {'; '.join(told)}"


# --- arguments and results, a line for each


def arguments_of(endpoint: Endpoint) -> Sequence[str]:
    """A line for each argument, with its type, default, limits and description; below it, indented, its fields."""
    return _cut(_arguments(endpoint))


def returns_of(endpoint: Endpoint) -> Sequence[str]:
    """The type of the result and, indented, its fields; nothing if the signature says as much."""
    output = endpoint.output
    text = Words([endpoint]).result(endpoint)
    limits = ", ".join(_limits(unwrapped(output.schema)))
    first = text + (f", {limits}" if limits else "") + _described(output.schema)
    found = _cut([first, *islice(_Fields(endpoint, given=False).lines(output.schema), _MOST_LINES)])
    return [] if found == [text] else found


def _cut(lines: Iterable[str]) -> list[str]:
    found = [line if len(line) <= LONGEST else line[:LONGEST] + "..." for line in islice(lines, _MOST_LINES + 1)]
    return [*found[:_MOST_LINES], "..."] if len(found) > _MOST_LINES else found


def _arguments(endpoint: Endpoint) -> Iterator[str]:
    words, fields = Words([endpoint]), _Fields(endpoint, given=True)
    for parameter in endpoint.parameters:
        name, schema = parameter.name, parameter.schema
        if parameter.is_variadic and not endpoint.root_input:
            stars = "*" if name == "args" else "**"
            yield _line(stars + name, [words.items(endpoint, parameter), "any number"], schema)
        else:
            facts = [words.argument(endpoint, parameter), *_facts(schema, parameter.required)]
            yield _line("value" if endpoint.root_input else name, facts, schema)
        yield from fields.lines(schema)
    for name, convertor in endpoint.path_parameters.items():
        yield _line(name, [words.in_path(convertor), "required", "part of the path"], {})


_EXAMPLES_IN_PATH: Final[Mapping[str, object]] = {
    "int": 1, "float": 1.5, "uuid": "00000000-0000-0000-0000-000000000001",
}  # fmt: skip


class _Fields:
    """The lines for the fields of models.

    Args:
        endpoint: the endpoint.
        given: whether the models are arguments; otherwise they are results.
    """

    def __init__(self, endpoint: Endpoint, *, given: bool) -> None:
        self._endpoint = endpoint
        self._given = given
        self._known = named_in(endpoint)
        self._words = Words([endpoint])

    def lines(self, schema: Schema, depth: int = 1) -> Iterator[str]:
        """A line for each field of the models in a schema, and of those in them."""
        if depth > _DEEPEST:
            return
        models, unknown = list(_models(schema, self._known)), _unknown(schema, self._known)
        several = len(models) + len(unknown) > 1
        for model in models:
            indent = _INDENT * depth
            if several:
                yield f"{indent}either {one_line(str(model.get('title', 'a dict')))}, with"
                indent += _INDENT
            properties, required = model.get("properties"), model.get("required")
            for name, field in properties.items() if isinstance(properties, dict) else ():
                if isinstance(field, dict):
                    target = {**resolved(field, dict(self._known)), **field}
                    is_required = isinstance(required, list) and name in required
                    text = self._words.field(self._endpoint, field, required=is_required, given=self._given)
                    yield indent + _line(name, [text, *_facts(target, is_required)], target)
                    yield from self.lines(field, depth + 1 + several)
        if several:
            yield from (
                f"{_INDENT * depth}or {one_line(name)}, whose fields the schema does not say" for name in unknown
            )


def _models(schema: Schema, known: Schema) -> Iterator[Schema]:
    """The models that values of a schema have in them: themselves, or as items or values; each once."""
    definitions, seen, left = dict(known), set[int](), [(schema, 0)]
    while left:
        inner: list[Schema] = []
        outer, depth = left.pop()
        for member in members(outer, definitions):
            if id(member) in seen:
                continue
            seen.add(id(member))
            if member.get("properties"):
                yield member
            elif depth < _DEEPEST:
                found = (member.get(key) for key in ("items", "additionalProperties"))
                inner += [each for each in found if isinstance(each, dict)]
        left += [(each, depth + 1) for each in reversed(inner)]


def _unknown(schema: Schema, known: Schema) -> list[str]:
    """The names of members of a union whose definitions are missing, as BentoML may leave them out."""
    references = [member["$ref"] for member in members(schema, dict(known)) if "$ref" in member]
    return [reference.rpartition("/")[2] for reference in references if isinstance(reference, str)]


def _line(name: str, facts: Iterable[str], schema: Schema) -> str:
    return f"{one_line(name)} ({', '.join(facts)})" + _described(schema)


def _described(schema: Schema) -> str:
    description = schema.get("description")
    return f": {one_line(description)}" if isinstance(description, str) and description.strip() else ""


def _facts(schema: Schema, required: bool) -> Iterator[str]:
    if required:
        yield "required"
    elif "default" in schema:
        yield f"default {one_line(repr(schema['default']), 200)}"
    else:
        yield "optional"
    yield from _limits(unwrapped(schema))
    examples = schema.get("examples")
    if isinstance(examples, list) and examples:
        yield f"for example {one_line(repr(examples[0]), 200)}"


def _limits(schema: Schema) -> Iterator[str]:
    """What values must be beside their type."""
    values = () if literals(schema) else schema.get("enum")
    if isinstance(values, list):
        more = ", ..." if len(values) > _MOST_VALUES else ""
        yield f"one of {one_line(', '.join(map(repr, values[:_MOST_VALUES])))}{more}"
    for key, text in _RANGES.items():
        value = schema.get(key)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            yield text.format(value)
    yield from _sizes(schema)
    tag, tags = discriminator(schema)
    if tags:
        yield f"its {one_line(tag, 200)} {one_line(' or '.join(map(repr, tags[:_MOST_VALUES])), 200)}"
    for key, text in _TEXTS.items():
        value = schema.get(key)
        if isinstance(value, str) and not (key == "format" and (value in _SAID or schema.get("type") == "file")):
            yield text.format(one_line(value, 200))
    for key, text in _LISTS.items():
        value = schema.get(key)
        if isinstance(value, list):
            yield text.format(one_line(", ".join(map(str, value)), 200))
    items = schema.get("items")
    if isinstance(items, dict) and "properties" not in items:
        each = ", ".join(_limits(unwrapped(items)))
        if each:
            yield f"each {each}"


def _sizes(schema: Schema) -> Iterator[str]:
    for unit, least, most in (("character", "minLength", "maxLength"), ("item", "minItems", "maxItems")):
        low, high = schema.get(least), schema.get(most)
        if isinstance(low, int) and low:
            upper = "" if low == high else f" to {high}"
            yield (
                _counted(f"{low}{upper}", high, unit)
                if isinstance(high, int)
                else _counted(f"at least {low}", low, unit)
            )
        elif isinstance(high, int):
            yield _counted(f"at most {high}", high, unit)
    if schema.get("uniqueItems") is True:
        yield "no item twice"


def _counted(text: str, number: int, unit: str) -> str:
    return f"{text} {unit}" if number == 1 else f"{text} {unit}s"


_SAID: Final = ("binary", "numpy-array")  # by the type
_RANGES: Final = {
    "minimum": "at least {}", "exclusiveMinimum": "above {}", "maximum": "at most {}", "exclusiveMaximum": "below {}",
    "multipleOf": "a multiple of {}",
}  # fmt: skip
_TEXTS: Final = {
    "pattern": "matching {}", "format": "format {}", "content_type": "of type {}", "dtype": "dtype {}",
}  # fmt: skip
_LISTS: Final = {"shape": "shape ({})", "columns": "columns {}"}


# --- an example


def example_of(endpoint: Endpoint, *, awaited: bool = False) -> Sequence[str]:
    """The lines of Python that call an endpoint with valid arguments; nothing if the arguments would be long.

    Args:
        endpoint: the endpoint.
        awaited: whether it is called by an async client.
    """
    imports: list[str] = []
    given = _given(endpoint, imports)
    if given is None:
        return ()
    arguments = ", ".join(given)
    name = endpoint.name
    attribute = ALIAS + name if name.startswith("_") or name in RESERVED else name
    if not is_identifier(attribute):
        call = f"client.call({', '.join([repr(name), *given])})"
    elif endpoint.is_task:
        call = f"client.{attribute}.submit({arguments})"
    else:
        call = f"client.{attribute}({arguments})"
    wait = "await " if awaited else ""
    if endpoint.output.is_stream:
        lines = [f"{'async ' if awaited else ''}for item in {call}:", f"{_INDENT}print(item)"]
    elif endpoint.is_task and call.startswith(f"client.{attribute}."):
        lines = [f"task = {wait}{call}", f"result = {wait}task.result()"]
    else:
        lines = [f"result = {wait}{call}"]
    return () if any(len(line) > LONGEST for line in lines) else (*dict.fromkeys(imports), *lines)


def _given(endpoint: Endpoint, imports: list[str]) -> list[str] | None:
    """The arguments that must be given, as they are written; None if one can't be."""
    positional: list[str] = []
    named: list[str] = []
    unnamed: list[str] = []
    has_args = any(parameter.is_variadic and parameter.name == "args" for parameter in endpoint.parameters)
    for parameter in endpoint.parameters:
        if not parameter.required:
            has_args = has_args and bool(positional)  # one before *args can't be left out
            continue
        schema = parameter.schema
        if parameter.is_variadic and parameter.name == "kwargs":
            continue
        if parameter.is_variadic:
            items = schema.get("items")
            schema = items if isinstance(items, dict) else {}
        text = _written(schema, endpoint, imports)
        if text is None:
            return None
        if endpoint.root_input or parameter.is_variadic or has_args:
            positional += [text] if has_args or not parameter.is_variadic else []
            has_args = has_args and not parameter.is_variadic
        elif is_unnamed(parameter):
            unnamed.append(f"{parameter.name!r}: {text}")
        else:
            named.append(f"{parameter.name}={text}")
    for name, convertor in endpoint.path_parameters.items():
        text = repr(_EXAMPLES_IN_PATH.get(convertor, "1"))
        if is_identifier(name):
            named.append(f"{name}={text}")
        else:
            unnamed.append(f"{name!r}: {text}")
    return positional + named + ([f"**{{{', '.join(unnamed)}}}"] if unnamed else [])


def example_value(parameter: Parameter, endpoint: Endpoint) -> object:
    """A valid value of a parameter that is no file; None if it would be large."""
    if any(_size(node) > _LARGE for node in walk(parameter.schema)):
        return None
    return _written_out(example(unwrapped(parameter.schema), named_in(endpoint), full=False))


def _written(schema: Schema, endpoint: Endpoint, imports: list[str]) -> str | None:
    """A valid value as an expression of Python; None if it would be long."""
    inner = unwrapped(schema)
    shape = inner.get("shape")
    if inner.get("type") == "tensor" and isinstance(shape, list) and "examples" not in inner and _size(inner) > _FEW:
        imports.append("import numpy")
        kind = inner.get("dtype")
        of = f", {kind!r}" if isinstance(kind, str) and kind.isalnum() else ""
        sizes = [size if isinstance(size, int) and size >= 0 else 1 for size in shape]
        return f"numpy.zeros({sizes}{of})"
    file = file_schema(schema)
    if file.get("type") == "file":
        text = "b'content'"
        if is_image(file) or str(file.get("content_type")).startswith("image/"):
            imports.append("from PIL import Image")
            text = "Image.new('RGB', (64, 64))"
        return f"[{text}]" if inner.get("type") == "array" else text
    if any(_size(node) > _LARGE for node in walk(inner)):
        return None
    return repr(_written_out(example(inner, named_in(endpoint), full=False)))


def _size(schema: Schema) -> int:
    """How many elements an array has by its shape; 0 if it is none."""
    shape = schema.get("shape") if schema.get("type") == "tensor" else None
    return math.prod(abs(size) for size in shape if isinstance(size, int)) if isinstance(shape, list) else 0


def _written_out(value: object) -> object:
    """The value without floats that have no literal."""
    if isinstance(value, float) and not math.isfinite(value):
        return 0.0
    if isinstance(value, dict):
        return {key: _written_out(item) for key, item in cast("dict[str, object]", value).items()}
    return [_written_out(item) for item in cast("list[object]", value)] if isinstance(value, list) else value
