"""What a caller may give: files, tensors, frames and models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from bento_proto._frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from dataclasses import Field
    from os import PathLike
    from typing import IO, ClassVar, TypeAlias

    from bento_proto._types import Value

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


FileContent: TypeAlias = "str | PathLike[str] | _Readable | bytes | bytearray | memoryview | _Image"
"""What a file may be read from: a path, the ``http(s)://`` URL of a file, an open binary file, bytes, an image."""


class File(Frozen):
    """A file argument with a name or a media type of the caller's choice.

    Wherever an endpoint takes a file, it also takes the content alone: a path, an open binary file, bytes, a Pillow
    image, or the ``http(s)://`` URL of a file, which the server fetches.

    Attributes:
        content: a path, an open binary file, bytes, or a Pillow image.
        name: the file name that the server sees; by default the file's own.
        content_type: its media type; by default guessed from the name.
    """

    content: FileContent
    name: str | None = None
    content_type: str | None = None


FileInput: TypeAlias = "FileContent | File"
"""What a file argument may be."""

TensorInput: TypeAlias = "_Array | _Tensor | Sequence[TensorInput] | float | None"
"""What the argument for a tensor may be: an array of NumPy, torch, TensorFlow ..., or numbers in nested lists."""

FrameInput: TypeAlias = "_Frame | _Frames | Sequence[Mapping[str, object]] | Mapping[str, Sequence[object]]"
"""What the argument for a frame may be: a pandas or polars frame, its rows, or by column what is in it."""

ModelInput: TypeAlias = "_Model | _Dataclass"
"""What may stand for a JSON object: a pydantic model or a dataclass, whose fields only the server checks."""
