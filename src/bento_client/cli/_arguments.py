"""``key=value`` of a command line, as the arguments of a call.

An argument is one of::

    key=text        text, or what the endpoint's type makes of it: a number, a boolean, JSON
    key:=JSON       JSON, as it stands
    key=@PATH       a file; for what is no file argument its content, as text
    key:=@PATH      JSON from a file
    key=@-          the same from standard input
    key=@@text      text that begins with @

and without ``key=`` it is given by position.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, cast

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
# What JSON each kind of structure comes as; a "model" is a reference to what this does not look up.
_STRUCTURES: Final[Mapping[str, tuple[type, ...]]] = {
    "array": (list,), "object": (dict,), "model": (dict, list), "dataframe": (dict, list), "tensor": (list, int, float),
}  # fmt: skip


class Arguments(NamedTuple):
    """What a call is given.

    Attributes:
        args: by position.
        kwargs: by name.
    """

    args: tuple[object, ...]
    kwargs: Mapping[str, object]


class _Word(NamedTuple):
    """One argument of the command line; the key is empty if it has none."""

    key: str
    text: str
    is_json: bool = False

    @property
    def path(self) -> str | None:
        return self.text[1:] if self.text[:1] == "@" != self.text[1:2] else None


class _Reader:
    """Files and standard input, which can be read once only."""

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
    """The arguments of a call.

    Args:
        endpoint: what is to be called: its types say what a text becomes.
        words: those of the command line.
        data: the path of a JSON document with all arguments, or ``-``: an object has them by name, unless the endpoint
            takes something else as its one argument. What `words` say holds against it.

    Raises:
        click.UsageError: they can't be understood, or a file is not given as one.
        OSError: a file can't be read.
    """
    reader = _Reader()
    args: list[object] = []
    kwargs: dict[str, object] = {}
    fields = {parameter.name: parameter for parameter in endpoint.root_fields or endpoint.parameters}
    if data is not None:
        document = _json("--data", reader.content(data))
        if isinstance(document, dict) and (not endpoint.root_input or endpoint.root_fields):
            kwargs.update({name: _checked(fields.get(name), name, value) for name, value in document.items()})
        else:
            args.append(document)
    given: dict[str, list[_Word]] = {}
    for word in map(_positional if _is_nameless(endpoint) else _word, words):
        if word.key:
            given.setdefault(word.key, []).append(word)
        else:
            args.append(_value(_positional_parameter(endpoint, len(args)), word, reader))
    for key, said in given.items():
        kwargs[key] = _named(fields.get(key), key, said, reader)
    return Arguments(tuple(args), kwargs)


def _is_nameless(endpoint: Endpoint) -> bool:
    """Whether the one argument has no name, so that its text may hold any ``=``."""
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


def _named(parameter: Parameter | None, key: str, said: Sequence[_Word], reader: _Reader) -> object:
    if len(said) == 1:
        return _value(parameter, said[0], reader)
    items = parameter.schema.get("items") if parameter is not None else None
    if parameter is None or "array" not in _kinds(parameter.schema):
        raise click.UsageError(f"{key}= is given {len(said)} times, and takes one value")
    one = parameter._replace(schema=items if isinstance(items, dict) else {}, many=False)
    return [_value(one, word, reader) for word in said]


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
        raise click.UsageError(f"{name}: {word.path} is no text in UTF-8, and {name} takes no file") from None
    return text if _is_text(_kinds(schema)) else _typed(name, text.strip(), schema)


def _checked(parameter: Parameter | None, name: str, value: object) -> object:
    """The value; a file's can only be a URL, so that no document makes this read a file that nobody named."""
    if parameter is None or not parameter.is_file or value is None:
        return value
    for item in _listed(value):
        if not isinstance(item, str) or not _URL.match(item):
            path = item if isinstance(item, str) and item else "PATH"
            raise click.UsageError(f"{name} is a file: give it as {name}=@{path}")
    return value


def _listed(value: object) -> Sequence[object]:
    return cast("list[object]", value) if isinstance(value, list) else (value,)


def _json(name: str, data: bytes) -> JSON:
    try:
        return parse_json(data)
    except BentoMLException as exc:
        raise click.UsageError(f"{name}: {exc.message.replace('the answer', 'this')}") from None


def _typed(name: str, text: str, schema: Schema) -> object:
    """A text as the value that its schema asks for: text if it may be that."""
    kinds = _kinds(schema)
    if _is_text(kinds):
        return text
    for convert in (_number, _boolean, _null, _structured):
        value = convert(text, kinds)
        if value is not _NO:
            return value
    if "array" in kinds:  # a list may be given by repeating it, so once is a list as well
        items = schema.get("items")
        return [_typed(name, text, items if isinstance(items, dict) else {})]
    wanted = " or ".join(sorted(kinds - {"null"}) or ["null"])
    raise click.UsageError(f"{name} must be {wanted}, not {text!r}")


_NO: Final = object()


def _number(text: str, kinds: frozenset[str]) -> object:
    for kind, convert in (("integer", int), ("number", int), ("number", float)):
        if kind in kinds:
            try:
                return convert(text)
            except ValueError:
                continue
    return _NO


def _boolean(text: str, kinds: frozenset[str]) -> object:
    return _BOOLEANS.get(text.lower(), _NO) if "boolean" in kinds else _NO


def _null(text: str, kinds: frozenset[str]) -> object:
    return None if "null" in kinds and text in ("null", "") else _NO


def _structured(text: str, kinds: frozenset[str]) -> object:
    fitting = tuple(kind for name in kinds for kind in _STRUCTURES.get(name, ()))
    if fitting:
        try:
            value = cast("JSON", json.loads(text))
        except (ValueError, RecursionError):
            value = None
        if isinstance(value, fitting):
            return value
    return text if "model" in kinds else _NO  # an enum, say


def _may_be_none(parameter: Parameter) -> bool:
    # An optional's schema does not say that it is one: its default does.
    return not parameter.required and parameter.default is None and not _is_text(_kinds(parameter.schema))


def _is_text(kinds: frozenset[str]) -> bool:
    return not kinds or "string" in kinds


def _kinds(schema: Schema) -> frozenset[str]:
    """The types that a value may have; none if it may be anything."""
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
