"""Public annotations can be evaluated at run time: `typing.get_type_hints` of every public name, and real aliases."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Iterator
from functools import cached_property
from importlib import import_module
from importlib.util import find_spec

import bento_proto
from tests.packages import PACKAGES, public_modules


def public_names() -> Iterator[tuple[str, object]]:
    """Each public name of the packages with its value, once, under the shortest name that it has."""
    seen: set[int] = set()
    for module_name in sorted(public_modules(), key=lambda name: name.count(".")):
        module = import_module(module_name)
        for name in getattr(module, "__all__", ()):
            value = getattr(module, name)
            if id(value) not in seen:
                seen.add(id(value))
                yield f"{module_name}.{name}", value


def functions(name: str, value: object) -> Iterator[tuple[str, object]]:
    """What has annotations of its own in a public name: a function, or a class and its public or special methods."""
    if inspect.isfunction(value):
        yield name, value
    if not inspect.isclass(value):
        return
    yield name, value
    for owner in value.__mro__:
        if owner.__module__.partition(".")[0] in PACKAGES:
            for attribute, found in vars(owner).items():
                if not attribute.startswith("_") or attribute.endswith("__"):
                    yield from ((f"{name}.{attribute}", function) for function in _functions_of(found))


def _functions_of(found: object) -> Iterator[object]:
    if isinstance(found, property):
        yield from (function for function in (found.fget, found.fset) if function is not None)
    elif isinstance(found, cached_property):
        yield found.func
    elif isinstance(found, (classmethod, staticmethod)):
        yield found.__func__
    elif inspect.isfunction(found):
        yield found


def test_the_type_hints_of_every_public_name_can_be_evaluated() -> None:
    failed: dict[str, str] = {}
    for public, value in public_names():
        for name, annotated in functions(public, value):
            if name.startswith("bento_client.mcp.") and find_spec("mcp") is None:
                continue  # its hints are the SDK's classes, and the lowest versions have no SDK
            try:
                typing.get_type_hints(annotated)
            except (NameError, TypeError) as exc:
                failed[name] = str(exc)
    assert failed == {}


def test_no_public_alias_is_text() -> None:
    constants = {"bento_async.__version__", "bento_proto.schema.ALIAS"}
    assert {name for name, value in public_names() if isinstance(value, str)} - constants == set()


def test_aliases_can_be_part_of_other_types() -> None:
    assert typing.get_args(bento_proto.FileInput | None)[-1] is type(None)
    assert bento_proto.File in typing.get_args(bento_proto.FileInput)
    assert typing.get_args(bento_proto.Flow[str])[-1] is str
