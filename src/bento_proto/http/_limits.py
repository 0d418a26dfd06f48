"""Timeouts and limits of a client."""

from __future__ import annotations

from collections.abc import Mapping
from types import EllipsisType
from typing import ClassVar, Final, cast

from bento_proto._frozen import Frozen
from bento_proto._guesses import OF_LIMITS, OF_TIMEOUTS, explains

# Operating systems count the milliseconds of a wait in 31 bits: that is 24 days at most.
_ENDLESS: Final = 2_000_000.0


class Timeout(Frozen):
    """The timeouts of a call, in seconds; None for no timeout.

    ``Timeout(5)`` sets all but ``total``; ``Timeout(10, connect=5)`` all but that one and ``total``.

    Attributes:
        connect: for a connection to be made, TLS included.
        send: for the server to accept the next block of the request.
        receive: for the head of the response; for all of the body of an error, of a schema, or of a task's status; and
            for the next bytes of any other body.
        pool: for a connection of the pool to become free.
        total: for the whole call, with retries and redirects, and until the end of a stream. The discovery of the
            Service, before the first call, has the same time for itself.
    """

    connect: float | None = 30.0
    send: float | None = 30.0
    receive: float | None = 30.0
    pool: float | None = 30.0
    total: float | None = None

    @explains(OF_TIMEOUTS)
    def __init__(
        self,
        default: float | None = 30.0,
        /,
        *fields: float | None,
        connect: float | EllipsisType | None = ...,
        send: float | EllipsisType | None = ...,
        receive: float | EllipsisType | None = ...,
        pool: float | EllipsisType | None = ...,
        total: float | EllipsisType | None = ...,
    ) -> None:
        if fields and len(fields) < 3:  # of which some would be set silently, and others not
            raise TypeError("Timeout() takes one number for all, or keywords: connect, send, receive, pool, total")
        given = (default, *fields) if fields else (default,) * 4
        named = (connect, send, receive, pool, total)
        values = (*given, *(None,) * (5 - len(given)))
        for field, value, name in zip(self.__match_args__, values, named, strict=True):
            object.__setattr__(self, field, value if name is ... else name)

    @classmethod
    def of(cls, value: Timeout | float | None) -> Timeout:
        """The timeouts that a caller gives.

        A number sets all but ``total``, as in BentoML's client; None means no timeout. Infinity, and a number that is
        too large for the operating system, become None.

        Raises:
            TypeError: the value is something else, such as a tuple or the timeout of another library.
            ValueError: a timeout is negative or not a number.
        """
        given = cast("object", value)
        if not isinstance(given, (Timeout, int, float, type(None))):
            raise TypeError(
                f"a timeout is a number of seconds, None, or Timeout(connect=..., send=..., receive=..., total=...), "
                f"not {value!r}"
            )
        timeout = value if isinstance(value, Timeout) else cls(value)
        waits = (timeout.connect, timeout.send, timeout.receive, timeout.pool, timeout.total)
        if any(seconds is not None and not seconds >= 0 for seconds in waits):
            raise ValueError(f"a timeout must be a number of seconds from 0 up, or None: {value!r}")
        return cls(*(seconds if seconds is not None and seconds <= _ENDLESS else None for seconds in waits))

    def within(self, remaining: float | None) -> Timeout:
        """A copy in which no timeout, the total included, is longer than the seconds that remain."""
        if remaining is None or remaining > _ENDLESS:
            return self
        waits = (self.connect, self.send, self.receive, self.pool, self.total)
        return Timeout(*(remaining if seconds is None else min(seconds, remaining) for seconds in waits))

    def after(self, seconds: float) -> Timeout:
        """A copy for a step that began so many seconds ago: no timeout is longer than what remains of the total."""
        return self if self.total is None else self.within(max(self.total - seconds, 0.0))


class Limits(Frozen):
    """The limits of a client, so that no server can exhaust its memory. Sizes are in bytes.

    Attributes:
        schema: size of ``/schema.json``.
        body: size of a result in memory: JSON, text, bytes, an image. Files are written to disk and not limited.
        item: size of one item of a stream.
        expansion: how many bytes one byte of a compressed response may become in memory, for a result, an image or an
            item of a stream that is larger than 1 MiB; `math.inf` for no limit. Files and streams
            are handed on: one read may become 64 MiB of a file or 2 MiB of a stream in any case.
        error: size of the body of an error; the rest is not read.
        head: size of the head of a response, of the line before a chunk, and of what follows the last chunk.
        interim: number of interim responses (status 1xx) before the final one.
        redirects: number of redirects that one call follows.
        connections: how many connections a client has to one origin at a time; further calls queue.
        idle: the most connections that stay open while no call uses them, for some seconds.
        lifetime: the seconds after which a connection is not used for another request, so that a host name that moved
            is followed; None for no limit.
        keepalive_expiry: the seconds after which an idle connection is not used again, unless the server announces
            that it closes it sooner, or was seen to; None for what the server announces, or else four.
    """

    schema: int = 16 << 20
    body: int = 512 << 20
    item: int = 64 << 20
    expansion: float = 100
    error: int = 1 << 20
    head: int = 1 << 16
    interim: int = 16
    redirects: int = 10
    connections: int = 100
    idle: int = 100
    lifetime: float | None = 300.0
    keepalive_expiry: float | None = None
    _guesses: ClassVar[Mapping[str, str]] = OF_LIMITS
