"""What can be set for a client and for a single call."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from os import PathLike, fspath
from types import EllipsisType
from typing import Literal, TypeAlias

from bento_proto import exchange, observe
from bento_proto._frozen import Frozen
from bento_proto._types import Fields
from bento_proto.http._headers import checked_fields, merged
from bento_proto.http._limits import Timeout
from bento_proto.http._redaction import shown
from bento_proto.observe._hooks import hooks_of
from bento_proto.policy._retry import RetryPolicy

Images: TypeAlias = Literal["pillow", "path"]
"""What results that are images become: a ``PIL.Image.Image``, if Pillow is installed, or always a file."""

FileStrings: TypeAlias = Literal["urls", "paths", "both", "neither"]
"""What a ``str`` may be where a file is due: the URL of a file, which the server fetches; the path of a file; both; or
neither, so that it is refused."""


class Options(Frozen):
    """What can be set for a client and for a single call.

    Attributes:
        timeout: how long to wait for what.
        headers: sent with every request.
        retries: what is tried again.
        download_dir: the directory for results that are files; None for one that goes with the process.
        images: what results that are images become: ``"pillow"`` or ``"path"``.
        hooks: called for each request.
        on_progress: told how far the bodies of a call, and of its answer, have come.
        file_strings: what a ``str`` may be where a file is due: `FileStrings`.
    """

    timeout: Timeout
    headers: Fields
    retries: RetryPolicy
    download_dir: str | None = None
    images: Images = "pillow"
    hooks: tuple[observe.Hooks, ...] = ()
    on_progress: exchange.OnProgress | None = None
    file_strings: FileStrings = "urls"

    def __repr__(self) -> str:  # headers may hold a credential
        return Frozen.__repr__(self.replace(headers=shown(self.headers)))

    def changed(
        self,
        timeout: Timeout | float | EllipsisType | None = ...,
        headers: Mapping[str, str] | None = None,
        retries: RetryPolicy | int | EllipsisType = ...,
        download_dir: str | PathLike[str] | EllipsisType | None = ...,
        images: Images | EllipsisType = ...,
        hooks: observe.Hooks | Iterable[observe.Hooks] | None = None,
        on_progress: exchange.OnProgress | EllipsisType | None = ...,
        file_strings: FileStrings | EllipsisType = ...,
    ) -> Options:
        """The same with some of them changed.

        What is ``...`` stays as it is; headers and hooks are added to those that there are, the same hooks only once.
        """
        if isinstance(download_dir, EllipsisType):
            download_dir = self.download_dir
        if isinstance(images, EllipsisType):
            images = self.images
        if images not in ("pillow", "path"):
            raise ValueError(f"images can be 'pillow' or 'path', not {images!r}")
        if isinstance(file_strings, EllipsisType):
            file_strings = self.file_strings
        if file_strings not in ("urls", "paths", "both", "neither"):
            raise ValueError(f"file_strings can be 'urls', 'paths', 'both' or 'neither', not {file_strings!r}")
        return Options(
            self.timeout if timeout is ... else Timeout.of(timeout),
            merged(self.headers, checked_fields(headers)),
            self.retries if retries is ... else RetryPolicy.of(retries),
            None if download_dir is None else fspath(download_dir),
            images,
            (*self.hooks, *(each for each in hooks_of(hooks) if each not in self.hooks)),
            self.on_progress if isinstance(on_progress, EllipsisType) else on_progress,
            file_strings,
        )
