"""The command line ``bento-client``, which needs the extra ``cli``."""

from __future__ import annotations

from ._main import main

__all__ = ("main",)
