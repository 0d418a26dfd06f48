"""`Inflater`: what undoes gzip and deflate."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Sequence

from bento_proto import Head, RemoteProtocolError
from bento_proto.http._content_coding import inflater
from fuzz.support import Source, same, splits

PIECE = 1 << 16
MOST = 1 << 22  # enough of a bomb


def test_one_input(data: bytes) -> None:
    """Bytes come out in small pieces, and if the body is sound, all of them whichever way it was cut; else an error.

    What was compressed comes out as it was; of several gzip members the sum, and nothing of a body that is cut.
    """
    source = Source(data)
    coding, seed, doing = source.choice(("gzip", "x-gzip", "deflate")), source.integer(0, 0xFFFF), source.integer(0, 2)
    if doing == 0:
        body = source.rest()
        results = [_inflated(coding, pieces) for pieces in splits(body, seed)]
        same(result if not failed else b"" for result, failed in results)
        same(iter([failed for _, failed in results]))
        return
    plain = source.take(source.integer(0, 255)) * (1 << source.integer(0, 12))
    place = source.integer(0, 0xFFFF)
    compress = zlib.compress if coding == "deflate" else gzip.compress
    body = compress(plain)
    if doing == 1:
        if coding != "deflate":
            body, plain = body + compress(b"more"), plain + b"more"
        assert all(_inflated(coding, pieces) == (plain, False) for pieces in splits(body, seed))
    else:
        short = body[: 1 + place % (len(body) - 1)]
        assert all(_inflated(coding, pieces)[1] for pieces in splits(short, seed)), (
            "a body that is cut passed for whole"
        )


def _inflated(coding: str, pieces: Sequence[bytes]) -> tuple[bytes, bool]:
    """All that comes out, and whether it ended in an error."""
    machine = inflater(Head(200, (("content-encoding", coding),)))
    assert machine is not None
    plain: list[bytes] = []
    size = 0
    try:
        for piece in pieces:
            for part in machine.feed(piece):
                assert 0 < len(part) <= PIECE
                plain.append(part)
                size += len(part)
                if size > MOST:  # as a decoder with a limit would
                    return b"", False
        machine.finish()
    except RemoteProtocolError:
        return b"".join(plain), True
    return b"".join(plain), False
