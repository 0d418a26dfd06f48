"""Which content codings can be decoded: gzip and deflate always, others where a package is installed."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Final

# The module whose presence tells that Zstandard is there, and the one to import: that of Python 3.14, and its backport.
# The package `zstandard` is not used: its incremental decompressor does not limit what comes of one piece of input.
_ZSTD: Final = (("_zstd", "compression.zstd"), ("backports.zstd", "backports.zstd"))


def accept_encoding() -> str:
    """The value of Accept-Encoding: the codings that can be decoded."""
    return "gzip, deflate" + ", br" * has_brotli() + ", zstd" * bool(zstd_module())


@cache
def has_brotli() -> bool:
    """Whether the package `brotli` is installed, in a version (1.2) whose decompressor can limit its output."""
    try:  # only the module itself tells its version at a low price
        return hasattr(import_module("brotli").Decompressor, "can_accept_more_data")
    except (ImportError, AttributeError):
        return False


@cache
def zstd_module() -> str:
    """The name of the module that decodes Zstandard, which is not imported for this; empty if there is none."""
    return next((module for sign, module in _ZSTD if _exists(sign)), "")


def _exists(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):  # there is no `backports` at all, or something odd in its place
        return False
