"""A batch as a step of an engine: one function that travels to its workers."""

from __future__ import annotations

import os
import pickle
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Final, Literal, cast

import bento_sync
from bento_proto import Value
from bento_proto.batch import Concurrency
from bento_proto.schema import Endpoint, Kind

from ._files import directory_of_files, size_limit, too_large

# Those of this process, by its id and their pickle; the one that was used last is the last.
_clients: Final[dict[tuple[int, bytes], bento_sync.SyncHTTPClient]] = {}
_KEPT: Final = 16  # a worker of an engine may live for months, and each job has a client of its own
_lock: threading.Lock = threading.Lock()


def _renew_lock() -> None:
    global _lock  # noqa: PLW0603 - another thread may have held it at the fork
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)


class Mapper:
    """Calls an endpoint with each of many inputs, wherever an engine wants it: in Dask, Ray, Spark, joblib, a pool.

    It can be pickled, and all copies of it in a process share one client, with its connections and its limit of
    concurrent calls. What it is called with decides what it returns:

    * a ``pandas.DataFrame``, a ``pyarrow.Table`` or a dict of columns: the same with one more column, `output`;
    * an iterator of frames, as Spark's ``mapInPandas`` has it: an iterator of such frames;
    * a ``pandas.Series``, as a ``pandas_udf`` has it: a series of results;
    * any other iterable, such as a partition of a Dask bag: a list of results.

    Arrays are sent as images, by Pillow, where the endpoint takes images.

    Engines call a step again when a worker is lost: each input is called at least once.

    A process keeps the 16 clients that it used last. The connections of another are closed when nothing uses it.

    Args:
        client: a client, which is only the model of those that are used: it may be closed.
        endpoint: the endpoint's name.
        input: the column with the inputs, or a mapping of parameters to columns; by default all columns, by name.
        output: the column for the results.
        concurrency: how many calls there are at a time, in each call of this function.
        on_error: what becomes of a call that fails; with ``"return"`` its result is None. Rows can't be skipped.
        content: whether results that are files are returned as bytes, since a file stays on the worker. One that is
            larger than ``Limits.body`` of the client is an error then, as is any other result of that size.

    Raises:
        ValueError: an argument makes no sense.
        TypeError: the client can't be pickled.
    """

    def __init__(
        self,
        client: bento_sync.SyncHTTPClient,
        endpoint: str,
        *,
        input: str | Mapping[str, str] | None = None,
        output: str = "result",
        concurrency: Concurrency = 8,
        on_error: Literal["raise", "return"] = "raise",
        content: bool = True,
    ) -> None:
        if on_error not in ("raise", "return"):
            raise ValueError(f"on_error can be 'raise' or 'return', not {on_error!r}")
        self._pickle = _pickled(client)
        self._endpoint = endpoint
        self._input = input
        self._output = output
        self._concurrency: Concurrency = concurrency
        self._on_error: Literal["raise", "return"] = on_error
        self._content = content

    def __repr__(self) -> str:
        return f"<Mapper {self._endpoint}>"

    @property
    def client(self) -> bento_sync.SyncHTTPClient:
        """The client of this process."""
        key = (os.getpid(), self._pickle)
        with _lock:
            client = _clients.pop(key, None)
            if client is None:
                client = pickle.loads(self._pickle)  # noqa: S301 - made by __init__
            _clients[key] = client
            dropped = [_clients.pop(each) for each in list(_clients)[:-_KEPT]]
        del dropped  # whose connections are closed when nothing else refers to them
        return client

    def __call__(self, data: Any) -> Any:
        """The results: see the class."""
        kind = type(data).__name__
        if isinstance(data, Mapping):
            columns = cast("Mapping[str, Iterable[Value]]", data)
            return {**columns, self._output: _column(self._results(self._given(columns, list(columns))))}
        if kind == "DataFrame":
            results = self._results(self._given(data, list(data.columns)))
            return data.assign(**{self._output: _series(results, data.index)})
        if kind == "Table":
            results = self._results(self._given({name: data[name].to_pylist() for name in data.column_names}, None))
            return data.append_column(self._output, import_module("pyarrow").array(results))
        if kind == "Series":
            return _series(self._results(map(_plain, data)), data.index)
        return self._of_iterable(data)

    def _of_iterable(self, data: Iterable[Any]) -> object:
        if isinstance(data, Iterator):
            first = next(data, None)
            if first is None:
                return iter(())
            if type(first).__name__ in ("DataFrame", "Series"):
                return (self(frame) for frame in _chained(first, data))
            data = _chained(first, data)
        return self._results(self._picked(given) for given in data)

    def _picked(self, given: object) -> Value:
        """An input of a bag: the whole, or its field where `input` names one."""
        if not isinstance(given, Mapping) or self._input is None:
            return cast("Value", given)
        row = cast("Mapping[str, Value]", given)
        if isinstance(self._input, str):
            return row[self._input]
        return {parameter: row[column] for parameter, column in self._input.items()}

    def _given(self, columns: Any, names: list[str] | None) -> Iterator[Value]:
        if isinstance(self._input, str):
            return map(_plain, columns[self._input])
        pairs = self._input or {name: name for name in (names if names is not None else list(columns))}
        rows = zip(*(columns[column] for column in pairs.values()), strict=True)
        return (dict(zip(pairs, map(_plain, row), strict=True)) for row in rows)

    def _results(self, inputs: Iterable[Value]) -> list[Any]:
        client = self.client
        endpoint = client.connect().endpoints.get(self._endpoint)
        images = [each.name for each in endpoint.parameters if each.is_image] if endpoint is not None else []
        if images:
            inputs = (_with_images(given, images) for given in inputs)
        if not self._content or (endpoint is not None and not _may_be_file(endpoint)):
            return self._called(client, inputs)
        with directory_of_files() as directory:
            return self._called(client.with_options(download_dir=directory), inputs)

    def _called(self, client: bento_sync.SyncHTTPClient, inputs: Iterable[Value]) -> list[Any]:
        limit = size_limit(client)
        batch = client.map(self._endpoint, inputs, concurrency=self._concurrency, on_error=self._on_error)
        with batch:
            return [self._returned(outcome.error, outcome.result, limit) for outcome in batch.outcomes()]

    def _returned(self, error: Exception | None, result: object, limit: int) -> object:
        if error is not None:
            return None
        if not self._content or not isinstance(result, Path):
            return result
        error = too_large(result, limit, "content=False returns paths, on the worker")
        if error is not None:
            if self._on_error == "raise":
                raise error
            return None
        content = result.read_bytes()
        result.unlink()
        return content


def _may_be_file(endpoint: Endpoint) -> bool:
    return endpoint.output.kind in (Kind.FILE, Kind.IMAGE, Kind.EITHER)


def _pickled(client: bento_sync.SyncHTTPClient) -> bytes:
    """The client as bytes, by cloudpickle where it is installed, which takes functions too, as the engines do."""
    view = client.with_options(images="path")
    try:
        dumps: Callable[[object], bytes] = import_module("cloudpickle").dumps
    except ImportError:
        return pickle.dumps(view)
    return dumps(view)


def _plain(value: object) -> Value:
    """A value of a column as an argument: scalars of NumPy as Python's."""
    item = getattr(value, "item", None)
    if item is not None and getattr(value, "ndim", None) == 0:
        found: Value = item()
        return found
    return cast("Value", value)


def _with_images(given: Value, images: Sequence[str]) -> Value:
    """An input whose arrays are images where the endpoint takes those: Ray reads images as arrays."""
    if isinstance(given, Mapping):
        row = cast("Mapping[str, Value]", given)
        return {name: _image(value) if name in images else value for name, value in row.items()}
    return _image(given)


def _image(value: Value) -> Value:
    if type(value).__name__ != "ndarray":
        return value
    image: Value = import_module("PIL.Image").fromarray(value)
    return image


def _chained(first: Any, rest: Iterator[Any]) -> Iterator[Any]:
    yield first
    yield from rest


def _series(results: list[Any], index: Any) -> Any:
    pandas: Any = import_module("pandas")
    return pandas.Series(results, index=index, dtype=None if results else object)


def _column(results: list[Any]) -> Any:
    """A column of Ray: an array of numbers or text where all are of a kind, else of objects."""
    numpy: Any = import_module("numpy")
    if results and all(isinstance(result, (bool, int, float, str)) for result in results):
        return numpy.asarray(results)
    column = numpy.empty(len(results), dtype=object)
    for number, result in enumerate(results):
        column[number] = result
    return column
