"""Endpoints that take and give lists, dicts, models and NumPy-free nests of them, and ``*args`` and ``**kwargs``."""

from __future__ import annotations

import json
import typing as t

import bentoml

from .models import Item, Order, Params, Receipt


class Containers:
    @bentoml.api
    def echo_dict(self, data: dict[str, t.Any]) -> dict[str, t.Any]:
        return data

    @bentoml.api
    def echo_list(self, items: list[int]) -> list[int]:
        return items

    @bentoml.api
    def echo_tuple(self, pair: tuple[int, str]) -> tuple[int, str]:
        return pair

    @bentoml.api
    def order(self, order: Order) -> Receipt:
        return Receipt(total=sum(item.qty for item in order.items), order=order)

    @bentoml.api
    def items_in_out(self, items: list[Item], index: dict[str, Item] = {}) -> list[Item]:
        return [*items, *index.values()]

    @bentoml.api
    def dict_of_models_out(self) -> dict[str, Item]:
        return {"a": Item(sku="s")}

    @bentoml.api(input_spec=Params)
    def with_input_spec(self, **params: t.Any) -> str:
        return json.dumps(params, sort_keys=True)

    @bentoml.api
    def varargs(self, *args: int) -> dict[str, t.Any]:
        return {"args": repr(args)}

    @bentoml.api
    def varkw(self, **kwargs: t.Any) -> dict[str, t.Any]:
        return {"kwargs": kwargs}

    @bentoml.api
    def mixed_args(self, a: int, *args: int, k: int = 1, **kwargs: t.Any) -> dict[str, t.Any]:
        return {"a": a, "args": repr(args), "k": k, "kwargs": kwargs}

    @bentoml.api(batchable=True, max_batch_size=8, max_latency_ms=2000)
    def batch_list(self, xs: list[int]) -> list[int]:
        return [x * 10 for x in xs]
