"""The endpoints of a Service as a person reads them."""

from __future__ import annotations

import pickle
from collections.abc import Mapping

import pytest

from bento_proto import JSON
from bento_proto.schema import Endpoints, parse_service, signature_text, summary_of


def endpoints(*routes: Mapping[str, JSON]) -> Endpoints:
    given: list[JSON] = [{"route": f"/{route['name']}", "input": {}, "output": {}, **route} for route in routes]
    return Endpoints(parse_service({"name": "S", "routes": given}).endpoints)


SHOP = endpoints(
    {
        "name": "price",
        "doc": "The price of an item.\n\nIn euros.",
        "input": {
            "properties": {"item": {"type": "string"}, "number": {"type": "integer", "default": 1}},
            "required": ["item"],
        },
        "output": {"type": "number"},
    },
    {"name": "train", "is_task": True, "batchable": True, "output": {"type": "string"}},
)


def test_they_are_a_mapping() -> None:
    assert list(SHOP) == ["price", "train"]
    assert len(SHOP) == 2
    assert SHOP["price"].route == "/price"
    assert dict(SHOP) == SHOP
    assert pickle.loads(pickle.dumps(SHOP)) == SHOP


def test_they_are_listed_with_signatures_and_descriptions() -> None:
    assert repr(SHOP).splitlines() == [
        "price(item: str, number: int | None = 1) -> float",
        "    The price of an item.",
        "train() -> str  # task, batchable",
    ]
    assert repr(Endpoints({})) == "no endpoints"
    assert signature_text(SHOP["train"]) == "() -> str"
    assert summary_of(SHOP["price"]) == "The price of an item."
    assert summary_of(SHOP["train"]) == ""


def test_a_name_that_is_not_there_is_told_with_those_like_it() -> None:
    assert "price" in SHOP
    assert "prise" not in SHOP
    assert SHOP.get("prise") is None
    with pytest.raises(KeyError, match="no endpoint 'prise'; did you mean 'price'"):
        SHOP["prise"]


def test_a_notebook_has_a_table() -> None:
    table = SHOP._repr_html_()
    assert table.count("<tr>") == 2
    assert "<code>(item: str, number: int | None = 1) -&gt; float</code><br>The price of an item." in table


def test_text_of_a_server_is_made_safe() -> None:
    hostile = endpoints({"name": "<script>\n\x1b[2J", "route": "/x", "doc": "<img src=x>\x1b]0;owned\x07"})
    assert repr(hostile).splitlines() == [r"<script> \x1b[2J() -> Any", r"    <img src=x>\x1b]0;owned\x07"]
    assert "<script>" not in hostile._repr_html_()
    assert "<img" not in hostile._repr_html_()


def test_a_listing_has_an_end() -> None:
    many = endpoints(*({"name": f"f{number}"} for number in range(101)))
    assert repr(many).splitlines()[-2:] == ["f99() -> Any", "... and 1 more"]
    assert many._repr_html_().count("<tr>") == 100
