"""What a call comes to, as something that can be compared and printed."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from bento_proto import BentoMLException


def outcome(call: Callable[[], object]) -> object:
    """What the call returns, made plain, or the class of the exception that it raises."""
    try:
        return plain(call())
    except BentoMLException as error:
        return type(error)


def plain(value: object) -> object:
    """Nothing but Python's own types, in which two of the same are equal: NaN is ``"NaN"``, say."""
    if isinstance(value, float) and math.isnan(value):
        return "NaN"
    if isinstance(value, np.ndarray):
        return "array", value.dtype.kind, value.shape, plain(value.tolist())
    if isinstance(value, pd.DataFrame):
        return "frame", plain(value.to_dict("list"))
    if isinstance(value, Image.Image):
        return "image", value.format, value.mode, value.size
    if isinstance(value, Path):
        return "file", value.name, value.read_bytes()
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, Iterator):
        return "stream", [plain(item) for item in value]
    return value
