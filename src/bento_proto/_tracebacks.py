"""IPython and Jupyter: errors with the caller's own frames, without those of the clients; completion without jedi."""

from __future__ import annotations

from types import TracebackType
from typing import Final

from ._shell import Shell, running_shell

_OURS: Final = frozenset({"bento_async", "bento_client", "bento_files", "bento_proto", "bento_sync"})
_BELOW: Final = frozenset({"anyio", "asyncio", "concurrent", "h11", "http", "socket", "ssl", "threading", "urllib3"})
_RENDER: Final = "_render_traceback_"  # IPython's protocol
_ALLOWED: Final = "allowed_getattr_external"
_CLIENTS: Final = ("bento_async", "bento_sync")
_HINT: Final = "(without the frames of bento_client, which %xmode Verbose shows)"


def prepare_shell() -> None:
    """If IPython runs, fold errors of wrong arguments too, and let it look at the endpoints of clients to complete.

    A handler of errors that the user has set stays.
    """
    shell = running_shell()
    if shell is None:
        return
    if not shell.custom_exceptions:
        shell.set_custom_exc((TypeError, ValueError), _show)
    overrides = getattr(shell.Completer, "policy_overrides", None)
    if overrides is not None:
        allowed = {*overrides.get(_ALLOWED, ()), *_CLIENTS}
        shell.Completer.policy_overrides = {**overrides, _ALLOWED: allowed}


def _show(
    shell: Shell,
    kind: type[BaseException],
    error: BaseException,
    at: TracebackType | None,
    tb_offset: int | None = None,
) -> None:
    """Show an error as IPython does, but one that comes through the clients without their frames."""
    each, is_ours = at, False
    while each is not None and not is_ours:
        is_ours, each = _package(each) in _OURS, each.tb_next
    if not is_ours:
        shell.showtraceback((kind, error, at), tb_offset=tb_offset)
        return
    vars(error)[_RENDER] = lambda: rendered(error)
    try:
        shell.showtraceback((kind, error, at), tb_offset=tb_offset)
    finally:
        del vars(error)[_RENDER]


def _package(at: TracebackType) -> str:
    return str(at.tb_frame.f_globals.get("__name__")).partition(".")[0]


def folded(at: TracebackType | None) -> TracebackType | None:
    """A traceback without the frames of the clients, and of what these call; None if nothing else is in it."""
    kept: list[TracebackType] = []
    inside = False
    each = at
    while each is not None:
        package = _package(each)
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
    shell = running_shell()
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
