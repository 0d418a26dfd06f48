"""Large arguments as JSON, encoded piece by piece.

`json` encodes a value in one call, during which no other task of an event loop runs. Between the pieces of
`EncodingSteps` an adapter lets them run.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from itertools import islice
from math import prod
from typing import Final, Protocol, cast

from bento_proto._types import JSON
from bento_proto.json import EncodedJSON, to_json

from ._binding import BoundCall

_STEP: Final = 1 << 16  # about how many bytes are encoded at a time
_MOST: Final = 1 << 18  # bytes of an argument that is encoded at once
_FEW: Final = 32  # values that are looked at one by one
_TEXT: Final = 1 << 22  # characters of a text that is encoded at once
_NUMBER: Final = 8  # bytes of a number, about
_SAMPLE: Final = 16  # elements of a container that are looked at, to find out how large the others are
_DEEPEST: Final = 6  # levels that are looked at
_WHOLE: Final = frozenset({str, bytes, int, float, bool, type(None)})


class _Cut(Protocol):
    """What gives some of a value's elements: the value, or its ``iloc``."""

    def __getitem__(self, key: slice[int, int, int | None], /) -> object: ...


class _Array(Protocol):
    """What is used of ``numpy.ndarray``, of a frame or series of pandas or polars, and of ``torch.Tensor``."""

    @property
    def shape(self) -> tuple[int, ...]: ...
    def __getitem__(self, key: slice[int, int, int | None], /) -> object: ...


_ARRAYS: Final = frozenset({
    ("numpy", "ndarray"),
    ("pandas", "DataFrame"),
    ("pandas", "Series"),
    ("polars", "DataFrame"),
    ("polars", "Series"),
    ("torch", "Tensor"),
})  # fmt: skip
_FRAMES: Final = frozenset({"DataFrame", "Series"})


class EncodingSteps:
    """Encodes the large arguments of a call, if it has any: iterate over it, and let other tasks run in between.

    The sizes of values are estimated by some of their elements. Errors are left to the encoding of the whole call.

    Args:
        call: the call. Its arguments must not change meanwhile.

    Attributes:
        call: the call, with large arguments encoded once the iteration has ended.
    """

    def __init__(self, call: BoundCall) -> None:
        self.call: BoundCall = call

    def __iter__(self) -> Iterator[None]:
        return iter(()) if _are_small(cast("Mapping[str, JSON]", self.call.values)) else self._encode()

    def _encode(self) -> Iterator[None]:
        values = self.call.values
        large = [name for name, value in values.items() if _is_large(value, at_root=not name)]
        if not large:
            return
        encoded: dict[str, object] = {}
        try:
            for name in large:
                pieces: list[bytes] = []
                yield from _encode(values[name], pieces)
                encoded[name] = EncodedJSON(b"".join(pieces))
        except (TypeError, ValueError, RecursionError):
            return
        call = self.call
        self.call = BoundCall(call.endpoint, {**values, **encoded}, call.files, call.route)


def _are_small(values: Mapping[str, JSON]) -> bool:
    """Whether it is seen at once that the arguments are small: few values, of JSON's types, and not much text."""
    found, size = [*values.values()], 0
    for value in found:  # which grows meanwhile
        if type(value) is str:
            size += len(value)
        elif isinstance(value, (dict, list)):
            found += value.values() if isinstance(value, dict) else value
            if len(found) > _FEW:
                return False
        elif type(value) not in _WHOLE:
            return False
    return size <= _MOST


def _is_large(value: object, *, at_root: bool) -> bool:
    """Whether an argument is encoded in steps. Text at the root is not: it may be sent as it is."""
    if type(value) is str:
        return len(value) > _TEXT and not at_root
    return type(value) not in _WHOLE and _size(value) > _MOST


def _size(value: object, sample: int = _SAMPLE, depth: int = 0) -> float:
    """About how many bytes a value has as JSON."""
    if type(value) in _WHOLE:
        return len(value) if isinstance(value, (str, bytes)) else _NUMBER
    array = _as_array(value)
    if array is not None:
        return _size_of_array(array)
    elements, number = cast("Sequence[object]", ()), 0
    if isinstance(value, Mapping):
        members = cast("Mapping[object, object]", value)
        elements, number = [*islice(members.values(), sample)], len(members)
    elif isinstance(value, (list, tuple)):
        elements = cast("Sequence[object]", value)
        number = len(elements)
        elements = elements[:: number // sample] if number > sample else elements
    if not elements or depth == _DEEPEST:
        return _NUMBER
    rest = max(sample // 4, 1)  # so that few are looked at altogether
    return number * (_NUMBER + sum(_size(element, rest, depth + 1) for element in elements) / len(elements))


def _as_array(value: object) -> _Array | None:
    kind = type(value)
    if (kind.__module__.partition(".")[0], kind.__name__) not in _ARRAYS:
        return None
    return cast("_Array", value) if cast("_Array", value).shape else None


def _size_of_array(array: _Array) -> float:
    """About how many bytes an array, a frame or a series has as JSON."""
    number = array.shape[0]
    if type(array).__name__ not in _FRAMES or not number:
        return prod(array.shape) * 2 * _NUMBER
    step = max(1, number // _SAMPLE)
    try:
        return len(to_json(_cut(array)[0:number:step])) * step
    except (TypeError, ValueError):  # raised again by the encoding of the whole call
        return _NUMBER


def _cut(array: _Array) -> _Cut:
    """What cuts an array by positions: of pandas, ``value[1:2]`` may cut by labels."""
    return cast("_Cut", getattr(array, "iloc", array))


def _encode(value: object, pieces: list[bytes]) -> Generator[None, None, None]:
    """Append the JSON of a value to the pieces."""
    size, array = _size(value), _as_array(value)
    if size <= _STEP:
        pieces.append(_json(value))
    elif array is not None:
        is_frame = type(array).__name__ in _FRAMES
        yield from _encode_elements(_cut(array), array.shape[0], size, pieces, whole=is_frame)
    elif type(value) in (list, tuple):
        elements = cast("Sequence[object]", value)
        yield from _encode_elements(elements, len(elements), size, pieces)
    elif type(value) is dict:
        yield from _encode_members(cast("dict[object, object]", value), size, pieces)
    elif type(value) is str:
        pieces.append(b'"')
        for start in range(0, len(value), _STEP):
            pieces.append(to_json(value[start : start + _STEP])[1:-1])
            yield
        pieces.append(b'"')
    else:
        pieces.append(_json(value))
        yield


def _encode_elements(
    value: _Cut, number: int, size: float, pieces: list[bytes], *, whole: bool = False
) -> Generator[None, None, None]:
    """Append the JSON of elements, each of which is taken apart if it is large, unless they are `whole`."""
    step = max(1, int(number * _STEP / size))
    for start in range(0, number, step):
        pieces.append(b"," if start else b"[")
        some = value[start : start + step]
        if step == 1 and not whole:
            yield from _encode(cast("Sequence[object]", some)[0], pieces)
        else:
            pieces.append(_json(some)[1:-1])
        yield
    pieces.append(b"]")


def _encode_members(value: dict[object, object], size: float, pieces: list[bytes]) -> Generator[None, None, None]:
    step = max(1, int(len(value) * _STEP / size))
    members, start = iter(value.items()), 0
    while some := dict(islice(members, step)):
        pieces.append(b"," if start else b"{")
        start += 1
        if len(some) == 1:
            ((key, member),) = some.items()
            pieces.append(_json({key: 0})[1:-2])
            yield from _encode(member, pieces)
        else:
            pieces.append(_json(some)[1:-1])
        yield
    pieces.append(b"}")


def _json(value: object) -> bytes:
    from bento_proto._numbers import write_numbers  # as for small calls

    return write_numbers(value) or to_json(value)
