"""What the harnesses share: taking fuzzed bytes apart, cutting them, and weighing what a decoder holds."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from types import FunctionType, MethodType, ModuleType
from typing import Protocol, TypeVar

from bento_proto import RemoteProtocolError
from bento_proto.http11 import HTTP11Exchange

T = TypeVar("T")

EDGE = 2_000  # bytes that come singly at either end of a large input: four million events would take a minute


class Source:
    """Fuzzed bytes as a source of values, taken from the front; once they are used up, all that comes is zero.

    The first bytes decide how a harness behaves and what follows them is what it reads, so that a fuzzer's small edits
    are small edits of either.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, size: int) -> bytes:
        start, self._at = self._at, min(self._at + size, len(self._data))
        return self._data[start : self._at]

    def integer(self, low: int, high: int) -> int:
        """A number from `low` to `high`, both included."""
        size = ((high - low).bit_length() + 7) // 8
        return low + int.from_bytes(self.take(size), "big") % (high - low + 1)

    def flag(self) -> bool:
        return self.integer(0, 1) == 1

    def choice(self, options: Sequence[T]) -> T:
        return options[self.integer(0, len(options) - 1)]

    def field(self) -> bytes:
        """A few bytes, whose number comes before them."""
        return self.take(self.integer(0, 255))

    def text(self) -> str:
        """A short text, with lone surrogates where the bytes are not UTF-8."""
        return self.field().decode("utf-8", "surrogateescape")

    def rest(self) -> bytes:
        return self.take(len(self._data))


def cut(data: bytes, seed: int) -> list[bytes]:
    """The bytes, cut in up to eight pieces, some of which may be empty."""
    chance = random.Random(seed)
    places = sorted(chance.randint(0, len(data)) for _ in range(chance.randint(1, 7)))
    return [data[start:end] for start, end in zip([0, *places], [*places, len(data)], strict=True)]


def splits(data: bytes, seed: int) -> Iterator[list[bytes]]:
    """The same bytes in one piece, cut at random, and one by one; of a large input, its beginning and its end."""
    yield [data]
    yield cut(data, seed)
    if len(data) <= 2 * EDGE:
        yield [data[i : i + 1] for i in range(len(data))]
    else:
        edges = ([data[i : i + 1] for i in range(at, at + EDGE)] for at in (0, len(data) - EDGE))
        yield [*next(edges), data[EDGE:-EDGE], *next(edges)]


def same(results: Iterator[T]) -> T:
    """The result, once all are known to be the same; as text, where NaN is itself."""
    first = next(results)
    for other in results:
        assert repr(other) == repr(first), f"another split gives {other!r} instead of {first!r}"
    return first


class Decodes(Protocol):
    def feed(self, data: bytes, /) -> Sequence[object]: ...
    def boundary(self) -> Sequence[object]: ...
    def finish(self) -> Sequence[object]: ...


def decoded(
    make: Callable[[], Decodes], chunks: Sequence[Sequence[bytes]], most: int | None = None
) -> tuple[list[object], type[RemoteProtocolError] | None]:
    """All items of a body, and the error that it ends with, if it does.

    Args:
        make: the decoder.
        chunks: the pieces of each chunk of the body.
        most: what the decoder may hold after a piece.
    """
    decoder = make()
    items: list[object] = []
    try:
        for pieces in chunks:
            for piece in pieces:
                items += decoder.feed(piece)
                if most is not None and len(piece) > 1:  # weighing takes longer than all else
                    assert held(decoder) <= most, f"{held(decoder)} held, where {most} is the most"
            items += decoder.boundary()
        items += decoder.finish()
    except RemoteProtocolError as error:
        return [*items, *error.items], type(error)
    return items, None


def unread(wire: HTTP11Exchange[T]) -> tuple[object, ...]:
    """What holds the bytes that a wire has taken, and not read yet."""
    parser = wire._parser
    return wire._held, wire._chunks, parser and (parser._waiting, parser._connection._receive_buffer)


def held(*roots: object) -> int:
    """How many bytes and characters these objects hold, and whatever they refer to."""
    total = 0
    seen: set[int] = set()
    waiting = list(roots)
    while waiting:
        value = waiting.pop()
        if id(value) in seen or isinstance(value, (type, FunctionType, MethodType, ModuleType)):
            continue
        seen.add(id(value))
        if isinstance(value, (bytes, bytearray, str)):
            total += len(value)
        elif isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, (list, tuple, set, frozenset)):
            waiting += value
        else:
            waiting += getattr(value, "__dict__", {}).values()
            slots = [name for kind in type(value).__mro__ for name in getattr(kind, "__slots__", ())]
            waiting += [getattr(value, name) for name in slots if hasattr(value, name)]
    return total
