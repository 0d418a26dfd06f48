"""What a client asks of its process and of the system."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterable, Mapping
from contextlib import suppress
from importlib import import_module


class ProcessMixin:
    """The environment, the system's settings and chance, for a client that is derived from it."""

    @staticmethod
    def _environ() -> Mapping[str, str]:
        return os.environ

    @staticmethod
    def _system_proxies() -> Mapping[str, str]:
        from ._system_proxies import system_proxies  # where `proxy=` is given, it is not needed

        return system_proxies()

    @staticmethod
    def _random() -> float:
        import random  # slow to load, and only retries have use for it

        return random.random()  # noqa: S311 - it spreads retries


def load(modules: Iterable[str]) -> None:
    """Import modules, as far as they are installed."""
    for module in modules:
        with suppress(ImportError):
            import_module(module)


def _before_fork() -> None:
    # Only another thread can be amid an import; and no client is in use before `logging` is loaded. To load that here
    # would have its own hook for the end of a fork run without the one for the beginning.
    if threading.active_count() > 1 and "logging" in sys.modules:
        from ._forks import load_all  # few processes fork

        load_all()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork)
