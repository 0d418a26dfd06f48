"""The first use of a client, which one thread makes for all."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bento_proto import BentoMLException

from ._fork import renew_after_fork

if TYPE_CHECKING:
    from collections.abc import Generator

    from bento_proto.session import Options


class Attempt:
    """One attempt of finding the Service.

    Args:
        options: of who makes it.
    """

    def __init__(self, options: Options) -> None:
        self._options = options
        self._over = threading.Event()
        self._error: BentoMLException | None = None

    def follow(self, options: Options, seconds: float | None) -> bool:
        """Wait until it is over; False if that took too long.

        Raises:
            BentoMLException: it failed, and so would one with these options.
        """
        if not self._over.wait(seconds):
            return False
        if self._error is not None and options is self._options:
            import copy  # few fail

            raise copy.copy(self._error) from self._error.__cause__
        return True

    def end(self, error: BentoMLException | None) -> None:
        """It is over."""
        self._error = error
        self._over.set()


class Discovery:
    """The attempts of a client, of which one is made at a time."""

    def __init__(self) -> None:
        self.after_fork()
        renew_after_fork(self)

    def after_fork(self) -> None:
        """Nobody is at it here, whoever was in the parent."""
        self._lock = threading.Lock()
        self._underway: Attempt | None = None

    @contextmanager
    def attempt(self, options: Options) -> Generator[Attempt | None, None, None]:
        """Make the attempt within; unless it gives one, which another thread is at."""
        own = Attempt(options)
        with self._lock:
            underway = self._underway = self._underway or own
        if underway is not own:
            yield underway
            return
        error: BentoMLException | None = None
        try:
            yield None
        except BentoMLException as exc:
            error = exc
            raise
        finally:
            self._underway = None
            own.end(error)
