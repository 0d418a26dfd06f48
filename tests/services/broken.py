"""A Service that works, but whose ``/schema.json`` fails: the request hangs for the traffic timeout, then is a 500."""

from __future__ import annotations

import bentoml
from pydantic import BaseModel


class Node(BaseModel):
    v: int
    children: list[Node] = []


@bentoml.service(name="ZooRecursive")
class ZooRecursive:
    @bentoml.api
    def walk(self, node: Node) -> int:
        return node.v

    @bentoml.api
    def fine(self, text: str = "hi") -> str:
        return text
