"""The arguments of a call, bound to the parameters of an endpoint as Python binds them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, KeysView, Mapping, Sequence
from enum import Enum
from itertools import takewhile
from typing import TYPE_CHECKING, Final, Protocol, cast

from bento_proto import schema
from bento_proto._frozen import Frozen
from bento_proto._guesses import did_you_mean
from bento_proto._text import one_line
from bento_proto.schema._service import IN_PATH

if TYPE_CHECKING:
    from typing import TypeGuard

    from bento_proto.schema._service import Endpoint, Parameter

# The options of a call, which are no arguments of it.
_OPTIONS: Final = frozenset(
    {"timeout", "headers", "retries", "download_dir", "images", "hooks", "on_progress", "file_strings"}
)
_OF_FILES: Final = (
    "read",
    "__fspath__",
    "save",
    "tolist",
    "items",
)  # attributes of files, paths, images, arrays, dicts
_VARIADIC_TYPES: Final[Mapping[str, tuple[type, ...]]] = {"args": (list, tuple), "kwargs": (Mapping,)}


class _Date(Protocol):
    def isoformat(self) -> str: ...


class FileSource(Frozen):
    """A file argument, which the adapter has to turn into an `Upload` before the call can be encoded.

    Attributes:
        label: endpoint and argument, for error messages.
        content: the argument.
    """

    label: str
    content: object


class BoundCall(Frozen):
    """An endpoint with its arguments.

    Attributes:
        endpoint: the endpoint.
        values: the arguments that are not files, by name; a root input has the name ``""``.
        files: the file parameters that have an argument, each with its files in order: a `FileSource`, or a URL that
            the server fetches.
        route: the route of the endpoint, with the path parameters filled in.
    """

    endpoint: schema.Endpoint
    values: Mapping[str, object]
    files: tuple[tuple[schema.Parameter, tuple[FileSource | str, ...]], ...]
    route: str

    @property
    def sources(self) -> tuple[FileSource, ...]:
        """The files to turn into uploads, in the order in which `encode` takes these."""
        if not self.files:
            return ()
        return tuple(file for _, files in self.files for file in files if isinstance(file, FileSource))


def bind(endpoint: schema.Endpoint, args: Sequence[object], kwargs: Mapping[str, object]) -> BoundCall:
    """Bind arguments to the parameters of an endpoint.

    Positional arguments follow the order of the schema, which is that of the Service's own signature. Arguments that
    are left out are not sent: the server's defaults apply. Path parameters (``/users/{id}``) are keyword arguments.

    Raises:
        TypeError: an argument is unknown, missing, or given twice, there are too many, a required file is None, or a
            path parameter is None or several things. The message names endpoint and argument.
        ValueError: a required list of files is empty, or a path parameter is not a single segment.
    """
    if endpoint.is_simple and not args and endpoint.required <= kwargs.keys() <= endpoint.by_name.keys():
        return BoundCall(endpoint, kwargs, (), endpoint.route)
    if endpoint.root_input:
        return _bind_root(endpoint, args, kwargs)
    route, kwargs = _fill_path(endpoint, kwargs)
    values: dict[str, object] = {}
    extra_positional = _take_positional(endpoint, args, kwargs.keys(), values) if args else []
    extra_keywords: dict[str, object] = {}
    for name, value in kwargs.items():
        if name not in endpoint.by_name:
            extra_keywords[name] = value
        elif name in values:
            raise TypeError(f"{_named(endpoint)} got multiple values for argument {name!r}")
        else:
            values[name] = value
    variadic = {parameter.name for parameter in endpoint.parameters if parameter.is_variadic}
    for name, rest in (("args", extra_positional), ("kwargs", extra_keywords)):
        if name in variadic:
            if rest and name in values:
                raise TypeError(f"{_named(endpoint)} got {name!r} and arguments that are part of it")
            values.setdefault(name, rest)
    if extra_keywords and "kwargs" not in variadic:
        raise TypeError(_unexpected(endpoint, next(iter(extra_keywords))))
    missing = [repr(p.name) for p in endpoint.parameters if p.required and p.name not in values]
    if missing:
        raise TypeError(
            f"{_named(endpoint)} is missing required argument{'s'[: len(missing) - 1]}: {', '.join(missing)}"
        )
    return BoundCall(endpoint, *_part(endpoint, endpoint.parameters, values), route)


def _named(endpoint: Endpoint) -> str:
    """The call of an endpoint, for a message; the server chose the name."""
    return f"{one_line(endpoint.name)}()"


def _unexpected(endpoint: Endpoint, name: str) -> str:
    message = f"{_named(endpoint)} got an unexpected keyword argument {name!r}"
    if name in _OPTIONS:
        return f"{message}; options are given by with_options({name}=...)"
    return message + did_you_mean(name, (*endpoint.path_parameters, *endpoint.by_name), "arguments")


def _take_positional(
    endpoint: Endpoint, args: Sequence[object], keywords: KeysView[str], values: dict[str, object]
) -> list[object]:
    """Assign positional arguments to ``values``; return those that belong to ``*args``.

    To the schema, ``*args`` is a list of that name, and ``**kwargs`` a dict. A list or dict in their place is taken for
    the whole value, as by BentoML's client, unless more arguments follow than there are parameters.
    """
    names: list[str] = []
    for parameter in endpoint.parameters:
        number = len(names)
        if number == len(args):
            break
        if parameter.is_variadic:
            is_whole = isinstance(args[number], _VARIADIC_TYPES[parameter.name])
            rest = [other.name for other in endpoint.parameters[number:]]
            if not is_whole or len(args) - number > len(rest) or not keywords.isdisjoint(rest[: len(args) - number]):
                break
        names.append(parameter.name)
    for name, value in zip(names, args, strict=False):
        values[name] = list(cast("tuple[object, ...]", value)) if name == "args" and isinstance(value, tuple) else value
    extra = list(args[len(names) :])
    if extra and not (len(names) < len(endpoint.parameters) and endpoint.parameters[len(names)].name == "args"):
        count = sum(1 for _ in takewhile(lambda parameter: not parameter.is_variadic, endpoint.parameters))
        takes = f"{count} positional argument{'s' if count != 1 else ''}"
        raise TypeError(f"{_named(endpoint)} takes {takes} but {len(args)} were given")
    return extra


def _bind_root(endpoint: Endpoint, args: Sequence[object], kwargs: Mapping[str, object]) -> BoundCall:
    route, kwargs = _fill_path(endpoint, kwargs)
    properties = endpoint.root_fields
    if kwargs and not args and properties:
        args, kwargs = (dict(kwargs),), {}  # the fields of a model, given as keyword arguments
    if kwargs:
        raise TypeError(
            f"{_named(endpoint)} takes a single positional argument, so {next(iter(kwargs))!r} can't be a keyword"
        )
    if len(args) != 1:
        raise TypeError(f"{_named(endpoint)} takes exactly 1 positional argument but {len(args)} were given")
    root = endpoint.parameters[0]
    if any(parameter.is_file for parameter in properties):
        fields = args[0]
        if not isinstance(fields, Mapping):
            raise TypeError(f"{_named(endpoint)} takes a mapping of fields, as one of them is a file")
        return BoundCall(endpoint, *_part(endpoint, properties, cast("Mapping[str, object]", fields)), route)
    if root.many:
        raise TypeError(f"{_named(endpoint)} can't be called by any client: BentoML has no root input of several files")
    return BoundCall(endpoint, *_part(endpoint, (root,), {"": args[0]}), route)


def _part(
    endpoint: Endpoint, parameters: Sequence[Parameter], values: Mapping[str, object]
) -> tuple[Mapping[str, object], tuple[tuple[Parameter, tuple[FileSource | str, ...]], ...]]:
    """Separate the files from the other arguments."""
    if not any(parameter.is_file for parameter in parameters):
        return values, ()
    others = dict(values)
    files: list[tuple[Parameter, tuple[FileSource | str, ...]]] = []
    for parameter in parameters:
        if parameter.is_file and parameter.name in others:
            found = _files(endpoint, parameter, others.pop(parameter.name))
            if found:
                files.append((parameter, found))
    return others, tuple(files)


def _files(endpoint: Endpoint, parameter: Parameter, value: object) -> tuple[FileSource | str, ...]:
    label = (
        f"{_named(endpoint)}: argument {parameter.name!r}" if parameter.name else f"{_named(endpoint)}: the argument"
    )
    if value is None:
        if parameter.required:
            raise TypeError(f"{label} must be a file, not None")
        return ()  # an optional file is left out: a form can't hold None
    if not parameter.many or not _is_list(value):
        return (_file(label, value),)  # a single file is accepted for a list of files, as by BentoML's client
    items = tuple(value)
    if not items and parameter.required:
        raise ValueError(f"{label} must not be empty: BentoML can't be sent an empty list of files")
    return tuple(_file(f"{label}[{number}]", item) for number, item in enumerate(items))


def _is_list(value: object) -> TypeGuard[Iterable[object]]:
    """Whether the value for a list of files is several files: a list, a generator, but not what is a file itself."""
    if isinstance(value, (str, bytes, bytearray, memoryview)) or any(hasattr(value, name) for name in _OF_FILES):
        return False
    return isinstance(value, Iterable)


def _file(label: str, value: object) -> FileSource | str:
    if value is None:
        raise TypeError(f"{label} must be a file, not None")
    return value if is_url(value) else FileSource(label, value)


def check_file_strings(call: BoundCall, allowed: str) -> None:
    """Refuse text in place of a file, unless it is of the allowed kind.

    The schema, and thus the server, decides which arguments are files. Without this check it could have the client read
    a file whose path the caller gave as text.

    Args:
        call: the arguments.
        allowed: ``"urls"``, ``"paths"``, ``"both"`` or ``"neither"``.

    Raises:
        TypeError: an argument is text of another kind.
    """
    for parameter, files in call.files:
        for file in files:
            if isinstance(file, str):
                if allowed not in ("urls", "both"):
                    raise TypeError(
                        f"{_named(call.endpoint)}: argument {parameter.name!r} is a URL, which the server would fetch; "
                        f"file_strings={allowed!r} refuses that"
                    )
            elif isinstance(file.content, str) and allowed not in ("paths", "both"):
                raise TypeError(
                    f"{file.label} takes a file, and file_strings={allowed!r} does not read text as a path: "
                    "give pathlib.Path(...), or use with_options(file_strings='both')"
                )


def is_url(value: object) -> TypeGuard[str]:
    """Whether a file argument is the URL of a file, which the server fetches, and not a path."""
    return isinstance(value, str) and value[:8].lower().startswith(("http://", "https://"))


def _fill_path(endpoint: Endpoint, kwargs: Mapping[str, object]) -> tuple[str, Mapping[str, object]]:
    """Fill in the path parameters from keyword arguments.

    A parameter that the Service's method has too is sent as an argument only, as by BentoML's client.
    """
    names = endpoint.path_parameters
    if not names:
        return endpoint.route, kwargs
    missing = [repr(name) for name in names if name not in kwargs]
    if missing:
        unknown = [name for name in kwargs if name not in names and name not in endpoint.by_name]
        if unknown and not endpoint.root_input and not any(each.is_variadic for each in endpoint.parameters):
            raise TypeError(_unexpected(endpoint, unknown[0]))  # perhaps the missing one, misspelled
        raise TypeError(
            f"{_named(endpoint)} is missing required argument{'s'[: len(missing) - 1]} of its path: "
            f"{', '.join(missing)}"
        )
    filled = {name: _segment(endpoint, name, kwargs[name], convertor) for name, convertor in names.items()}
    route = re.sub(IN_PATH, lambda match: filled.get(match[1], match[0]), endpoint.route)
    return route, {name: value for name, value in kwargs.items() if name not in filled}


def _segment(endpoint: Endpoint, name: str, value: object, convertor: str) -> str:
    while isinstance(value, Enum):  # whose own text may be its name
        value = cast("object", value.value)
    if value is None or (isinstance(value, (memoryview, Collection)) and not isinstance(value, str)):
        kind = type(cast("object", value)).__name__
        raise TypeError(f"{_named(endpoint)}: {name!r} is part of the path: text, a number, a UUID, but not {kind}")
    text = str(cast("_Date", value).isoformat() if hasattr(value, "isoformat") else value)
    segments = text.split("/") if convertor == "path" else [text]
    if not text or any("/" in segment or segment in (".", "..") for segment in segments):
        what = "a path without . and .." if convertor == "path" else "a single path segment"
        raise ValueError(f"{_named(endpoint)}: {name!r} must be {what}: {text!r}")
    return text
