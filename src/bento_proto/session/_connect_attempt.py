"""The first use of a client, which one caller makes for all that come meanwhile."""

from __future__ import annotations

import copy
from typing import Generic, TypeVar

from bento_proto.errors import BentoMLException, CallTimeout

from ._options import Options

EventT = TypeVar("EventT")


class ConnectAttempt(Generic[EventT]):
    """One caller's attempt to find the Service. Other callers wait for its end instead of making their own.

    Args:
        options: of the caller that makes it.
        over: by which other callers wait: an event of the adapter's kind.

    Attributes:
        error: what it failed with, once it has.
    """

    def __init__(self, options: Options, over: EventT) -> None:
        self._options = options
        self.over: EventT = over
        self.error: BentoMLException | None = None

    def end(self, options: Options) -> None:
        """Tell a caller that waited what the end of the attempt means to it: an error, or that it may go on.

        Args:
            options: of the caller that waited.

        Raises:
            BentoMLException: the attempt failed, and with the same options another one would.
        """
        if self.error is not None and options is self._options:
            raise copy.copy(self.error) from self.error.__cause__

    @staticmethod
    def timed_out(options: Options) -> CallTimeout:
        """The error of a caller that waited for as long as its ``Timeout.total``."""
        error = CallTimeout(f"the Service was not found within {options.timeout.total:g} seconds")
        error.sent = False
        return error
