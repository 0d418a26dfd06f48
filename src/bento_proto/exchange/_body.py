"""The interface of what reads the body of a response. `bento_proto.response` implements it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from typing import Generic, NoReturn, Protocol, TypeAlias, TypeVar

from bento_proto.errors import RemoteProtocolError
from bento_proto.http._messages import Head

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class ResultKind(Enum):
    """What becomes of the items of a response."""

    VALUE = "value"
    """There is one, which is the result of the call: the adapter reads the body to its end."""
    ITEMS = "items"
    """They are handed to the caller one by one."""
    FILE = "file"
    """They are the bytes of a file."""
    IMAGE = "image"
    """They are the bytes of an image, which becomes a ``PIL.Image`` or, without Pillow, a file."""


class Decoder(Protocol[T_co]):
    """Decodes a body into items. Each method returns the items that it completed.

    Each raises `RemoteProtocolError` if the body is malformed, and `LimitExceeded` if it is too large. The ``items`` of
    the error are those that the same bytes completed before. A decoder that has raised is over: it raises the same for
    whatever comes then.
    """

    @property
    def result_kind(self) -> ResultKind:
        """What becomes of the items."""
        ...

    def feed(self, data: bytes, /) -> Sequence[T_co]:
        """Take the next bytes."""
        ...

    def boundary(self) -> Sequence[T_co]:
        """A chunk of the chunked coding ends here: the only thing that separates bare numbers in a stream."""
        ...

    def finish(self) -> Sequence[T_co]:
        """The body is complete."""
        ...


class LargeItem(Generic[T]):
    """What a decoder returns in place of a large item of a stream, if its exchange `defers <Exchange.defers>`.

    Args:
        make: makes the item; this may take a second or more.
    """

    __slots__ = ("convert",)

    def __init__(self, make: Callable[[], T]) -> None:
        self.convert: Callable[[], T] = make


def ended(decoder: object, error: RemoteProtocolError) -> RemoteProtocolError:
    """An error that a decoder is about to raise, and will raise again for whatever comes."""
    kind, message = type(error), error.message

    def again(*_: object) -> NoReturn:
        raise kind(message)

    for name in ("feed", "boundary", "finish"):
        setattr(decoder, name, again)
    return error


Reader: TypeAlias = Callable[[Head], Decoder[T]]
"""Chooses the decoder of the body, given the head of the response."""
