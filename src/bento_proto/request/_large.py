"""Large arguments as JSON, encoded piece by piece.

`json` encodes a value in one call, during which no other task of an event loop runs. Between the pieces of
`EncodingSteps` an adapter lets them run.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from itertools import islice
from typing import Final, Protocol, cast

from bento_proto._types import JSON
from bento_proto.json import EncodedJSON, to_json

from ._binding import BoundCall

_STEP: Final = 1 << 16  # about how many bytes are encoded at a time
_MOST: Final = 1 << 18  # bytes of an argument that is encoded at once
_FEW: Final = 32  # values that are looked at one by one
_NUMBER: Final = 8  # bytes of a number, about
_SAMPLE: Final = 16  # elements of a container that are looked at, to find out how large the others are
_DEEPEST: Final = 6  # levels that are looked at
_WHOLE: Final = frozenset({str, bytes, int, float, bool, type(None)})


class _Array(Protocol):
    """What is used of ``numpy.ndarray``."""

    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def size(self) -> int: ...
    def __getitem__(self, key: slice[int, int, None], /) -> _Array: ...


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
        values = self.call.values
        if _are_small(cast("Mapping[str, JSON]", values)):
            return
        # Text alone can't be taken apart.
        large = [name for name, value in values.items() if type(value) not in _WHOLE and _size(value) > _MOST]
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


def _size(value: object, sample: int = _SAMPLE, depth: int = 0) -> float:
    """About how many bytes a value has as JSON."""
    if type(value) in _WHOLE:
        return len(value) if isinstance(value, (str, bytes)) else _NUMBER
    array = _as_array(value)
    if array is not None:
        return array.size * 2 * _NUMBER
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
    is_array = type(value).__name__ == "ndarray" and type(value).__module__ == "numpy"
    return cast("_Array", value) if is_array and cast("_Array", value).shape else None


def _encode(value: object, pieces: list[bytes]) -> Generator[None, None, None]:
    """Append the JSON of a value to the pieces."""
    size, array = _size(value), _as_array(value)
    if size <= _STEP:
        pieces.append(_json(value))
    elif array is not None:
        yield from _encode_elements(array, array.shape[0], size, pieces)
    elif type(value) in (list, tuple):
        elements = cast("Sequence[object]", value)
        yield from _encode_elements(elements, len(elements), size, pieces)
    elif type(value) is dict:
        yield from _encode_members(cast("dict[object, object]", value), size, pieces)
    else:
        pieces.append(_json(value))
        yield


def _encode_elements(
    value: _Array | Sequence[object], number: int, size: float, pieces: list[bytes]
) -> Generator[None, None, None]:
    step = max(1, int(number * _STEP / size))
    for start in range(0, number, step):
        pieces.append(b"," if start else b"[")
        some = value[start : start + step]
        if step == 1:
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
    if _as_array(value) is not None:
        from bento_proto._numbers import write_numbers  # as for small calls

        return write_numbers(value) or to_json(value)
    return to_json(value)
