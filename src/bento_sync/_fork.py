"""What threads share does not survive a fork: the child has locks that nobody opens, and its parent's sockets."""

from __future__ import annotations

import os
from typing import Final, Protocol
from weakref import WeakSet


class Forkable(Protocol):
    """Something that a forked child must not go on with as it is."""

    def after_fork(self) -> None:
        """Begin anew, in the child."""
        ...


_alive: Final[WeakSet[Forkable]] = WeakSet()


def renew_after_fork(thing: Forkable) -> None:
    """Have something begin anew in each child of this process that is forked while it lives."""
    _alive.add(thing)


def _renew() -> None:
    for thing in list(_alive):
        thing.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)
