"""Endpoints that fail, in every way that an author can make them fail, and some that are merely slow."""

from __future__ import annotations

import asyncio
import time
import typing as t

import bentoml
from bentoml.exceptions import (
    BentoMLException,
    InternalServerError,
    InvalidArgument,
    NotFound,
    ServiceUnavailable,
    UnprocessableEntity,
)
from pydantic import Field, ValidationError
from starlette.exceptions import HTTPException

from .models import (
    BadGateway,
    Conflict,
    Forbidden,
    Item,
    MyInvalid,
    Order,
    RateLimited,
    Teapot,
    Unauthorized,
)


def _validation_error() -> Exception:
    try:
        Item(qty="x")  # type: ignore[arg-type,call-arg]
    except ValidationError as error:
        return error
    raise AssertionError("a string is no quantity")


class Errors:
    @bentoml.api
    def err(self, kind: str) -> str:
        errors: dict[str, t.Callable[[], Exception]] = {
            "InvalidArgument": lambda: InvalidArgument("bad thing: é"),
            "MyInvalid": lambda: MyInvalid("my invalid"),
            "NotFound": lambda: NotFound("no such thing"),
            "UnprocessableEntity": lambda: UnprocessableEntity("unproc"),
            "ServiceUnavailable": lambda: ServiceUnavailable("try later"),
            "InternalServerError": lambda: InternalServerError("secret 500"),
            "BentoMLException": lambda: BentoMLException("base"),
            "status_ctx": lambda: BentoMLException("base"),
            "Teapot": lambda: Teapot("short and stout"),
            "Conflict": lambda: Conflict("conflict"),
            "Unauthorized": lambda: Unauthorized("who are you"),
            "Forbidden": lambda: Forbidden("no"),
            "RateLimited": lambda: RateLimited("slow down"),
            "BadGateway": lambda: BadGateway("upstream"),
            "Plain": lambda: RuntimeError("secret"),
            "ValueError": lambda: ValueError("secret value"),
            "AssertionError": lambda: AssertionError("secret assert"),
            "KeyboardlessSystemExit": lambda: Exception("x"),
            "HTTPException": lambda: HTTPException(status_code=418, detail="http exception"),
            "Pydantic": _validation_error,
        }
        error = errors[kind]()
        raise error

    @bentoml.api
    def bad_output(self) -> int:
        return "not an int"  # type: ignore[return-value]

    @bentoml.api
    def bad_output_model(self) -> Item:
        return {"qty": 1}  # type: ignore[return-value]

    @bentoml.api
    def dict_for_model(self) -> Item:
        return {"sku": "from-dict", "qty": 2}  # type: ignore[return-value]

    @bentoml.api
    async def validated(
        self,
        prompt: t.Annotated[str, Field(max_length=5)],
        temperature: t.Annotated[float, Field(ge=0, lt=2)] = 1.0,
        order: t.Optional[Order] = None,
    ) -> str:
        return "ok"

    @bentoml.api
    async def slow(self, seconds: float = 1.0) -> str:
        await asyncio.sleep(seconds)
        return "done"

    @bentoml.api
    def slow_sync(self, seconds: float = 1.0) -> str:
        time.sleep(seconds)
        return "done"
