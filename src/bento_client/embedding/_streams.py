"""The connections that an embedder makes."""

from __future__ import annotations

from typing import Protocol


class NetworkStream(Protocol):
    """A connection, as `AbstractAsyncClient.open` makes it. It serves one exchange."""

    async def read(self, max_bytes: int, timeout: float | None, /) -> bytes:
        """Wait for bytes; return those that came, at most so many, and none if the peer has closed its side.

        Raises:
            TimeoutError: nothing came in that many seconds.
            OSError: the connection broke.
        """
        ...

    async def write(self, data: bytes | memoryview, timeout: float | None, /) -> None:
        """Send all of the bytes, which are valid until this returns.

        Raises:
            TimeoutError: it took longer than that many seconds.
            OSError: the connection broke.
        """
        ...

    def close(self) -> object:
        """Close the connection at once. What is left to do then is returned as an awaitable."""
        ...
