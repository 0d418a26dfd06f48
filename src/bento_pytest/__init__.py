"""A plugin for pytest: doubles of Services, and recordings of real ones, as fixtures. pytest finds it by itself."""

from __future__ import annotations

from ._plugin import Recording, bento_double, bento_recording, pytest_addoption

__all__ = ("Recording", "bento_double", "bento_recording", "pytest_addoption")
