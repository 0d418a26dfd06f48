"""Large arrays of numbers as JSON, by orjson where that is installed (the extra ``speed``) and gives the same as json.

That is nearly all that a call with a tensor costs. Whatever orjson reads or writes otherwise, or not at all, is json's.
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

_MANY: Final = 256  # numbers; with fewer it does not matter
_EXACT: Final = 2.0**63  # orjson makes floats of the integers that are larger


@cache
def _orjson() -> ModuleType | None:
    try:
        import orjson
    except ImportError:
        return None
    return orjson


def write_numbers(value: object) -> bytes | None:
    """A large NumPy array as JSON; None if that is for json to do."""
    if type(value).__name__ != "ndarray" or type(value).__module__ != "numpy":
        return None
    array, orjson = cast("NDArray[np.float64]", value), _orjson()
    if orjson is None or array.size < _MANY or array.dtype.kind not in "fiub" or array.dtype.itemsize > 8:
        return None
    import numpy as np

    if array.dtype.kind == "f":
        array = array.astype(np.float64)  # as `tolist` does, whose digits are those of a float
        if not np.isfinite(array).all():  # orjson would make null of them
            return None
    if not array.dtype.isnative:  # what orjson does not take
        return None
    return cast("bytes", orjson.dumps(np.ascontiguousarray(array), option=orjson.OPT_SERIALIZE_NUMPY))


def read_numbers(data: bytes) -> JSON:
    """A JSON document, if it is large and orjson takes it; else None. `are_exact` tells whether to believe it."""
    orjson = _orjson()
    if orjson is None or len(data) < _MANY:
        return None
    try:
        return cast("JSON", orjson.loads(data))
    except ValueError:  # NaN, say, or not JSON at all
        return None


def are_exact(value: object) -> bool:
    """Whether an array that was made of what `read_numbers` read is the one that json would have led to."""
    if type(value).__name__ != "ndarray":
        return False
    array = cast("NDArray[np.float64]", value)
    if array.dtype.kind == "f":
        return bool(array.size and abs(array).max() < _EXACT)
    return array.dtype.kind in "iub"
