"""What a Service looks like from Python: its methods and models, in text."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Final, NamedTuple

from bento_proto.schema import ALIAS, RESERVED, attributes, endpoint_for, signature_of

from ._defaults import default_text
from ._names import Names, is_plain
from ._types import Annotations

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bento_proto import Endpoint, Service
    from bento_proto.schema import Parameter

    from ._types import Model

_IN_PATH: Final = re.compile(r"\{([^{}:]+)(?::\w+)?\}")
_STARS: Final[Mapping[int, str]] = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}


class Argument(NamedTuple):
    """An argument of a method.

    Attributes:
        name: its name, with the stars of ``*args`` and ``**kwargs``.
        kind: how it is given: one of ``inspect.Parameter``'s kinds.
        annotation: its type.
        default: its default, or None.
    """

    name: str
    kind: int
    annotation: str
    default: str | None = None

    def __str__(self) -> str:
        return f"{self.name}: {self.annotation}{'' if self.default is None else f' = {self.default}'}"


class Method(NamedTuple):
    """An endpoint as a method.

    Attributes:
        endpoint: what the schema says of it.
        attribute: the client's attribute that it is; None if its name is not fit for one.
        decorator: what of `bento_client.codegen.typed` declares it: ``"endpoint"``, ``"stream"`` or ``"task"``.
        arguments: its arguments, in order.
        result: the type of its result.
    """

    endpoint: Endpoint
    attribute: str | None
    decorator: str
    arguments: tuple[Argument, ...]
    result: str

    @property
    def parts(self) -> list[str]:
        """What stands between the parentheses of its signature, after ``self``."""
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


class Interface(NamedTuple):
    """A Service from Python.

    Attributes:
        service: the Service.
        methods: its endpoints, by name.
        models: what they take and give, by name.
        names: what they are made of.
        classes: the names of the classes that were asked for, with a number if that one is taken.
    """

    service: Service
    methods: Mapping[str, Method]
    models: Mapping[str, Model]
    names: Names
    classes: tuple[str, ...]


def interface_of(service: Service, classes: tuple[str, ...] = ()) -> Interface:
    """How a Service looks.

    Args:
        service: the Service.
        classes: the names of what stands beside the models.
    """
    reached = dict(_attributes(service))
    names = Names(reached.values())
    named = tuple(names.new(name) for name in classes)
    annotations = Annotations(service, names)
    methods = {
        name: Method(
            endpoint,
            reached.get(name),
            "stream" if endpoint.output.is_stream else "task" if endpoint.is_task else "endpoint",
            tuple(_arguments(endpoint, annotations, names)),
            annotations.result(endpoint),
        )
        for name, endpoint in service.endpoints.items()
    }
    return Interface(service, methods, annotations.models, names, named)


def _attributes(service: Service) -> Iterator[tuple[str, str]]:
    """The endpoints that can be reached as an attribute that Python can say, and that attribute."""
    aliases = (f"{ALIAS}{name}" for name in service.endpoints)
    for attribute in (*aliases, *attributes(service, RESERVED)):  # the last one for an endpoint is the one
        name = endpoint_for(service, attribute, RESERVED)
        if name is not None and is_plain(attribute):
            yield name, attribute


def _arguments(endpoint: Endpoint, annotations: Annotations, names: Names) -> Iterator[Argument]:
    known = {parameter.name: parameter for parameter in endpoint.parameters}
    named = tuple(parameter for parameter in endpoint.parameters if endpoint.root_input or is_plain(parameter.name))
    rest: Argument | None = None
    for shown in signature_of(endpoint._replace(parameters=named)).parameters.values():
        found = known.get("" if endpoint.root_input else shown.name)
        stars = _STARS.get(shown.kind, "")
        text = annotations.items(endpoint, found) if stars and found else None
        if shown.kind == inspect.Parameter.VAR_KEYWORD:
            rest = Argument(f"**{shown.name}", shown.kind, text or names.use("object"))
        else:
            assert found is not None
            yield _argument(found, shown, stars, text or annotations.argument(endpoint, found), names)
    in_path = [name for name in dict.fromkeys(_IN_PATH.findall(endpoint.route)) if name not in known]
    for name in filter(is_plain, in_path):
        text = f"{names.use('str')} | {names.use('int')}"
        yield Argument(name, inspect.Parameter.KEYWORD_ONLY, text)
    if len(named) < len(known) or not all(map(is_plain, in_path)):  # these can be given by `**` alone
        taken, name = {*known, *in_path}, "kwargs"
        while name in taken:
            name = f"{name}_"
        yield Argument(f"**{name}", inspect.Parameter.VAR_KEYWORD, names.use("object"))
    elif rest is not None:
        yield rest


def _argument(parameter: Parameter, shown: inspect.Parameter, stars: str, text: str, names: Names) -> Argument:
    if parameter.required or stars:
        return Argument(f"{stars}{shown.name}", shown.kind, text)
    default, also = default_text(parameter)
    if also and names.use(also) not in text.split(" | ") and text not in ("object", "_object"):
        text = f"{names.use(also)} | {text}"
    return Argument(shown.name, shown.kind, text, default)
