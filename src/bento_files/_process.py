"""What a client asks of its process and of the system."""

from __future__ import annotations

import os
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
    from ._forks import load_all  # few processes fork

    load_all()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork)
