"""The arguments of a call, bound to parameters and encoded as the body of a request: JSON, form or raw.

In go Python values; out comes a `Body` of bytes and of files, which are never opened here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._binding import BoundCall, FileSource, bind
    from ._client_request import ClientRequest, Pairs, client_request
    from ._encoding import Upload, encode
    from ._file import File
    from ._inputs import FileContent, FileInput, FrameInput, ModelInput, TensorInput
    from ._large import EncodingSteps
    from ._multipart import Body


# Written by tools/exports.py from the imports above: a name is loaded when it is first asked for (PEP 562).
if not TYPE_CHECKING:
    from importlib import import_module as _import_module

    _MODULES = {
        "._binding": "BoundCall FileSource bind",
        "._client_request": "ClientRequest Pairs client_request",
        "._encoding": "Upload encode",
        "._file": "File",
        "._inputs": "FileContent FileInput FrameInput ModelInput TensorInput",
        "._large": "EncodingSteps",
        "._multipart": "Body",
    }

    def __getattr__(name):
        for module, names in _MODULES.items():
            if name in names.split():
                value = globals()[name] = getattr(_import_module(module, __name__), name)
                return value
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__():
        return {*globals(), *__all__}


__all__ = (
    "Body", "BoundCall", "ClientRequest", "EncodingSteps", "File", "FileContent", "FileInput", "FileSource",
    "FrameInput", "ModelInput", "Pairs", "TensorInput", "Upload", "bind", "client_request", "encode",
)  # fmt: skip
