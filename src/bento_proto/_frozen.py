"""The base class of values: immutable, slotted, equal by their fields.

`dataclasses` would do the same, but it imports `inspect` and compiles six methods for each class: more than all else
that an import of a client costs. Here even ``__init__`` is compiled only where it pays, see `_Init`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from functools import partial
from operator import attrgetter
from types import FunctionType
from typing import TYPE_CHECKING, ClassVar, Final, TypeVar, cast

if TYPE_CHECKING:
    from typing_extensions import Self, dataclass_transform
else:
    Self = TypeVar("Self")

    def dataclass_transform(**_: object) -> Callable[[type], type]:
        return lambda cls: cls


_INIT: Final = """\
def make({setters}):
    def __init__({parameters}):
        {body}
    return __init__
"""
_INTERPRETED: Final = 32  # instances; to compile `__init__` takes as long as to make so many without


class _Init:
    """``__init__`` of a class, until somebody looks at it or the class has had some instances.

    A program that makes one call needs few instances of each class, and would spend more time on the compilation of
    their ``__init__`` than on all else that their classes cost.

    Args:
        cls: the class.
        types: the annotations of its fields.
        defaults: the values of those that need not be given.
        guesses: others' names of fields, and what they are here.
    """

    def __init__(
        self,
        cls: type[Frozen],
        types: Mapping[str, str],
        defaults: Mapping[str, object],
        guesses: Mapping[str, str],
    ) -> None:
        self._cls = cls
        self._types = types
        self._defaults = defaults
        self._guesses = guesses
        self._globals = vars(sys.modules[cls.__module__])
        self._left = _INTERPRETED

    def __get__(self, instance: object, owner: type | None = None) -> object:
        if self._left and isinstance(instance, self._cls):
            self._left -= 1
            return partial(self._interpret, instance)
        return cast("object", self._compiled().__get__(instance, owner))

    def _interpret(self, instance: Frozen, /, *args: object, **kwargs: object) -> None:
        """Do what ``__init__`` would."""
        cls = self._cls
        fields = cls.__match_args__
        values = {**self._defaults, **dict(zip(fields, args, strict=False)), **kwargs}
        if len(args) > len(fields) or kwargs.keys() & {*fields[: len(args)]} or values.keys() != {*fields}:
            self._compiled()(instance, *args, **kwargs)  # raises what Python raises
        for field in fields:
            getattr(cls, field).__set__(instance, values[field])

    def _compiled(self) -> FunctionType:
        """Compile ``__init__``; from now on it takes the place of this object."""
        cls = self._cls
        fields = cls.__match_args__
        text = _INIT.format(
            setters=", ".join(f"set_{field}" for field in fields),
            parameters=", ".join(("self", *fields)),
            body="; ".join(("pass", *(f"set_{field}(self, {field})" for field in fields))),
        )
        found: dict[str, FunctionType] = {}
        exec(text, self._globals, found)  # noqa: S102 - of the names of attributes only
        init = cast("FunctionType", found["make"](*(getattr(cls, field).__set__ for field in fields)))
        init.__qualname__ = f"{cls.__qualname__}.__init__"  # which a TypeError for wrong arguments shows
        init.__annotations__ = {**self._types, "return": "None"}
        init.__defaults__ = tuple(self._defaults[field] for field in fields[len(fields) - len(self._defaults) :])
        if self._guesses:
            from ._guesses import explains

            init = cast("FunctionType", explains(self._guesses)(init))
        setattr(cls, "__init__", init)  # noqa: B010 - type checkers have an idea of their own of it
        return init


class _FrozenType(type):
    """Makes slots of a class's fields, and class attributes of what there is to know of them."""

    def __new__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, object]) -> _FrozenType:
        annotations = cast("Mapping[str, str]", namespace.get("__annotations__", {}))
        own = {field: text for field, text in annotations.items() if not text.startswith("ClassVar")}
        defaults = {field: namespace.pop(field) for field in own if field in namespace}
        namespace["__slots__"] = (*own, *cast("tuple[str, ...]", namespace.get("__slots__", ())))
        for base in bases[:1]:
            namespace["__match_args__"] = (*cast("type[Frozen]", base).__match_args__, *own)
            namespace["_types"] = {**getattr(base, "_types", {}), **own}
            namespace["_defaults"] = {**getattr(base, "_defaults", {}), **defaults}
        return super().__new__(cls, name, bases, namespace)


@dataclass_transform(frozen_default=True)
class Frozen(metaclass=_FrozenType):
    """The base class of a value, whose fields are its annotated names.

    ::

        class Point(Frozen):
            x: int
            y: int = 0

    An instance takes the fields by position or by name, and no attribute of it can be assigned. Two instances of the
    same class are equal if their fields are, and hashable if these are. Instances can be pickled, copied and matched
    by patterns, but are no sequences. The module must have ``from __future__ import annotations``.
    """

    __slots__ = ()
    __match_args__: ClassVar[tuple[str, ...]] = ()
    _types: ClassVar[Mapping[str, str]] = {}
    _defaults: ClassVar[Mapping[str, object]] = {}
    _guesses: ClassVar[Mapping[str, str]] = {}  # others' names of fields, and what they are here
    _values: ClassVar[Callable[[object], object]] = type  # all fields at once; those without any are equal by class

    def __init_subclass__(cls) -> None:
        fields = cls.__match_args__
        if fields:
            cls._values = attrgetter(*fields)
        if "__init__" not in vars(cls):
            setattr(cls, "__init__", _Init(cls, cls._types, cls._defaults, cls._guesses))  # noqa: B010 - as above

    def replace(self, **changes: object) -> Self:
        """A copy with some fields changed.

        Raises:
            TypeError: there is no field of that name.
        """
        return type(self)(**{**{field: getattr(self, field) for field in self.__match_args__}, **changes})

    __replace__ = replace

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"cannot assign to {name!r}: a {type(self).__name__} is immutable; use replace()")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"cannot delete {name!r}: a {type(self).__name__} is immutable")

    def __eq__(self, other: object) -> bool:
        values = type(self)._values
        return values(self) == values(other) if type(other) is type(self) else NotImplemented

    def __hash__(self) -> int:
        return hash(type(self)._values(self))

    def __repr__(self) -> str:
        fields = ", ".join(f"{field}={getattr(self, field)!r}" for field in self.__match_args__)
        return f"{type(self).__name__}({fields})"

    def __reduce__(self) -> tuple[type[Frozen], tuple[object, ...]]:
        return type(self), tuple(getattr(self, field) for field in self.__match_args__)
