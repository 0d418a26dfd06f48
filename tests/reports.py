"""What reports of an error show: the local variables of all frames that it went through, containers included."""

from __future__ import annotations

import dataclasses
import gc
import traceback
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from types import (
    AsyncGeneratorType,
    CodeType,
    CoroutineType,
    FrameType,
    FunctionType,
    GeneratorType,
    ModuleType,
    TracebackType,
)

TESTS = Path(__file__).parent


def reported(error: BaseException) -> Iterator[str]:
    """All texts that a report of an error shows, with the place that each comes from."""
    for each in _chain(error):
        yield from (f"message: {each}", f"repr: {each!r}", f"args: {each.args!r}")
        yield from (f"attribute {text}" for text in _shown(vars(each)))
        for frame, line in traceback.walk_tb(each.__traceback__):
            if TESTS not in Path(frame.f_code.co_filename).parents:  # what a caller has is the caller's
                where = f"{frame.f_code.co_filename}:{line} in {frame.f_code.co_name}"
                yield from (
                    f"{where}: {name} = {text}" for name, value in frame.f_locals.items() for text in _shown(value)
                )


def _chain(error: BaseException) -> Iterator[BaseException]:
    waiting, seen = [error], set[int]()
    while waiting:
        each = waiting.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        waiting += [other for other in (each.__cause__, each.__context__) if other is not None]
        waiting += getattr(each, "exceptions", ())  # of a group


def _shown(value: object, depth: int = 0) -> Iterator[str]:
    """What a recursive walker shows of a value: Sentry goes through containers, rich through fields as well."""
    if depth > 6:
        return
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _shown(key, depth + 1)
            yield from _shown(item, depth + 1)
    elif isinstance(value, Collection) and not isinstance(value, (str, bytes, bytearray, memoryview)):
        for item in value:
            yield from _shown(item, depth + 1)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            yield from _shown(getattr(value, field.name), depth + 1)
    if isinstance(value, (str, bytes)):
        yield repr(value[:50])  # of long ones, the beginning
    yield repr(value)


def held(error: BaseException) -> Iterator[tuple[str, str]]:
    """Every text that the frames of an error hold, however deep in objects, as its ``repr``, and the place.

    A walker of its own goes through attributes, slots, closures, and the frames of coroutines and generators.
    """
    waiting: list[tuple[str, object]] = [("the error", error)]
    seen: dict[int, object] = {}
    while waiting:
        place, value = waiting.pop()
        if id(value) in seen or isinstance(value, (ModuleType, type, CodeType)):
            continue
        seen[id(value)] = value
        if isinstance(value, (str, bytes, bytearray)):
            yield place, repr(value)
        else:
            waiting += _parts(place, value)


def _parts(place: str, value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, TracebackType):
        yield from ((place, value.tb_frame), (place, value.tb_next))
    elif isinstance(value, FrameType):
        if TESTS not in Path(value.f_code.co_filename).parents:
            where = f"{value.f_code.co_filename} in {value.f_code.co_name}"
            yield from ((f"{where}: {name}", each) for name, each in value.f_locals.items())
    elif isinstance(value, (CoroutineType, GeneratorType, AsyncGeneratorType)):
        yield from ((place, getattr(value, name, None)) for name in ("cr_frame", "gi_frame", "ag_frame"))
    elif isinstance(value, FunctionType):
        if TESTS not in Path(value.__code__.co_filename).parents:
            yield from ((place, value.__closure__), (place, value.__defaults__))
    elif isinstance(value, dict):
        if "__builtins__" not in value:  # else it is a module's
            yield from ((f"{place}[{str(key)[:20]}]", each) for key, each in value.items())
    else:
        if isinstance(value, BaseException):
            yield from ((place, each) for each in (value.__cause__, value.__context__, value.__traceback__))
        names = [*getattr(value, "__dict__", ()), *(name for kind in type(value).__mro__ for name in _names(kind))]
        yield from ((f"{place}.{name}", getattr(value, name, None)) for name in names)
        yield from ((f"{place}, in it", each) for each in gc.get_referents(value))


def _names(kind: type) -> tuple[str, ...]:
    slots = vars(kind).get("__slots__", ())
    return (slots,) if isinstance(slots, str) else tuple(slots)
