"""How long a client waits, and how much it takes."""

from __future__ import annotations

from typing import Final

from bento_proto._frozen import Frozen

# What systems wait for is counted in milliseconds with 31 bits: no single wait of theirs is longer than 24 days.
_ENDLESS: Final = 2_000_000.0


class Timeout(Frozen):
    """How long to wait for what, in seconds; None for as long as it takes.

    Attributes:
        connect: for a connection, TLS included.
        send: for the server to take the next block of the request.
        receive: for the next bytes of the answer.
        pool: for a free place in the connection pool.
        total: for the whole call, retries and redirects included; a stream's until its end. Finding the Service, on
            first use, has as long for itself.
    """

    connect: float | None = 30.0
    send: float | None = 30.0
    receive: float | None = 30.0
    pool: float | None = 30.0
    total: float | None = None

    @classmethod
    def of(cls, value: Timeout | float | None) -> Timeout:
        """A number means that many seconds for each single wait, as in BentoML's client; None means no limit.

        So do the infinite and whatever is too long for a system to wait.

        Raises:
            ValueError: a time is negative or not a number.
        """
        timeout = value if isinstance(value, Timeout) else cls(value, value, value, value)
        waits = (timeout.connect, timeout.send, timeout.receive, timeout.pool, timeout.total)
        if any(seconds is not None and not seconds >= 0 for seconds in waits):
            raise ValueError(f"a timeout must be a number of seconds from 0 up, or None: {value!r}")
        return cls(*(seconds if seconds is not None and seconds <= _ENDLESS else None for seconds in waits))

    def within(self, remaining: float | None) -> Timeout:
        """The same with no single wait longer than what remains of a total."""
        if remaining is None or remaining > _ENDLESS:
            return self
        waits = (self.connect, self.send, self.receive, self.pool, remaining)
        return Timeout(*(remaining if seconds is None else min(seconds, remaining) for seconds in waits))

    def after(self, seconds: float) -> Timeout:
        """What is left of it for a step that began so many seconds ago: no single wait is longer than its total."""
        return self if self.total is None else self.within(max(self.total - seconds, 0.0))


class Limits(Frozen):
    """How much an answer may hold, so that no server can exhaust the client's memory. Sizes are bytes.

    Attributes:
        schema: of ``/schema.json``.
        body: of a result held in memory: JSON, text, bytes, an image. Files go to disk and are not counted.
        item: of one item of a stream.
        error: of an error's body; what is beyond is not read.
        head: of an answer's head, and of the head of one chunk.
        interim: how many interim answers (status 1xx) may come before one.
        redirects: how many redirects one call follows.
        connections: how many connections a client has to one origin at a time; further calls queue.
        idle: the most connections that stay open while no call uses them, for some seconds.
        lifetime: the seconds after which a connection is not used for another request, so that a host name that moved
            is followed; None for no limit.
    """

    schema: int = 16 << 20
    body: int = 512 << 20
    item: int = 64 << 20
    error: int = 1 << 20
    head: int = 1 << 16
    interim: int = 16
    redirects: int = 10
    connections: int = 100
    idle: int = 100
    lifetime: float | None = 300.0
