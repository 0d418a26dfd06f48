"""Named tuples that are quick to make: every process that imports the core makes all of them anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import NamedTuple
else:
    from collections import namedtuple

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

__all__ = ("NamedTuple",)
