"""Typed clients of one Service: a module written from its schema.

`generate` writes it, `check` says whether the Service has changed since; `typed` is what it is written in.
"""

from __future__ import annotations

from ._drift import check
from ._module import generate

__all__ = ("check", "generate")
