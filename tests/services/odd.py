"""Endpoints whose names are no identifiers, or special. No decorator gives these, but a schema may hold them."""

from __future__ import annotations

import typing as t

import bentoml
from _bentoml_sdk.method import APIMethod


# The schema shows the endpoint by its route, while the server goes by the attribute's name.
class _Shown(APIMethod):
    __slots__ = ()

    def schema(self) -> dict[str, t.Any]:
        return {**super().schema(), "name": self.route[1:]}


def _endpoint(name: str) -> t.Any:
    def answer(self: object, n: int = 1) -> str:
        return f"{name} {n}"

    method = bentoml.api(route=f"/{name}")(answer)
    method.name = f"endpoint_{_NAMES.index(name)}"
    method.__class__ = _Shown
    return method


_NAMES = ["with-dash", "with space", "1st", "class", "ünïcode", "a.b", "emoji🐘", "__call__", "__class__", ""]

ZooOdd = bentoml.service(name="ZooOdd")(
    type("ZooOdd", (), {f"endpoint_{i}": _endpoint(name) for i, name in enumerate(_NAMES)})
)
