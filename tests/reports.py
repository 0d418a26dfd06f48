"""What reports of an error show: the local variables of all frames that it went through, containers included."""

from __future__ import annotations

import dataclasses
import traceback
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

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
