"""The functions that others give to be told of the requests of a call; `_watch` tells them."""

from __future__ import annotations

from ._headers import HARMLESS
from ._typing import TYPE_CHECKING, NamedTuple, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Final

    from ._messages import Fields
    from ._watch import EndEvent, RequestEvent, ResponseEvent, RetryEvent, Watch

REDACTED: Final = "REDACTED"


class Hooks(NamedTuple):
    """Functions that are called at certain points of each request: all of them, also those for readiness and schema.

    They are called in the thread and in the context of the call, and on the event loop, so they must be quick. What
    one raises is raised to who called, and the connection is closed; but where the request has failed or is given up,
    its own error comes first, and what `end` raises is dropped.

    Attributes:
        request: before a request is sent. What it returns is sent as headers, in place of those of the same name:
            a trace context, a signature. To another origin, behind a redirect, none goes that could be a credential.
        response: when an answer has come; of a value all of it, of a stream or a file its head.
        retry: when a request failed and there will be another.
        end: when a request is over: for a stream, when that is.
        enabled: asked once for each call; if it says no, none of the others is called.
    """

    request: Callable[[RequestEvent], Mapping[str, str] | None] | None = None
    response: Callable[[ResponseEvent], object] | None = None
    retry: Callable[[RetryEvent], object] | None = None
    end: Callable[[EndEvent], object] | None = None
    enabled: Callable[[], bool] | None = None


def shown(fields: Fields) -> Fields:
    """The fields of a request without what may be a credential."""
    return tuple((name, value if name in HARMLESS else REDACTED) for name, value in fields)


def hooks_of(given: Hooks | Iterable[Hooks] | None) -> tuple[Hooks, ...]:
    """The hooks that a caller gives: one set, several, or none.

    Raises:
        TypeError: it is something else.
    """
    if given is None:
        return ()
    several = (given,) if isinstance(given, Hooks) else tuple(given)
    for hooks in cast("tuple[object, ...]", several):
        if not isinstance(hooks, Hooks):
            raise TypeError(f"hooks are Hooks, or several of them, not {hooks!r}")
    return several


def watching(hooks: tuple[Hooks, ...]) -> Watch | None:
    """What tells of the requests of one call; None if nobody wants to know."""
    wanted: list[Hooks] = []
    for each in hooks:
        if each.enabled is None or each.enabled():
            wanted.append(each)  # noqa: PERF401 - nearly always there is one, that is not: nothing is made for it
    if not wanted:
        return None
    from ._watch import Watch  # few have use for it, and all would wait for it

    return Watch(tuple(wanted))
