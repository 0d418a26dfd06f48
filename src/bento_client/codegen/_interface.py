"""A Service as Python sees it: its methods and models, as source text."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bento_proto.schema import ALIAS, RESERVED, Words, attributes, endpoint_for, fits, is_plain, signature_of

from ._source import Names, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bento_proto import JSON, Endpoint, Service
    from bento_proto.schema import Model, Parameter

_STARS: Final[Mapping[int, str]] = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
_MAX_DEFAULT: Final = 40  # characters


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of a method.

    Attributes:
        name: its name, including the stars of ``*args`` and ``**kwargs``.
        kind: its kind, one of ``inspect.Parameter``'s.
        annotation: its type, as source text.
        default: its default, as source text; None if it is required.
    """

    name: str
    kind: int
    annotation: str
    default: str | None = None

    def __str__(self) -> str:
        return f"{self.name}: {self.annotation}{'' if self.default is None else f' = {self.default}'}"


@dataclass(frozen=True, slots=True)
class Method:
    """An endpoint as a method.

    Attributes:
        endpoint: the endpoint.
        attribute: the client's attribute for it; None if its name can't be one.
        decorator: the decorator in `bento_client.codegen.typed`: ``"endpoint"``, ``"stream"`` or ``"task"``.
        arguments: its arguments, in order.
        result: the type of its result, as source text.
    """

    endpoint: Endpoint
    attribute: str | None
    decorator: str
    arguments: tuple[Argument, ...]
    result: str

    @property
    def parts(self) -> list[str]:
        """The parameters of its signature after ``self``, as source text."""
        parts: list[str] = []
        starred = False
        for argument in self.arguments:
            starred = starred or argument.name.startswith("*")
            if argument.kind == inspect.Parameter.KEYWORD_ONLY and not starred:
                parts.append("*")
                starred = True
            parts.append(str(argument))
            if argument.kind == inspect.Parameter.POSITIONAL_ONLY:
                parts.append("/")
        return parts

    def __str__(self) -> str:
        return f"{self.endpoint.name}({', '.join(self.parts)}) -> {self.result}"


@dataclass(frozen=True, slots=True)
class Interface:
    """A Service as Python sees it.

    Attributes:
        service: the Service.
        methods: its methods, by the endpoints' names.
        models: the models in their annotations, by name.
        names: the names used in the annotations.
        classes: the requested names of classes, with a number if one is taken.
    """

    service: Service
    methods: Mapping[str, Method]
    models: Mapping[str, Model]
    names: Names
    classes: tuple[str, ...]


def interface_of(service: Service, classes: tuple[str, ...] = ()) -> Interface:
    """The interface of a Service.

    Args:
        service: the Service.
        classes: names for classes beside the models.
    """
    reached = dict(_attributes(service))
    names = Names(reached.values())
    named = tuple(names.new(name) for name in classes)
    words = Words(service.endpoints.values(), names)
    methods = {
        name: Method(
            endpoint,
            reached.get(name),
            "stream" if endpoint.output.is_stream else "task" if endpoint.is_task else "endpoint",
            tuple(_arguments(endpoint, words, names)),
            words.result(endpoint),
        )
        for name, endpoint in service.endpoints.items()
    }
    return Interface(service, methods, words.models, names, named)


def _attributes(service: Service) -> Iterator[tuple[str, str]]:
    """Pairs of an endpoint's name and the attribute by which source code can reach it."""
    aliases = (f"{ALIAS}{name}" for name in service.endpoints)
    for attribute in (*aliases, *attributes(service, RESERVED)):  # the last attribute of an endpoint is its best
        name = endpoint_for(service, attribute, RESERVED)
        if name is not None and is_plain(attribute):
            yield name, attribute


def _arguments(endpoint: Endpoint, words: Words, names: Names) -> Iterator[Argument]:
    known = {parameter.name: parameter for parameter in endpoint.parameters}
    named = tuple(parameter for parameter in endpoint.parameters if endpoint.root_input or is_plain(parameter.name))
    rest: Argument | None = None
    in_path = endpoint.path_parameters
    for shown in signature_of(endpoint.replace(parameters=named)).parameters.values():
        if shown.name in in_path:
            continue
        found = known.get("" if endpoint.root_input else shown.name)
        stars = _STARS.get(shown.kind, "")
        text = words.items(endpoint, found) if stars and found else None
        if shown.kind == inspect.Parameter.VAR_KEYWORD:
            rest = Argument(f"**{shown.name}", shown.kind, text or names.use("object"))
        else:
            assert found is not None
            given = None if found.required or stars else _default(found)
            yield Argument(f"{stars}{shown.name}", shown.kind, text or words.argument(endpoint, found), given)
    for name, convertor in in_path.items():
        if is_plain(name):
            yield Argument(name, inspect.Parameter.KEYWORD_ONLY, words.in_path(convertor))
    if len(named) < len(known) or not all(map(is_plain, in_path)):  # the other names can be given only by `**`
        taken, name = {*known, *in_path}, "kwargs"
        while name in taken:
            name = f"{name}_"
        yield Argument(f"**{name}", inspect.Parameter.VAR_KEYWORD, names.use("object"))
    elif rest is not None:
        yield rest


def _default(parameter: Parameter) -> str:
    """The default of an argument as source text; ``...`` for one that is long, or may not match the annotation."""
    default = parameter.default
    is_described = default is None or isinstance(default, (str, int, float)) or fits(default, dict(parameter.schema))
    return (_literal(default) if is_described else None) or "..."


def _literal(value: JSON) -> str | None:
    """The value as an expression; None if there is none or it is too long."""
    if isinstance(value, str):
        text: str | None = quoted(value) if len(value) <= _MAX_DEFAULT else None
    elif isinstance(value, list):
        items = [_literal(item) for item in value]
        text = f"[{', '.join(item for item in items if item)}]" if all(items) else None
    elif isinstance(value, dict):
        pairs = [(quoted(key), _literal(item)) for key, item in value.items()]
        text = f"{{{', '.join(f'{key}: {item}' for key, item in pairs)}}}" if all(item for _, item in pairs) else None
    else:
        text = repr(value)
        text = None if text.lstrip("-") in ("nan", "inf") else text
    return text if text and len(text) <= _MAX_DEFAULT + 2 else None
