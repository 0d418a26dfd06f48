"""The IPython that runs, as far as results, errors and completion need it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Mapping
from types import TracebackType
from typing import Protocol, TypeVar, cast

T = TypeVar("T")


class _Formatter(Protocol):
    def __call__(self, value: object, /) -> object: ...
    def for_type(self, typ: type[T], func: Callable[[T], str | None], /) -> object: ...


class _DisplayFormatter(Protocol):
    formatters: Mapping[str, _Formatter]


class _Tracebacks(Protocol):
    mode: str

    def structured_traceback(
        self, kind: type[BaseException], error: BaseException, at: TracebackType | None
    ) -> list[str]: ...


class _Completer(Protocol):
    policy_overrides: Mapping[str, Collection[object]]  # since IPython 9


class Shell(Protocol):
    """IPython's ``InteractiveShell``."""

    InteractiveTB: _Tracebacks
    Completer: _Completer
    custom_exceptions: tuple[type[BaseException], ...]
    display_formatter: _DisplayFormatter

    def set_custom_exc(self, kinds: tuple[type[BaseException], ...], handler: object, /) -> None: ...
    def showtraceback(
        self, error: tuple[type[BaseException], BaseException, TracebackType | None], /, *, tb_offset: int | None
    ) -> None: ...


def running_shell() -> Shell | None:
    """IPython's shell, in a terminal or a notebook; None where none runs. It imports nothing."""
    get_shell = getattr(sys.modules.get("IPython"), "get_ipython", None)
    return cast("Shell | None", get_shell() if callable(get_shell) else None)
