"""Batches that outlive their process, and batches as a step of an engine such as Dask, Ray or Spark.

`write_jsonl` writes a line for each result and can continue a file, as ``bento-client map`` does; `read_inputs` reads
the inputs from a file. A `Mapper` is one picklable function for engines, with one client in each process.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._inputs import Inputs, read_inputs
    from ._mapper import Mapper
    from ._results import Summary, write_jsonl


# Written by tools/exports.py from the imports above: a name is loaded when it is first asked for (PEP 562).
if not TYPE_CHECKING:
    from importlib import import_module as _import_module

    _MODULES = {
        "._inputs": "Inputs read_inputs",
        "._mapper": "Mapper",
        "._results": "Summary write_jsonl",
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
    "Inputs", "Mapper", "Summary", "read_inputs", "write_jsonl",
)  # fmt: skip
