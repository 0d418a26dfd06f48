"""The first use of a client on an event loop, which one task makes for all."""

from __future__ import annotations

import copy
import math
from contextlib import contextmanager
from typing import TYPE_CHECKING

import anyio
from anyio import CancelScope, Event

from bento_proto import BentoMLException, CallTimeout

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
        self._over = Event()
        self._error: BentoMLException | None = None

    async def follow(self, options: Options) -> None:
        """Wait until it is over.

        Raises:
            BentoMLException: it failed, and so would one with these options.
        """
        await self._over.wait()
        if self._error is not None and options is self._options:
            raise copy.copy(self._error) from self._error.__cause__

    def end(self, error: BentoMLException | None) -> None:
        """It is over."""
        self._error = error
        self._over.set()


class Discovery:
    """The attempts of a client on one event loop, of which one is made at a time."""

    def __init__(self) -> None:
        self._underway: Attempt | None = None

    async def wait(self, options: Options) -> None:
        """Wait until no other task is at it.

        Raises:
            CallTimeout: that took longer than all is to take.
            BentoMLException: the other task's attempt failed, and so would one with these options.
        """
        total = options.timeout.total
        with CancelScope(deadline=math.inf if total is None else anyio.current_time() + total) as scope:
            while self._underway is not None:
                await self._underway.follow(options)
        if scope.cancelled_caught:
            error = CallTimeout(f"the Service was not found within {total:g} seconds")
            error.sent = False
            raise error

    @contextmanager
    def attempt(self, options: Options) -> Generator[None, None, None]:
        """Make an attempt within, which others wait for."""
        own = self._underway = Attempt(options)
        error: BentoMLException | None = None
        try:
            yield
        except BentoMLException as exc:
            error = exc
            raise
        finally:
            self._underway = None
            own.end(error)
