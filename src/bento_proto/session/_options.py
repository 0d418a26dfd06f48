"""The options of a client and of a single call."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from os import PathLike, fspath
from types import EllipsisType
from typing import Final, Literal, TypeAlias

from bento_proto import exchange, observe
from bento_proto._frozen import Frozen
from bento_proto._types import Fields
from bento_proto.http._headers import checked_fields, merged
from bento_proto.http._limits import Timeout
from bento_proto.observe._hooks import hooks_of
from bento_proto.policy._retry import RetryPolicy

_HELP: Final = 1.0  # seconds

Images: TypeAlias = Literal["pillow", "path"]
"""The type of results that are images: a ``PIL.Image.Image`` if Pillow is installed, or always a file."""

FileStrings: TypeAlias = Literal["urls", "paths", "both", "neither"]
"""The meaning of a ``str`` where a file is due: the URL of a file, which the server fetches; a path; both; or neither,
so that it is refused."""

SocketOptions: TypeAlias = Sequence[tuple[int, int, int | bytes]]
"""Options of a socket: for each, the arguments of ``socket.setsockopt``."""


class Options(Frozen):
    """The options of a client and of a single call.

    Attributes:
        timeout: the timeouts.
        headers: the header fields of every request.
        retries: the retry policy.
        download_dir: the directory for results that are files; None for a temporary one of the process.
        images: the type of results that are images: ``"pillow"`` or ``"path"``.
        hooks: the hooks of each request.
        on_progress: called with the progress of uploads and downloads.
        file_strings: the meaning of a ``str`` where a file is due: `FileStrings`.
    """

    timeout: Timeout
    headers: Fields
    retries: RetryPolicy
    download_dir: str | None = None
    images: Images = "pillow"
    hooks: tuple[observe.Hooks, ...] = ()
    on_progress: exchange.OnProgress | None = None
    file_strings: FileStrings = "urls"

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
        """A copy with some options changed; ``...`` leaves an option as it is.

        Headers replace those of the same name. Hooks are added, unless they are there already.

        Raises:
            TypeError, ValueError: an option is invalid.
        """
        if isinstance(download_dir, EllipsisType):
            download_dir = self.download_dir
        if isinstance(images, EllipsisType):
            images = self.images
        if images not in ("pillow", "path"):
            raise ValueError(f"images must be 'pillow' or 'path', not {images!r}")
        if isinstance(file_strings, EllipsisType):
            file_strings = self.file_strings
        if file_strings not in ("urls", "paths", "both", "neither"):
            raise ValueError(f"file_strings must be 'urls', 'paths', 'both' or 'neither', not {file_strings!r}")
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

    @property
    def of_help(self) -> Options:
        """A copy for what a person at a prompt waits for."""
        return self.replace(timeout=self.timeout.within(_HELP))

    def of_request(
        self,
        timeout: Timeout | float | EllipsisType | None,
        headers: Mapping[str, str] | None,
        cookies: Mapping[str, str] | None,
    ) -> Options:
        """A copy for a request of the caller's own.

        Raises:
            TypeError, ValueError: an option is invalid.
        """
        if cookies:
            headers = {**(headers or {}), "cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}
        return self.changed(timeout, headers)
