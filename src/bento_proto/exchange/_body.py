"""What reads the body of a response: an interface, which `bento_proto.response` implements."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from typing import Generic, Protocol, TypeAlias, TypeVar

from bento_proto.http._messages import Head

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Decoder(Protocol[T_co]):
    """What turns a body into items. Each method returns the items that it completed.

    All raise `RemoteProtocolError` when the body is not what it should be, `LimitExceeded` when it is too large; the
    items that the same bytes completed before are the error's ``items``.
    """

    def feed(self, data: bytes, /) -> Sequence[T_co]:
        """Take the next bytes."""
        ...

    def boundary(self) -> Sequence[T_co]:
        """Take note that a chunk of the chunked coding ends here, which only bare numbers need."""
        ...

    def finish(self) -> Sequence[T_co]:
        """Take note that the body is whole."""
        ...


class ResultKind(Enum):
    """What becomes of the items of an answer."""

    VALUE = "value"
    """There is one, and it is the result: the adapter reads the body to its end."""
    ITEMS = "items"
    """They go to the caller one by one."""
    FILE = "file"
    """They are the bytes of a file."""
    IMAGE = "image"
    """They are the bytes of an image, which becomes a ``PIL.Image`` or, without Pillow, a file."""


class BodyReader(Generic[T_co]):
    """How to read the body that comes after a head."""

    __slots__ = ("decoder", "result_kind")

    def __init__(self, result_kind: ResultKind, decoder: Decoder[T_co]) -> None:
        self.result_kind: ResultKind = result_kind
        self.decoder: Decoder[T_co] = decoder


ReaderFactory: TypeAlias = Callable[[Head], BodyReader[T]]
"""Chooses, once the head is there, how to read the body."""
