"""`JSONStreamDecoder`: a stream of JSON values."""

from __future__ import annotations

import json

from bento_proto import JSON
from bento_proto.response import JSONStreamDecoder
from fuzz.support import Source, cut, decoded, same, splits

LIMIT = 128
DIGITS = 5000  # a number is never cut, whatever the limit


def test_one_input(data: bytes) -> None:
    """However the chunks are cut, their items are the same, and so is the error at the end.

    Values that were encoded one behind the other come out as they were. No more is held than one item may have.
    """
    source = Source(data)
    if source.flag():
        _encoded(source)
        return
    seed = source.integer(0, 0xFFFF)
    chunks = cut(source.rest(), seed) if seed & 1 else [source.rest()]
    splitted = zip(*(splits(chunk, seed) for chunk in chunks), strict=True)
    same(decoded(lambda: JSONStreamDecoder(_same, LIMIT), pieces, LIMIT + DIGITS + 4) for pieces in splitted)


def _encoded(source: Source) -> None:
    values, text = [], ""
    seed, pretty = source.integer(0, 0xFFFF), source.flag()
    for _ in range(source.integer(0, 6)):
        value = _value(source, 3)
        bare = isinstance(value, (int, float)) and not isinstance(value, bool)
        values.append(value)
        text += json.dumps(value, ensure_ascii=source.flag(), indent=1 if pretty else None)
        text += source.choice((" ", "\n", "\r\n\t")) if bare else source.choice(("", "", "\n"))
    results = (
        decoded(lambda: JSONStreamDecoder(_same, 1 << 20), [pieces])
        for pieces in splits(text.encode("utf-8", "replace"), seed)
    )
    items, error = same(results)
    assert error is None, text
    assert repr(items) == repr([json.loads(json.dumps(value).encode()) for value in values])


def _value(source: Source, depth: int) -> JSON:
    kind = source.integer(0, 7 if depth else 5)
    if kind == 0:
        return source.choice((None, True, False, float("nan"), float("inf"), -float("inf")))
    if kind == 1:
        return source.integer(-(1 << 40), 1 << 40)
    if kind == 2:
        return source.integer(-(1 << 40), 1 << 40) / float(1 << 10 * source.integer(0, 9))
    if kind in (3, 4, 5):
        return source.take(source.integer(0, 12)).decode("utf-8", "replace") + source.choice(
            ("", '"', "\\", "{", "]", "}")
        )
    if kind == 6:
        return [_value(source, depth - 1) for _ in range(source.integer(0, 3))]
    return {f"k{number}": _value(source, depth - 1) for number in range(source.integer(0, 3))}


def _same(value: JSON) -> JSON:
    return value
