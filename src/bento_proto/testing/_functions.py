"""Python functions as endpoints: their schema, and calling them."""

from __future__ import annotations

import types
import typing
from collections import abc
from typing import TYPE_CHECKING, Final, TypeVar, cast

from bento_proto._frozen import Frozen
from bento_proto._types import JSON
from bento_proto.session._responder import Pause

from ._types import class_of, origin_of, plain, schema_of
from ._validation import Unfit, converted

if TYPE_CHECKING:
    import inspect
    from collections.abc import AsyncGenerator, Callable, Coroutine, Generator, Mapping, Sequence

    from bento_proto._types import Value
    from bento_proto.schema._service import Schema

T = TypeVar("T")

_STREAMS: Final = (
    abc.Iterator, abc.Generator, abc.AsyncIterator, abc.AsyncGenerator, abc.AsyncIterable
)  # fmt: skip
_NAMESPACE: Final = {**vars(typing), **vars(abc)}
"""Names in annotations that a module may import for type checkers only."""


class Function(Frozen):
    """The function of an endpoint.

    Attributes:
        call: the function.
        route: its entry in the schema.
        hints: the types of its arguments, by the names that they have on the wire.
    """

    call: Callable[..., object]
    route: dict[str, JSON]
    hints: Mapping[str, object]

    def faults(self, arguments: Mapping[str, object]) -> dict[str, Sequence[JSON]]:
        """What is wrong with decoded arguments, by their names."""
        found: dict[str, Sequence[JSON]] = {}
        for name in arguments:
            try:
                self._converted(name, arguments)
            except Unfit as exc:
                found[name] = exc.faults
        return found

    def __call__(self, arguments: Mapping[str, object]) -> object:
        """Call it with decoded arguments that have no faults."""
        given: dict[str, object] = {}
        args: list[object] = []
        for name in arguments:
            value = self._converted(name, arguments)
            if name == "":
                args.append(value)
            elif name == self._variadic("args"):
                args += cast("list[object]", value)
            elif name == self._variadic("kwargs"):
                given.update(cast("dict[str, object]", value))
            else:
                given[name] = value
        return finished(self._called(args, given))

    @property
    def title(self) -> str:
        """The title of its input, which errors name."""
        if "" not in self.hints:
            return "Input"
        hint = self.hints[""]
        return f"{getattr(class_of(hint) or origin_of(hint), '__name__', hint)}IODescriptor"

    @property
    def is_root_value(self) -> bool:
        """Whether its input is one value, and no fields."""
        return "" in self.hints and "properties" not in cast("Schema", self.route["input"])

    def _converted(self, name: str, arguments: Mapping[str, object]) -> object:
        schema = cast("Schema", self.route["input"])
        inner = schema if name == "" else cast("Schema", cast("Schema", schema["properties"]).get(name, {}))
        place = ("root",) if self.is_root_value else (name,) if name else ()
        return converted(arguments[name], self.hints.get(name, object), inner, place)

    def _variadic(self, name: str) -> str | None:
        return name if f"*{name}" in self.hints else None

    def _called(self, args: list[object], given: dict[str, object]) -> object:
        if not args or not given:
            return self.call(*args, **given)
        import inspect

        named = [p.name for p in inspect.signature(self.call).parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD]
        first = [given.pop(name) for name in named if name in given]
        return self.call(*first, *args, **given)


def endpoint_of(function: Callable[..., object], name: str, route: str, *, is_task: bool) -> Function:
    """A function as an endpoint.

    Raises:
        TypeError: BentoML can't describe the type of an argument or of the result.
    """
    import inspect  # it is slow to load

    try:
        hints: dict[str, object] = typing.get_type_hints(
            function, {**_NAMESPACE, **getattr(function, "__globals__", {})}, include_extras=True
        )
    except NameError as exc:
        raise TypeError(f"{name}(): an annotation can't be understood: {exc}") from exc
    signature = inspect.signature(function)
    parameters = list(signature.parameters.values())
    root = parameters[0].name if parameters and parameters[0].kind is inspect.Parameter.POSITIONAL_ONLY else None
    known: dict[str, object] = {}
    given: dict[str, JSON]
    if root is not None:
        known[""] = hints.get(root, object)
        given = {**schema_of(known[""], is_input=True), "root_input": True}
    else:
        given = _input(parameters, hints, known)
    output = _output(function, hints.get("return", object))
    entry: dict[str, JSON] = {
        "name": name, "route": route, "batchable": False, "input": given, "output": output, "is_task": is_task
    }  # fmt: skip
    return Function(function, entry, known)


def _input(
    parameters: list[inspect.Parameter], hints: Mapping[str, object], known: dict[str, object]
) -> dict[str, JSON]:
    properties: dict[str, JSON] = {}
    required: list[JSON] = []
    for parameter in parameters:
        name = parameter.name
        hint = hints.get(name, object)
        schema: dict[str, JSON] = schema_of(hint, is_input=True)
        if parameter.kind is parameter.VAR_POSITIONAL:
            name, hint = "args", types.GenericAlias(list, (hint,))
            inner: JSON = schema
            schema = {"type": "array", "items": inner}
        elif parameter.kind is parameter.VAR_KEYWORD:
            name, hint = "kwargs", types.GenericAlias(dict, (str, hint))
            inner = schema or True
            schema = {"type": "object", "additionalProperties": inner}
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            known[f"*{name}"] = hint
            required.append(name)
        elif parameter.default is parameter.empty:
            required.append(name)
        else:
            schema["default"] = plain(parameter.default)
        known[name] = hint
        schema.setdefault("title", name.replace("_", " ").title())
        properties[name] = schema
    found: dict[str, JSON] = {"properties": properties, "title": "Input", "type": "object"}
    return {**found, "required": required} if required else found


def _output(function: Callable[..., object], hint: object) -> dict[str, JSON]:
    import inspect

    origin = typing.get_origin(hint) or hint
    generates = inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function)
    if not generates and origin not in _STREAMS:
        return schema_of(hint)
    items = typing.get_args(hint) if origin in (*_STREAMS, abc.Iterable) else ()
    return {**schema_of(_item(items[0] if items else object)), "is_stream": True, "media_type": "text/event-stream"}


def _item(hint: Value) -> object:
    """The type of an item, without `Pause`."""
    if origin_of(hint) not in (typing.Union, types.UnionType):
        return hint
    return typing.Union[tuple(member for member in typing.get_args(hint) if member is not Pause)]  # noqa: UP007


def finished(value: object) -> object:
    """The result of a function. A coroutine is run, and an asynchronous generator becomes a generator.

    Raises:
        RuntimeError: it awaits something that does not complete at once.
    """
    if isinstance(value, abc.Coroutine):
        return _stepped(cast("Coroutine[object, object, object]", value))
    if isinstance(value, abc.AsyncGenerator):
        return _items(cast("AsyncGenerator[object, None]", value))
    return value


def _items(generator: AsyncGenerator[object, None]) -> Generator[object, None, None]:
    try:
        while True:
            try:
                yield _stepped(cast("Coroutine[object, object, object]", generator.__anext__()))
            except StopAsyncIteration:
                return
    finally:
        _stepped(cast("Coroutine[object, object, None]", generator.aclose()))


def _stepped(coroutine: Coroutine[object, object, T]) -> T:
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return cast("T", stop.value)
    coroutine.close()
    raise RuntimeError("a double's function can't wait for anything: let it yield a Pause, or script one")
