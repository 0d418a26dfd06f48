"""A tensor as a NumPy array in and out, sent as JSON. Each contender returns a function for one call."""

from __future__ import annotations

# mypy: disable-error-code="import-not-found,import-untyped"
import functools
import json
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.work import SHAPE

Call = Callable[[], object]


@functools.cache
def image() -> Any:
    """Return the array to send."""
    return np.random.default_rng(7).random(SHAPE, dtype=np.float32)


def _post(url: str, encode: Callable[[], bytes], decode: Callable[[bytes], object]) -> Call:
    import urllib3

    pool = urllib3.PoolManager()
    headers = {"content-type": "application/json"}
    return lambda: decode(pool.request("POST", f"{url}/negative", body=encode(), headers=headers).data)


def json_by_hand(url: str) -> Call:
    return _post(url, lambda: json.dumps({"image": image().tolist()}).encode(), lambda data: np.array(json.loads(data)))


def orjson_by_hand(url: str) -> Call:
    import orjson

    return _post(
        url,
        lambda: orjson.dumps({"image": image()}, option=orjson.OPT_SERIALIZE_NUMPY),
        lambda data: np.array(orjson.loads(data)),
    )


def bentoml(url: str) -> Call:
    import bentoml

    client: Any = bentoml.SyncHTTPClient(url)
    return lambda: client.negative(image=image())


def bento_sync(url: str) -> Call:
    """Without the extra."""
    sys.modules["orjson"] = None  # type: ignore[assignment]  # makes its import fail
    return bento_sync_speed(url)


def bento_sync_speed(url: str) -> Call:
    """With the extra ``speed``."""
    from bento_sync import SyncHTTPClient

    client = SyncHTTPClient(url)
    return lambda: client.negative(image=image())


CONTENDERS: dict[str, Callable[[str], Call]] = {
    "bento_sync": bento_sync,
    "bento_sync, speed": bento_sync_speed,
    "json by hand": json_by_hand,
    "orjson by hand": orjson_by_hand,
    "bentoml": bentoml,
}
