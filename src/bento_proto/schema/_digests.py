"""Digests of schemas together with all that they refer to, by which equal models of several endpoints are found."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Final

from bento_proto._types import JSON
from bento_proto.errors import SchemaError

from ._service import Schema

_OF_ITS_PLACE: Final = frozenset(
    {"$defs", "default", "description", "examples", "is_stream", "media_type", "root_input"}
)
_MOST: Final = 200_000  # names that are reached by the endpoints, each counted for itself


class SchemaDigests:
    """Digests of one endpoint's schemas. All of them together take linear time, as references are followed once.

    Args:
        known: what a reference may mean, by name.
        visits: counts the names that all endpoints reach.
    """

    def __init__(self, known: Mapping[str, Schema], visits: Iterator[int]) -> None:
        self._known = known
        self._visits = visits
        self._done: dict[str, str] = {}  # the digest of each name that was reached

    def of(self, schema: Schema) -> str:
        """The digest of a schema, of those to which it refers, directly or through others, and of their names.

        Raises:
            SchemaError: the endpoints of the Service reach too many schemas.
        """
        shape = _shape_of(schema)
        names = self._names_in(shape)
        for name in names:
            if name not in self._done:
                self._visit(name)
        return _digest(shape, {name: self._done[name] for name in names})

    def _names_in(self, schema: JSON) -> list[str]:
        """The known names to which a schema refers directly."""
        return [name for name in dict.fromkeys(_references(schema)) if name in self._known]

    def _visit(self, root: str) -> None:
        """Find the digests of a name and of all that it reaches.

        Schemas that refer to one another have one digest, of all of them: Tarjan's strongly connected components.
        """
        order: dict[str, int] = {}  # when each name was first met
        lowest: dict[str, int] = {}  # the earliest of those, still open, that it reaches
        shapes: dict[str, dict[str, JSON]] = {}
        following: dict[str, list[str]] = {}
        path: list[tuple[str, Iterator[str]]] = []
        unfinished: list[str] = []

        def enter(name: str) -> None:
            if next(self._visits) > _MOST:
                raise SchemaError(f"the endpoints refer to over {_MOST} schemas, each counted for itself")
            order[name] = lowest[name] = len(order)
            shapes[name] = _shape_of(self._known[name])
            following[name] = self._names_in(shapes[name])
            unfinished.append(name)
            path.append((name, iter(following[name])))

        enter(root)
        while path:
            name, rest = path[-1]
            for other in rest:
                if other in self._done:
                    continue
                if other not in order:
                    enter(other)
                    break
                lowest[name] = min(lowest[name], order[other])
            else:
                path.pop()
                if path:
                    before = path[-1][0]
                    lowest[before] = min(lowest[before], lowest[name])
                if lowest[name] == order[name]:
                    members: list[str] = []
                    while name not in members[-1:]:
                        members.append(unfinished.pop())
                    own = {member: shapes[member] for member in members}
                    reached = {each for member in members for each in following[member]} - own.keys()
                    digest = _digest(own, {each: self._done[each] for each in reached})
                    self._done.update((member, f"{digest} {member}") for member in members)


def _shape_of(schema: Schema) -> dict[str, JSON]:
    """A schema without the keywords that belong to its place, such as the default."""
    return {name: value for name, value in schema.items() if name not in _OF_ITS_PLACE}


def _references(schema: JSON) -> Iterator[str]:
    stack: list[JSON] = [schema]
    while stack:
        value = stack.pop()
        if isinstance(value, dict):
            reference = value.get("$ref")
            if isinstance(reference, str):
                yield reference.rpartition("/")[2]
            stack.extend(value.values())
        elif isinstance(value, list):
            stack.extend(value)


def _digest(*parts: object) -> str:
    return sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
