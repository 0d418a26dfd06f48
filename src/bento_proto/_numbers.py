"""Large arrays of numbers as JSON, encoded and parsed by orjson if it is installed (the extra ``speed``).

Numbers take nearly all the time of a call with a tensor. Where orjson's result would differ from that of `json`, or it
refuses the input, `json` is used.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from types import ModuleType
    from typing import Final

    import numpy as np
    from numpy.typing import NDArray

    from ._types import JSON

_MANY: Final = 256  # numbers or bytes; for fewer, orjson saves nothing
_EXACT: Final = 2.0**63  # orjson parses larger integers as floats


@cache
def _orjson() -> ModuleType | None:
    try:
        import orjson
    except ImportError:
        return None
    return orjson


def write_numbers(value: object) -> bytes | None:
    """Encode a large NumPy array as JSON; None if `json` has to encode the value."""
    if type(value).__name__ != "ndarray" or type(value).__module__ != "numpy":
        return None
    array, orjson = cast("NDArray[np.float64]", value), _orjson()
    if orjson is None or array.size < _MANY or array.dtype.kind not in "fiub" or array.dtype.itemsize > 8:
        return None
    import numpy as np

    if array.dtype.kind == "f":
        array = array.astype(np.float64)  # as `tolist` does: a float32 has the digits of a float64
        if not np.isfinite(array).all():  # orjson would write null
            return None
    if not array.dtype.isnative:  # orjson refuses them
        return None
    return cast("bytes", orjson.dumps(np.ascontiguousarray(array), option=orjson.OPT_SERIALIZE_NUMPY))


def read_numbers(data: bytes) -> JSON:
    """Parse a large JSON document by orjson; None if `json` has to parse it. Check the result with `are_exact`."""
    orjson = _orjson()
    if orjson is None or len(data) < _MANY:
        return None
    try:
        return cast("JSON", orjson.loads(data))
    except ValueError:  # NaN, say, or not JSON at all
        return None


def are_exact(value: object) -> bool:
    """Whether an array made of the result of `read_numbers` equals the one that `json` would lead to."""
    if type(value).__name__ != "ndarray":
        return False
    array = cast("NDArray[np.float64]", value)
    if array.dtype.kind == "f":
        return bool(array.size and (abs(array) < _EXACT).all())
    return array.dtype.kind in "iub"
