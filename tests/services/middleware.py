"""Services whose answers pass through something: gzip, bearer tokens, trace ids, CORS."""

from __future__ import annotations

import asyncio
import typing as t
from collections.abc import AsyncGenerator
from pathlib import Path

import bentoml
from shapes.models import written
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import JSONResponse


class BearerAuth:
    """Lets in who carries the token; readiness is everybody's."""

    def __init__(self, app: t.Any, token: str) -> None:
        self.app = app
        self.token = token

    async def __call__(self, scope: t.Any, receive: t.Any, send: t.Any) -> None:
        if scope["type"] == "http" and scope["path"] not in ("/readyz", "/livez"):
            headers = {name.decode().lower(): value.decode("latin-1") for name, value in scope["headers"]}
            if headers.get("authorization") != f"Bearer {self.token}":
                await JSONResponse({"detail": "unauthorized"}, status_code=401)(scope, receive, send)
                return
        await self.app(scope, receive, send)


# Compressed, and only for the token s3cret.
@bentoml.service(name="ZooMiddleware")
class ZooMiddleware:
    @bentoml.api
    def big_text(self, n: int = 5000) -> str:
        return "é" * n

    @bentoml.api
    def big_json(self, n: int = 5000) -> list[int]:
        return list(range(n))

    @bentoml.api
    def file_out(self, ctx: bentoml.Context) -> Path:
        return written(ctx, "g.txt", b"gzip me " * 1000)

    @bentoml.api
    async def stream(self, n: int = 5) -> AsyncGenerator[str, None]:
        for i in range(n):
            yield f"tök{i} " * 200
            await asyncio.sleep(0.05)


ZooMiddleware.add_asgi_middleware(GZipMiddleware, minimum_size=500)
ZooMiddleware.add_asgi_middleware(BearerAuth, token="s3cret")


@bentoml.service(
    name="ZooTrace",
    http={
        "response": {"trace_id": True},
        "cors": {
            "enabled": True,
            "access_control_allow_origins": ["http://allowed"],
            "access_control_allow_methods": ["*"],
            "access_control_expose_headers": ["X-BentoML-Request-ID"],
        },
    },
)
class ZooTrace:
    @bentoml.api
    def echo(self, text: str = "hi") -> str:
        return text

    @bentoml.api
    async def stream(self) -> AsyncGenerator[str, None]:
        yield "a"
        yield "b"


@bentoml.service(name="ZooNoMetrics", metrics={"enabled": False})
class ZooNoMetrics:
    @bentoml.api
    def echo(self, text: str = "hi") -> str:
        return text
