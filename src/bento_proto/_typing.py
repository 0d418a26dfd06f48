"""What of `typing` the core needs as it runs, without that module: it takes as long to load as all of the core."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Generic, NamedTuple, Protocol, TypeVar, cast
else:
    from collections import namedtuple
    from types import GenericAlias

    class Generic:
        """What is generic may be subscripted; nothing else can be told of it as a program runs."""

        __slots__ = ()
        __class_getitem__ = classmethod(GenericAlias)

    Protocol = Generic

    def TypeVar(name, **_):  # noqa: N802 - as typing's
        return name

    def cast(_, value):
        return value

    class _Meta(type):
        def __new__(cls, name, _bases, namespace):
            """The class that typing's NamedTuple would make, save that its annotations stay texts.

            To compile each of them, as that does, takes longer than all the rest.
            """
            annotations = namespace["__annotations__"]
            defaults = [namespace[field] for field in annotations if field in namespace]
            made = namedtuple(name, annotations, defaults=defaults, module=namespace["__module__"])  # noqa: PYI024 - of which typing makes its own
            made.__new__.__annotations__ = annotations
            for key, value in namespace.items():
                if key not in annotations and key != "__module__":
                    setattr(made, key, value)
            return made

    NamedTuple = type.__new__(_Meta, "NamedTuple", (), {})

__all__ = ("TYPE_CHECKING", "Generic", "NamedTuple", "Protocol", "TypeVar", "cast")
