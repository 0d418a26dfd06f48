"""Endpoints that take and give NumPy arrays and pandas frames."""

from __future__ import annotations

import typing as t

import bentoml
import numpy as np
import pandas as pd
from bentoml.validators import DataframeSchema, DType, Shape

from .models import TensorModel


class Arrays:
    @bentoml.api
    def nd(self, a: np.ndarray) -> np.ndarray:
        return a * 2

    if hasattr(bentoml, "task"):  # BentoML 1.2 can't give a tensor of a certain shape

        @bentoml.api
        def nd_typed(
            self, a: t.Annotated[np.ndarray, DType("float32"), Shape((2, 2))]
        ) -> t.Annotated[np.ndarray, DType("float32"), Shape((2, 2))]:
            return a * 2

    @bentoml.api
    def nd_info(self, a: t.Annotated[np.ndarray, DType("float16"), Shape((-1, 2))]) -> dict[str, t.Any]:
        return {"dtype": str(a.dtype), "shape": list(a.shape)}

    @bentoml.api
    def nd_optional(self, a: t.Optional[np.ndarray] = None) -> str:
        return repr(a)

    @bentoml.api
    def nd_list(self, arrays: list[np.ndarray]) -> dict[str, np.ndarray]:
        return {str(i): a for i, a in enumerate(arrays)}

    @bentoml.api
    def nd_model(self, m: TensorModel) -> TensorModel:
        return TensorModel(name=m.name, data=m.data + 1)

    @bentoml.api
    def nd_special(self) -> np.ndarray:
        return np.array([1.0, np.nan, np.inf])

    @bentoml.api
    def nd_kinds(self, kind: str = "int") -> np.ndarray:
        return {
            "int": np.array([1, 2], dtype="int64"),
            "bool": np.array([True, False]),
            "str": np.array(["a", "b"]),
            "complex": np.array([1 + 2j]),
            "scalar": np.array(3.5),
            "empty": np.zeros((0, 3)),
            "datetime": np.array(["2024-01-01"], dtype="datetime64[D]"),
            "object": np.array([{"a": 1}, None], dtype=object),
        }[kind]

    @bentoml.api
    def df(self, df: pd.DataFrame) -> pd.DataFrame:
        return df

    @bentoml.api
    def df_columns(
        self, df: t.Annotated[pd.DataFrame, DataframeSchema(orient="columns", columns=["a", "b"])]
    ) -> t.Annotated[pd.DataFrame, DataframeSchema(orient="columns")]:
        return df

    @bentoml.api
    def df_special(self) -> pd.DataFrame:
        return pd.DataFrame({"a": [1.0, None], "t": pd.to_datetime(["2024-01-01", None])})

    @bentoml.api(batchable=True, batch_dim=(0, 0), max_batch_size=8)
    def batch_nd(self, xs: np.ndarray) -> np.ndarray:
        return xs * 10
