"""Services that live under a path, or that other ASGI applications live in."""

from __future__ import annotations

import typing as t
from pathlib import Path

import bentoml
from fastapi import FastAPI
from fastapi.responses import RedirectResponse
from shapes.models import written

beside = FastAPI()


@beside.get("/hello")
def beside_hello() -> dict[str, str]:
    return {"hello": "prefix"}


@bentoml.asgi_app(beside, path="/mounted")
@bentoml.service(name="ZooPrefix", path_prefix="/api/v1")
class ZooPrefix:
    @bentoml.api
    def echo(self, text: str = "hi") -> str:
        return text

    @bentoml.api(route="/custom/route")
    def custom(self, n: int = 1) -> int:
        return n

    @bentoml.api
    def file_out(self, ctx: bentoml.Context) -> Path:
        return written(ctx, "p.txt", b"prefix")

    @bentoml.task
    def job(self, n: int = 1) -> int:
        return n


mounted = FastAPI()


@mounted.get("/hello")
def hello(name: str = "world") -> dict[str, str]:
    return {"hello": name}


@mounted.post("/echo")
async def mounted_echo(body: dict) -> dict:
    return body


@mounted.get("/go307")
def go307() -> RedirectResponse:
    return RedirectResponse("/app/hello", status_code=307)


@mounted.get("/sub/{x}")
def sub(x: int) -> int:
    return x


@bentoml.service(name="ZooMounted")
@bentoml.asgi_app(mounted, path="/app", name="mountedapp")
class ZooMounted:
    @bentoml.api
    def echo(self, text: str = "hi") -> str:
        return text

    @mounted.get("/view")
    def view(self) -> dict[str, t.Any]:
        return {"view": self.echo.local("via class view") if hasattr(self.echo, "local") else "x"}
