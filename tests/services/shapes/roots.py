"""Endpoints with root input: one positional-only parameter, whose value is the whole request body.

Collections are ``typing``'s here, because BentoML's validation errors of root input say how the type was written.
"""

from __future__ import annotations

import typing as t
from pathlib import Path

import bentoml
import numpy as np
import pandas as pd
from bentoml.validators import ContentType
from PIL.Image import Image

from .models import FileModel, Item, describe, describe_image


class Roots:
    @bentoml.api
    def root_str(self, text: str, /) -> str:
        return text.upper()

    @bentoml.api
    def root_bytes(self, data: bytes, /) -> bytes:
        return data[::-1]

    @bentoml.api
    def root_int(self, n: int, /) -> int:
        return n + 1

    @bentoml.api
    def root_int_default(self, n: int = 5, /) -> int:
        return n + 1

    @bentoml.api
    def root_str_default(self, s: str = "dflt", /) -> str:
        return s

    @bentoml.api
    def root_optional(self, n: t.Optional[int], /) -> str:
        return repr(n)

    @bentoml.api
    def root_list(self, items: t.List[int], /) -> int:
        return sum(items)

    @bentoml.api
    def root_dict(self, d: t.Dict[str, int], /) -> int:
        return sum(d.values())

    @bentoml.api
    def root_model(self, item: Item, /) -> Item:
        return item

    @bentoml.api
    def root_file(self, f: Path, /) -> dict[str, t.Any]:
        return describe(f)

    @bentoml.api
    def root_file_ct(self, f: t.Annotated[Path, ContentType("audio/mp3")], /) -> dict[str, t.Any]:
        return describe(f)

    @bentoml.api
    def root_image(self, img: Image, /) -> dict[str, t.Any]:
        return describe_image(img)

    @bentoml.api
    def root_files(self, fs: t.List[Path], /) -> int:
        return len(fs)

    @bentoml.api
    def root_file_model(self, m: FileModel, /) -> str:
        return f"{m.name} {m.upload.stat().st_size} {m.extra!r}"

    @bentoml.api
    def root_ndarray(self, a: np.ndarray, /) -> float:
        return float(a.sum())

    @bentoml.api
    def root_df(self, df: pd.DataFrame, /) -> list[str]:
        return list(df.columns)

    @bentoml.api
    def root_markdown(
        self, s: t.Annotated[str, ContentType("text/markdown")], /
    ) -> t.Annotated[str, ContentType("text/markdown")]:
        return "# " + s

    @bentoml.api
    def root_ctx(self, text: str, /, ctx: bentoml.Context) -> str:
        return f"{ctx.request.headers.get('content-type')}|{text}"
