"""The inputs of a batch, read from a file while they are called."""

from __future__ import annotations

import csv
import io
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO, Final

_BLOCK: Final = 1 << 20
_ROWS: Final = 1000  # of a Parquet file at a time


class Inputs:
    """The inputs of a file: an iterator, which can be used once.

    Args:
        read: reads them.
        total: how many there are; None if that is not known.

    Attributes:
        total: how many there are; None if that is not known.
    """

    def __init__(self, read: Iterator[object], total: int | None = None) -> None:
        self._read = read
        self.total: int | None = total

    def __iter__(self) -> Iterator[object]:
        return self._read


def read_inputs(
    source: str | os.PathLike[str], kind: str | None = None, row: Callable[[Mapping[str, str]], object] = dict
) -> Inputs:
    """The inputs of a file, which is read as they are asked for.

    Args:
        source: a ``.jsonl``, ``.csv`` or ``.parquet`` file; a directory, whose files are the inputs, in the order of
            their names; or ``-`` for standard input, as JSONL.
        kind: ``"jsonl"``, ``"csv"`` or ``"parquet"``, if the name does not say it.
        row: makes an input of a row of CSV, whose values are text.

    Raises:
        ValueError: the kind is unknown, a line is not JSON, or a row has more values than there are names.
        ModuleNotFoundError: the file is Parquet, and pyarrow is not installed.
        OSError: the file can't be read.
    """
    if os.fspath(source) == "-":
        binary: BinaryIO = sys.stdin.buffer
        return Inputs(_rows(binary, row) if kind == "csv" else _lines(binary, "stdin"))
    path = Path(source)
    if path.is_dir():
        names = sorted(entry.name for entry in os.scandir(path) if entry.is_file() and entry.name[:1] != ".")
        return Inputs((path / name for name in names), len(names))
    kind = kind or {".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv", ".parquet": "parquet"}.get(
        path.suffix.lower()
    )
    if kind == "parquet":
        return _parquet(path)
    if kind not in ("csv", "jsonl"):
        raise ValueError(f"{path}: inputs are .jsonl, .csv, .parquet or a directory; or say what it is")
    file = path.open("rb")  # closed with the iterator
    if kind == "csv":
        return Inputs(_rows(file, row))
    return Inputs(_lines(file, str(path)), _count(path))


def _count(path: Path) -> int:
    """The number of lines that are not empty, but for empty ones amid others."""
    count, last = 0, b"\n"
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            count += block.count(b"\n")
            last = block[-1:]
    return count + (last != b"\n")


def _lines(file: BinaryIO, name: str) -> Iterator[object]:
    with file:
        for number, line in enumerate(file, 1):
            if line.strip():
                try:
                    yield json.loads(line)
                except ValueError as exc:
                    raise ValueError(f"{name}, line {number}: not JSON: {exc}") from None


def _rows(file: BinaryIO, row: Callable[[Mapping[str, str]], object]) -> Iterator[object]:
    with io.TextIOWrapper(file, encoding="utf-8-sig", newline="") as text:
        reader = csv.DictReader(text)
        for fields in reader:
            if None in fields:
                raise ValueError(f"line {reader.line_num} has more values than the first line has names")
            yield row({name: value for name, value in fields.items() if value is not None})  # a short row has fewer


def _parquet(path: Path) -> Inputs:
    parquet: Any = import_module("pyarrow.parquet")  # which the user has, or not
    file = parquet.ParquetFile(path)
    rows = (row for block in file.iter_batches(batch_size=_ROWS) for row in block.to_pylist())
    return Inputs(rows, file.metadata.num_rows)
