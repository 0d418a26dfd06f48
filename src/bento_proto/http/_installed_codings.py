"""The content codings that need a package: Brotli (RFC 7932) and Zstandard (RFC 8878), where one is installed."""

from __future__ import annotations

from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

from ._accept_encoding import has_brotli, zstd_module
from ._inflater import PIECE, Inflater

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Final

_WINDOW: Final = 23  # RFC 9659: as a content coding, Zstandard has windows of 8 MiB (2 ** 23 bytes) at most
_BROTLI_LIMIT: Final = 1 << 14  # the decompressor goes over its limit, to 32 KiB with this one


def installed_inflater(coding: str, expansion: float) -> Inflater | None:
    """The decompressor for a coding; None if none is installed."""
    if coding == "br" and has_brotli():
        return BrotliInflater(expansion)
    if coding == "zstd" and zstd_module():
        return ZstdInflater(expansion)
    return None


class BrotliInflater(Inflater):
    """Decompresses Brotli. Data behind its end is an error.

    The decompressor drops what came before a fault, and can't be copied. So a second one is kept a piece behind; after
    a fault that takes the piece byte by byte, so that any split gives the same bytes.
    """

    __slots__ = ("_behind", "_machine")

    def __init__(self, expansion: float) -> None:
        brotli = import_module("brotli")
        super().__init__(expansion, brotli.error)
        self._machine = cast("_BrotliDecompressor", brotli.Decompressor())
        self._behind = cast("_BrotliDecompressor", brotli.Decompressor())

    def _blocks(self, data: bytes) -> Iterator[bytes]:
        given = 0
        try:
            for block in _decompressed(self._machine, data):
                given += len(block)
                yield block
        except self._error:
            yield from self._intact(data, given)
            raise
        for _ in _decompressed(self._behind, data):
            pass

    def _intact(self, data: bytes, given: int) -> Iterator[bytes]:
        """What comes of the data before the fault, without as many bytes as were given."""
        with suppress(self._error):
            for at in range(len(data) - 1):
                for block in _decompressed(self._behind, data[at : at + 1]):
                    if len(block) > given:
                        yield block[given:]
                    given = max(given - len(block), 0)

    def _is_complete(self) -> bool:
        return self._machine.is_finished()


def _decompressed(machine: _BrotliDecompressor, data: bytes) -> Iterator[bytes]:
    while block := machine.process(data, output_buffer_limit=_BROTLI_LIMIT):
        yield block
        if machine.is_finished():
            return
        data = b""  # the decompressor has kept what is left of it


class ZstdInflater(Inflater):
    """Decompresses Zstandard: any number of frames. Other data behind a frame is an error."""

    __slots__ = ("_machine", "_new", "_options")

    def __init__(self, expansion: float) -> None:
        zstd = import_module(zstd_module())
        super().__init__(expansion, zstd.ZstdError)
        self._options = {zstd.DecompressionParameter.window_log_max: _WINDOW}
        self._new = cast("_NewZstdDecompressor", zstd.ZstdDecompressor)
        self._machine = self._new(options=self._options)

    def _blocks(self, data: bytes) -> Iterator[bytes]:
        while data or not self._machine.needs_input:
            if self._machine.eof:
                if not data:
                    return
                self._machine = self._new(options=self._options)
            piece = self._machine.decompress(data, PIECE)
            if piece:
                yield piece
            data = self._machine.unused_data if self._machine.eof else b""

    def _is_complete(self) -> bool:
        return self._machine.eof


class _BrotliDecompressor(Protocol):
    def process(self, data: bytes, /, *, output_buffer_limit: int) -> bytes: ...
    def is_finished(self) -> bool: ...


class _ZstdDecompressor(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


class _NewZstdDecompressor(Protocol):
    def __call__(self, *, options: Mapping[int, int]) -> _ZstdDecompressor: ...
