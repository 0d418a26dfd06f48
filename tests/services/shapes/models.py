"""The models, enums and exceptions that several rooms share, and what an endpoint says about a file that it got."""

from __future__ import annotations

import enum
import hashlib
import typing as t
from http import HTTPStatus
from pathlib import Path

import bentoml
import numpy as np
from _bentoml_sdk import IODescriptor  # BentoML 1.2 has it nowhere else
from bentoml.exceptions import BentoMLException, InvalidArgument
from PIL.Image import Image
from pydantic import BaseModel, Field


class Item(BaseModel):
    sku: str
    qty: int = 1
    note: t.Optional[str] = None


class Address(BaseModel):
    street: str
    zip: t.Optional[str] = None


class Order(BaseModel):
    """An order."""

    id: int
    items: list[Item]
    ship_to: Address
    bill_to: t.Optional[Address] = None
    tags: dict[str, str] = {}
    by_sku: dict[str, Item] = {}


class Receipt(BaseModel):
    total: int
    order: Order


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class StrColor(str, enum.Enum):
    RED = "red"
    BLUE = "blue"


class IntLevel(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Token(BaseModel):
    i: int
    text: str


class Params(BaseModel):
    prompt: str = Field(description="the prompt", max_length=20)
    temperature: float = Field(default=0.5, ge=0, le=2)


class TensorModel(IODescriptor):
    name: str
    data: np.ndarray


# Two of the same: one use as a positional-only parameter marks the class itself as root input, for all its uses.
class FileModel(IODescriptor):
    name: str
    upload: Path
    extra: t.Optional[str] = None


class FileModel2(IODescriptor):
    name: str
    upload: Path
    extra: t.Optional[str] = None


class Teapot(BentoMLException):
    error_code = HTTPStatus.IM_A_TEAPOT


class Conflict(BentoMLException):
    error_code = HTTPStatus.CONFLICT


class MyInvalid(InvalidArgument):
    pass


class Unauthorized(BentoMLException):
    error_code = HTTPStatus.UNAUTHORIZED


class Forbidden(BentoMLException):
    error_code = HTTPStatus.FORBIDDEN


class RateLimited(BentoMLException):
    error_code = HTTPStatus.TOO_MANY_REQUESTS


class BadGateway(BentoMLException):
    error_code = HTTPStatus.BAD_GATEWAY


def describe(path: Path) -> dict[str, t.Any]:
    """Size, SHA-256, and what of the sent file name survived in the name of the server's temporary file."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return {
        "size": path.stat().st_size,
        "sha256": digest.hexdigest(),
        "suffix_of_temp_name": path.name[path.name.find("tmp") + 11 :],
    }


def describe_image(image: Image) -> dict[str, t.Any]:
    return {"format": image.format, "size": list(image.size), "mode": image.mode}


def written(ctx: bentoml.Context, name: str, data: bytes) -> Path:
    """A file of that name and content, in the directory that the server removes after the request."""
    path = Path(ctx.temp_dir) / name
    path.write_bytes(data)
    return path
