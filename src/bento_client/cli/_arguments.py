"""Arguments of a command line as arguments of a call.

An argument is one of::

    key=text        text, converted to the type that the endpoint takes: a number, a boolean, JSON
    key:=JSON       JSON
    key=@PATH       a file; its content as text, where the endpoint takes no file
    key:=@PATH      JSON from a file
    key=@-          the same from standard input
    key=@@text      text that begins with @

and is given by position without ``key=``.
"""

from __future__ import annotations

import json
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

import click

from bento_proto import BentoMLException, File
from bento_proto.json import parse_json
from bento_proto.schema import Parameter

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from bento_proto import JSON, Endpoint
    from bento_proto.schema import Schema

_NAMED: Final = re.compile(r"""(?P<key>[^\s=:@"'{}()[\],]*)(?P<how>:=|=)(?P<text>.*)""", re.DOTALL)
_URL: Final = re.compile(r"https?://", re.IGNORECASE)
_BOOLEANS: Final[Mapping[str, bool]] = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
# The JSON types of each kind of structure; a "model" is a reference, which is not resolved.
_STRUCTURES: Final[Mapping[str, tuple[type, ...]]] = {
    "array": (list,), "object": (dict,), "model": (dict, list), "dataframe": (dict, list), "tensor": (list, int, float),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Arguments:
    """The arguments of a call.

    Attributes:
        args: those given by position.
        kwargs: those given by name.
    """

    args: tuple[object, ...]
    kwargs: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class _Word:
    """One argument of the command line; its key is empty if it is given by position."""

    key: str
    text: str
    is_json: bool = False

    @property
    def path(self) -> str | None:
        """The path in ``@PATH``; None for other text."""
        return self.text[1:] if self.text[:1] == "@" != self.text[1:2] else None


class _Reader:
    """Reads files and standard input, the latter once."""

    def __init__(self) -> None:
        self._taken = False

    def file(self, path: str) -> object:
        if path != "-":
            return Path(path)
        self._take()
        return File(sys.stdin.buffer, name="stdin")

    def content(self, path: str) -> bytes:
        if path != "-":
            return Path(path).read_bytes()
        self._take()
        return sys.stdin.buffer.read()

    def _take(self) -> None:
        if self._taken:
            raise click.UsageError("standard input can be read once only")
        self._taken = True


def parse(endpoint: Endpoint, words: Sequence[str], data: str | None) -> Arguments:
    """Parse the arguments of a call.

    Args:
        endpoint: the endpoint; the types of its parameters decide how text is converted.
        words: the arguments of the command line, which override those in `data`.
        data: a JSON document with all arguments: its path, ``-`` for standard input, or the JSON itself. An object has
            them by name, unless the endpoint's one argument has no name; anything else is the one argument.

    Raises:
        click.UsageError: an argument is malformed, or text where a file is due.
        OSError: a file can't be read.
    """
    reader = _Reader()
    args: list[object] = []
    kwargs: dict[str, object] = {}
    fields = {parameter.name: parameter for parameter in endpoint.root_fields or endpoint.parameters}
    if data is not None:
        document = _document(data, reader)
        if isinstance(document, dict) and (not endpoint.root_input or endpoint.root_fields):
            kwargs.update({name: _checked(fields.get(name), name, value) for name, value in document.items()})
        else:
            args.append(document)
    by_key: dict[str, list[_Word]] = {}
    for word in map(_positional if _is_nameless(endpoint) else _word, words):
        if word.key:
            by_key.setdefault(word.key, []).append(word)
        else:
            args.append(_value(_positional_parameter(endpoint, len(args)), word, reader))
    for key, given in by_key.items():
        kwargs[key] = _named(fields.get(key), key, given, reader)
    return Arguments(tuple(args), kwargs)


def parse_row(endpoint: Endpoint, row: Mapping[str, str]) -> dict[str, object]:
    """The arguments of a call in a row of text, by name, converted as ``key=text`` is.

    Raises:
        click.UsageError: text is not what its parameter takes, or a file is due.
    """
    fields = {parameter.name: parameter for parameter in endpoint.root_fields or endpoint.parameters}
    plain: dict[str, object] = {}
    for key, text in row.items():
        parameter = fields.get(key)
        if parameter is not None and parameter.is_file:
            plain[key] = _checked(parameter, key, text)
        elif text in ("null", "") and parameter is not None and _may_be_none(parameter):
            plain[key] = None
        else:
            plain[key] = _typed(key, text, {} if parameter is None else parameter.schema)
    return plain


def _document(data: str, reader: _Reader) -> JSON:
    # JSON itself, as with curl's -d, unless a file has this name.
    if data.lstrip()[:1] in ("{", "[") and not os.path.exists(data):  # unlike a Path, takes text of any length
        return _json("--data", data.encode(errors="surrogateescape"))
    path = data[1:] if data[:1] == "@" and not os.path.exists(data) else data  # @FILE, as with curl's
    return _json("--data", reader.content(path))


def _is_nameless(endpoint: Endpoint) -> bool:
    """Whether the endpoint's one argument has no name, so that its text may contain ``=``."""
    return endpoint.root_input and not endpoint.root_fields


def _word(word: str) -> _Word:
    found = _NAMED.fullmatch(word)
    return _Word(found["key"], found["text"], found["how"] == ":=") if found is not None else _Word("", word)


def _positional(word: str) -> _Word:
    return _Word("", word[2:], True) if word.startswith(":=") else _Word("", word)


def _positional_parameter(endpoint: Endpoint, position: int) -> Parameter | None:
    for parameter in endpoint.parameters[: position + 1]:
        if parameter.is_variadic:
            items = parameter.schema.get("items")
            return Parameter("args", items if isinstance(items, dict) else {}, required=True)
    return endpoint.parameters[position] if position < len(endpoint.parameters) else None


def _named(parameter: Parameter | None, key: str, given: Sequence[_Word], reader: _Reader) -> object:
    if len(given) == 1:
        return _value(parameter, given[0], reader)
    items = parameter.schema.get("items") if parameter is not None else None
    if parameter is None or "array" not in _kinds(parameter.schema):
        raise click.UsageError(f"{key}= is given {len(given)} times, but takes one value")
    one = parameter.replace(schema=items if isinstance(items, dict) else {}, many=False)
    return [_value(one, word, reader) for word in given]


def _value(parameter: Parameter | None, word: _Word, reader: _Reader) -> object:
    name = word.key or (parameter.name if parameter is not None else "") or "the argument"
    schema: Schema = parameter.schema if parameter is not None else {}
    if word.is_json:
        content = reader.content(word.path) if word.path is not None else word.text.encode(errors="surrogateescape")
        return _checked(parameter, name, _json(name, content))
    if parameter is not None and parameter.is_file:
        return reader.file(word.path) if word.path is not None else _checked(parameter, name, word.text)
    if word.path is None:
        if word.text in ("null", "") and parameter is not None and _may_be_none(parameter):
            return None
        return _typed(name, word.text[1:] if word.text.startswith("@@") else word.text, schema)
    content = reader.content(word.path)
    if schema.get("format") == "binary":
        return content
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise click.UsageError(f"{name}: {word.path} is not text in UTF-8, and {name} takes no file") from None
    if _is_text(_kinds(schema)):
        return text
    try:
        return _typed(name, text.strip(), schema)
    except click.UsageError:  # whose message would show what is in the file, because of what the server's schema says
        raise click.UsageError(f"{name}: what is in {word.path} is not of the type that {name} takes") from None


def _checked(parameter: Parameter | None, name: str, value: object) -> object:
    """The value; of a file parameter it must be a URL, so that no document and no schema makes this read a file."""
    if parameter is None or not parameter.is_file or value is None:
        return value
    for item in _listed(value):
        if not isinstance(item, str) or not _URL.match(item):
            path = item if isinstance(item, str) and item else "PATH"
            raise click.UsageError(f"{name} takes a file: give it as {name}=@{path}")
    return value


def _listed(value: object) -> Sequence[object]:
    return cast("list[object]", value) if isinstance(value, list) else (value,)


def _json(name: str, data: bytes) -> JSON:
    try:
        return parse_json(data)
    except BentoMLException as exc:
        raise click.UsageError(f"{name}: {exc.message.replace('the response', 'this')}") from None


def _typed(name: str, text: str, schema: Schema) -> object:
    """Text as a value of the type in its schema; as text if the schema allows text."""
    choices = _choices(schema)
    if not choices or choices == (None,):
        return _converted(name, text, schema)
    by_text = {choice if isinstance(choice, str) else json.dumps(choice): choice for choice in reversed(choices)}
    if text in by_text:
        return by_text[text]
    try:
        value = _converted(name, text, schema)
    except click.UsageError:
        value = text
    if value not in choices:
        raise click.UsageError(f"{name} must be one of {', '.join(reversed(by_text))}, not {text!r}")
    return value


def _converted(name: str, text: str, schema: Schema) -> object:
    kinds = _kinds(schema)
    if _is_text(kinds):
        return text
    for convert in (_number, _boolean, _null, _structured):
        value = convert(text, kinds)
        if value is not _UNFIT:
            return value
    if "array" in kinds:  # a repeated key gives a list, so a key given once gives a list of one
        items = schema.get("items")
        return [_typed(name, text, items if isinstance(items, dict) else {})]
    wanted = " or ".join(sorted(kinds - {"null"}) or ["null"])
    raise click.UsageError(f"{name} must be {wanted}, not {text!r}")


def _choices(schema: Schema) -> Sequence[JSON]:
    """All values that a schema allows; none if it does not list them."""
    values = [schema["const"]] if "const" in schema else schema.get("enum")
    if isinstance(values, list):
        return values
    if schema.get("type") == "null":
        return (None,)
    members = [_choices(member) for member in _schemas(schema.get("anyOf", schema.get("oneOf")))]
    return [choice for member in members for choice in member] if all(members) else ()


_UNFIT: Final = object()


def _number(text: str, kinds: frozenset[str]) -> object:
    for kind, convert in (("integer", int), ("number", int), ("number", float)):
        if kind in kinds:
            try:
                return convert(text)
            except ValueError:
                continue
    return _UNFIT


def _boolean(text: str, kinds: frozenset[str]) -> object:
    return _BOOLEANS.get(text.lower(), _UNFIT) if "boolean" in kinds else _UNFIT


def _null(text: str, kinds: frozenset[str]) -> object:
    return None if "null" in kinds and text in ("null", "") else _UNFIT


def _structured(text: str, kinds: frozenset[str]) -> object:
    fitting = tuple(kind for name in kinds for kind in _STRUCTURES.get(name, ()))
    if fitting:
        try:
            value = cast("JSON", json.loads(text))
        except (ValueError, RecursionError):
            value = None
        if isinstance(value, fitting):
            return value
    return text if "model" in kinds else _UNFIT  # the model may be an enum


def _may_be_none(parameter: Parameter) -> bool:
    # The schema of an Optional does not allow null; its default shows that null is allowed.
    may_be_text = _is_text(_kinds(parameter.schema)) and not _choices(parameter.schema)
    return not parameter.required and parameter.default is None and not may_be_text


def _is_text(kinds: frozenset[str]) -> bool:
    return not kinds or "string" in kinds


def _kinds(schema: Schema) -> frozenset[str]:
    """The JSON types that a schema allows; none if it allows any."""
    kind = schema.get("type")
    if isinstance(kind, str):
        return frozenset({kind})
    if isinstance(kind, list):
        return frozenset(name for name in kind if isinstance(name, str))
    if "$ref" in schema:
        return frozenset({"model"})
    members = schema.get("anyOf", schema.get("oneOf"))
    found: list[frozenset[str]] = [_kinds(member) for member in _schemas(members)]
    return frozenset[str]().union(*found) if all(found) else frozenset()


def _schemas(members: JSON) -> Iterable[Schema]:
    return [member for member in members if isinstance(member, dict)] if isinstance(members, list) else ()
