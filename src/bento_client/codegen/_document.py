"""A Service as the JSON that it was read from: in one form, whatever the order and the layout were."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from bento_proto import Service
from bento_proto.schema import parse_service

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bento_proto import JSON, Endpoint


def service_of(given: Service | bytes | JSON) -> Service:
    """The Service, its endpoints sorted.

    Raises:
        SchemaError: it is none.
    """
    return parse_service(document(given if isinstance(given, Service) else parse_service(given)))


def document(service: Service) -> dict[str, JSON]:
    """What `parse_service` makes the same Service of, endpoints sorted, without what it does not look at."""
    about: dict[str, JSON] = {"name": service.name}
    if service.description is not None:
        about["description"] = service.description
    return {**about, "routes": [_route(service.endpoints[name]) for name in sorted(service.endpoints)]}


def _route(endpoint: Endpoint) -> JSON:
    found: dict[str, JSON] = {"name": endpoint.name, "route": endpoint.route}
    if endpoint.doc is not None:
        found["doc"] = endpoint.doc
    if endpoint.root_input:
        found["input"] = dict(endpoint.parameters[0].schema)
    else:
        found["input"] = {
            "properties": {parameter.name: dict(parameter.schema) for parameter in endpoint.parameters},
            "required": [parameter.name for parameter in endpoint.parameters if parameter.required],
        }
    found["output"] = dict(endpoint.output.schema)
    for name, value in (("is_task", endpoint.is_task), ("batchable", endpoint.batchable)):
        if value:
            found[name] = True
    return found


def compact_lines(document: Mapping[str, JSON]) -> Iterator[str]:
    """A document as compact JSON in ASCII, with a line for each endpoint."""
    about = {name: value for name, value in document.items() if name != "routes"}
    routes = document["routes"]
    assert isinstance(routes, list)
    yield f'{_compact(about)[:-1]},"routes":['
    for number, route in enumerate(routes, 1):
        yield _compact(route) + "," * (number < len(routes))
    yield "]}"


def digest(document: JSON) -> str:
    """The SHA-256 of the compact form, in hexadecimal."""
    return hashlib.sha256(_compact(document).encode()).hexdigest()


def _compact(value: JSON) -> str:
    return json.dumps(value, separators=(",", ":"))
