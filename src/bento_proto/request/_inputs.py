"""The types of the arguments of a call that are more than plain Python values: files, tensors, frames, models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import IO, TYPE_CHECKING, ClassVar, ForwardRef, Protocol, TypeAlias, Union

from bento_proto._types import Value

from ._file import File

if TYPE_CHECKING:
    from dataclasses import Field


class _Readable(Protocol):
    def read(self, size: int = ..., /) -> bytes: ...


class _Image(Protocol):  # Pillow's
    format: str | None

    def save(self, fp: IO[bytes], /, format: str | None = ...) -> None: ...


class _Array(Protocol):  # of NumPy, torch, jax ...
    def tolist(self) -> Value: ...


class _Tensor(Protocol):  # TensorFlow's
    def numpy(self) -> Value: ...


class _Frame(Protocol):  # pandas'
    @property
    def columns(self) -> object: ...
    def iterrows(self) -> object: ...


class _Frames(Protocol):  # polars'
    def to_dicts(self) -> object: ...


class _Model(Protocol):  # pydantic's
    def model_dump(self, *, mode: str = ..., by_alias: bool = ...) -> object: ...


class _Dataclass(Protocol):
    __dataclass_fields__: ClassVar[dict[str, Field[Value]]]


FileContent: TypeAlias = str | PathLike[str] | _Readable | bytes | bytearray | memoryview | _Image
"""What a file may be read from: a path, the ``http(s)://`` URL of a file, an open binary file, bytes, an image."""

FileInput: TypeAlias = FileContent | File
"""A file argument."""

if TYPE_CHECKING:
    TensorInput: TypeAlias = _Array | _Tensor | Sequence["TensorInput"] | float | None
else:  # the reference names this module, so that `typing.get_type_hints` finds it from anywhere
    TensorInput = Union[_Array, _Tensor, ForwardRef("Sequence[TensorInput]", module=__name__), float, None]  # noqa: UP007
"""The argument for a tensor: an array of NumPy, torch, TensorFlow ..., or numbers in nested lists."""

FrameInput: TypeAlias = _Frame | _Frames | Sequence[Mapping[str, object]] | Mapping[str, Sequence[object]]
"""The argument for a frame: a pandas or polars frame, its rows, or its columns by name."""

ModelInput: TypeAlias = _Model | _Dataclass
"""A JSON object given as a pydantic model or a dataclass; only the server checks its fields."""
