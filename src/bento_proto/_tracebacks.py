"""What IPython and Jupyter print of an error: the caller's own frames, without those of the clients."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Final, Protocol, cast

_OURS: Final = frozenset({"bento_async", "bento_client", "bento_files", "bento_proto", "bento_sync"})
_BELOW: Final = frozenset({"anyio", "asyncio", "concurrent", "h11", "http", "socket", "ssl", "threading", "urllib3"})
_HINT: Final = "(without the frames of bento_client, which %xmode Verbose shows)"


class _Tracebacks(Protocol):
    mode: str

    def structured_traceback(
        self, kind: type[BaseException], error: BaseException, at: TracebackType | None
    ) -> list[str]: ...


class _Shell(Protocol):
    InteractiveTB: _Tracebacks


def folded(at: TracebackType | None) -> TracebackType | None:
    """A traceback without the frames of the clients, and of what these call; None if nothing else is in it."""
    kept: list[TracebackType] = []
    inside = False
    each = at
    while each is not None:
        package = str(each.tb_frame.f_globals.get("__name__")).partition(".")[0]
        inside = package in _OURS or (inside and package in _BELOW)
        if not inside:
            kept.append(each)
        each = each.tb_next
    found: TracebackType | None = None
    for frame in reversed(kept):
        found = TracebackType(found, frame.tb_frame, frame.tb_lasti, frame.tb_lineno)
    return found


def rendered(error: BaseException) -> list[str]:
    """The lines that IPython prints of an error: folded, unless its mode is Verbose.

    The tracebacks of the error and of its causes stay as they are.
    """
    get_shell = getattr(sys.modules.get("IPython"), "get_ipython", None)
    shell = cast("_Shell | None", get_shell() if callable(get_shell) else None)
    if shell is None:
        from traceback import format_exception

        return format_exception(error)
    tracebacks = shell.InteractiveTB
    if tracebacks.mode == "Verbose":
        return tracebacks.structured_traceback(type(error), error, error.__traceback__)
    whole: dict[BaseException, TracebackType | None] = {}
    each: BaseException | None = error
    while each is not None and each not in whole:
        whole[each] = each.__traceback__
        each = each.__cause__ or each.__context__
    try:
        for one, at in whole.items():
            one.__traceback__ = folded(at) or (at if one is error else None)
        return [*tracebacks.structured_traceback(type(error), error, error.__traceback__), _HINT]
    finally:
        for one, at in whole.items():
            one.__traceback__ = at
