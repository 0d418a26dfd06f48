"""Event loops: what the client needs of them, and how each provides it."""

from __future__ import annotations
