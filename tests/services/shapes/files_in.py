"""Endpoints that take files and images: alone, beside JSON, in lists, optional, inside a model."""

from __future__ import annotations

import typing as t
from pathlib import Path

import bentoml
from bentoml.validators import ContentType
from PIL.Image import Image

from .models import FileModel2, Item, describe, describe_image


class FilesIn:
    @bentoml.api
    def file_in(self, f: Path) -> dict[str, t.Any]:
        return describe(f)

    @bentoml.api
    def file_and_json(
        self,
        f: Path,
        name: str,
        n: int = 1,
        flag: bool = False,
        item: t.Optional[Item] = None,
        tags: list[str] = [],
    ) -> dict[str, t.Any]:
        return {
            "f": describe(f),
            "name": name,
            "n": n,
            "flag": flag,
            "item": item.model_dump() if item else None,
            "tags": tags,
        }

    @bentoml.api
    def file_optional(self, f: t.Optional[Path] = None, name: str = "x") -> dict[str, t.Any]:
        return {"f": describe(f) if f else None, "name": name}

    @bentoml.api
    def file_optional_pep604(self, f: Path | None = None, name: str = "x") -> dict[str, t.Any]:
        return {"f": str(f), "name": name}

    @bentoml.api
    def two_files(self, a: Path, b: Path) -> list[int]:
        return [a.stat().st_size, b.stat().st_size]

    @bentoml.api
    def file_list(self, files: list[Path]) -> list[dict[str, t.Any]]:
        return [describe(f) for f in files]

    @bentoml.api
    def file_list_optional(self, files: t.Optional[list[Path]] = None, name: str = "x") -> dict[str, t.Any]:
        return {"n": None if files is None else len(files), "name": name}

    @bentoml.api
    def audio_in(self, f: t.Annotated[Path, ContentType("audio/mp3")]) -> dict[str, t.Any]:
        return describe(f)

    @bentoml.api
    def any_image_file_in(self, f: t.Annotated[Path, ContentType("image/*")]) -> dict[str, t.Any]:
        return describe(f)

    @bentoml.api
    def image_in(self, img: Image) -> dict[str, t.Any]:
        return describe_image(img)

    @bentoml.api
    def image_and_text(self, img: Image, prompt: str = "p") -> dict[str, t.Any]:
        return {**describe_image(img), "prompt": prompt}

    @bentoml.api
    def image_optional(self, img: t.Optional[Image] = None, prompt: str = "p") -> dict[str, t.Any]:
        return {"img": describe_image(img) if img else None, "prompt": prompt}

    @bentoml.api
    def image_list(self, imgs: list[Image]) -> list[dict[str, t.Any]]:
        return [describe_image(img) for img in imgs]

    @bentoml.api
    def file_in_nested_model(self, m: FileModel2) -> str:
        return f"{m.name} {m.upload.stat().st_size}"

    @bentoml.api(input_spec=FileModel2)
    def file_in_input_spec(self, **params: t.Any) -> str:
        return f"{params['name']} {params['upload'].stat().st_size}"
