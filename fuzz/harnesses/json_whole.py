"""`parse_json`, `WholeDecoder`, and `to_json`."""

from __future__ import annotations

import json

from bento_proto import RemoteProtocolError
from bento_proto.json import parse_json, to_json
from bento_proto.response import WholeDecoder
from fuzz.support import Source, decoded, same, splits

LIMIT = 512


def test_one_input(data: bytes) -> None:
    """A body is what `json` says it is, or a `RemoteProtocolError` with the body; what was parsed is encoded as itself.

    However it is cut, it is the same, and no more is held than the limit.
    """
    source = Source(data)
    seed, body = source.integer(0, 0xFFFF), source.rest()
    most = LIMIT + len(body)
    items, error = same(
        decoded(lambda: WholeDecoder(parse_json, LIMIT), [pieces], most) for pieces in splits(body, seed)
    )
    assert (error is None) is (len(items) == 1)
    try:
        value = parse_json(body)
    except RemoteProtocolError as exc:
        assert exc.body == body
        assert error is not None
        return
    assert repr(value) == repr(json.loads(body.decode("utf-8-sig")))
    if len(body) <= LIMIT:
        assert repr(items) == repr([value])
    try:
        encoded = to_json(value)
    except ValueError as exc:  # escaped in the body, a lone surrogate may stand; it can't be sent
        assert "surrogate" in str(exc) or "nested too deeply" in str(exc)
        return
    assert repr(parse_json(encoded)) == repr(value)
