"""Endpoints that read the request and write the response through the context."""

from __future__ import annotations

import typing as t

import bentoml
from bentoml.exceptions import InvalidArgument


class Context:
    @bentoml.api
    def ctx_response(self, ctx: bentoml.Context, status: int = 202) -> dict[str, str]:
        ctx.response.status_code = status
        ctx.response.headers["X-Zoo"] = "yes"
        ctx.response.headers.append("X-Multi", "1")
        ctx.response.headers.append("X-Multi", "2")
        ctx.response.set_cookie("session", "abc", max_age=60, httponly=True)
        ctx.response.set_cookie("lang", "en", path="/x", secure=True)
        return {"ok": "yes"}

    @bentoml.api
    def ctx_then_raise(self, ctx: bentoml.Context) -> str:
        ctx.response.status_code = 202
        ctx.response.headers["X-Zoo"] = "yes"
        raise InvalidArgument("after setting the context")

    @bentoml.api
    def ctx_error_status(self, ctx: bentoml.Context) -> dict[str, str]:
        ctx.response.status_code = 400
        return {"error": "set through the context"}

    @bentoml.api
    def ctx_error_status_named_context(self, context: bentoml.Context, status: int = 503) -> str:
        context.response.status_code = status
        return "text body"

    @bentoml.api
    def ctx_content_type(self, ctx: bentoml.Context) -> str:
        ctx.response.headers["content-type"] = "text/html"
        return "<b>x</b>"

    @bentoml.api
    def headers(self, ctx: bentoml.Context) -> list[list[str]]:
        return [list(pair) for pair in ctx.request.headers.items()]

    @bentoml.api
    def cookies(self, ctx: bentoml.Context) -> dict[str, str]:
        return dict(ctx.request.cookies)

    @bentoml.api
    def raw_request(self, ctx: bentoml.Context, x: int = 0) -> dict[str, t.Any]:
        request = ctx.request
        return {
            "method": request.method,
            "url": str(request.url),
            "query": dict(request.query_params),
            "http_version": request.scope.get("http_version"),
            "x": x,
        }
