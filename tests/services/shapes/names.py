"""Endpoints under routes of their own, and endpoints that are named like the attributes of a client."""

from __future__ import annotations

import typing as t

import bentoml


class Names:
    @bentoml.api(route="/v1/x")
    def custom_route(self, n: int = 1) -> int:
        return n

    @bentoml.api(route="/v1/nested/deep/route")
    def nested_route(self, n: int = 1) -> int:
        return n + 1

    @bentoml.api(route="/v1/with space/ü")
    def weird_route(self) -> str:
        return "weird"

    @bentoml.api(route="/v1/users/{user_id}/items")
    def path_param_route(self, n: int, ctx: bentoml.Context) -> dict[str, t.Any]:
        return {"n": n, "path": dict(ctx.request.path_params)}

    @bentoml.api(route="/trailing/")
    def trailing_slash(self) -> str:
        return "slash"

    @bentoml.api(route="/", name="ignored_name")
    def root_route(self, n: int = 7) -> int:
        return n

    # BentoML itself can't call the ones named call, close, is_ready and endpoints: its server answers 500.

    @bentoml.api
    def call(self, x: int = 1) -> str:
        return f"endpoint call {x}"

    @bentoml.api
    def close(self) -> str:
        return "endpoint close"

    @bentoml.api
    def url(self) -> str:
        return "endpoint url"

    @bentoml.api
    def request(self, method: str = "m") -> str:
        return f"endpoint request {method}"

    @bentoml.api
    def is_ready(self) -> str:
        return "endpoint is_ready"

    @bentoml.api
    def app(self) -> str:
        return "endpoint app"

    @bentoml.api
    def service(self) -> str:
        return "endpoint service"

    @bentoml.api
    def client(self) -> str:
        return "endpoint client"

    @bentoml.api
    def serde(self) -> str:
        return "endpoint serde"

    @bentoml.api
    def endpoints(self) -> str:
        return "endpoint endpoints"

    @bentoml.api
    def server_ready_timeout(self) -> str:
        return "endpoint server_ready_timeout"

    @bentoml.api
    def self_and_name(self, name: str = "n", endpoint: str = "e", headers: str = "h") -> str:
        return name + endpoint + headers

    @bentoml.api
    def _private(self) -> str:
        return "endpoint _private"
