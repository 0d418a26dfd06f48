"""The descriptions of endpoints in ``/docs.json``, OpenAPI, for which BentoML 1.4's ``/schema.json`` has no place."""

from __future__ import annotations

from bento_proto._text import is_unicode
from bento_proto._types import JSON

from ._service import Endpoint, Service


def documented(service: Service, document: JSON) -> Service:
    """A Service with the descriptions of an OpenAPI document for its endpoints that have none.

    Args:
        service: the Service.
        document: the document; whatever in it is not as expected is left out.
    """
    paths = document.get("paths") if isinstance(document, dict) else None
    if not isinstance(paths, dict):
        return service
    endpoints = {
        name: endpoint if endpoint.doc else endpoint.replace(doc=_description(endpoint, service.prefix, paths))
        for name, endpoint in service.endpoints.items()
    }
    return service.replace(endpoints=endpoints)


def _description(endpoint: Endpoint, prefix: str, paths: dict[str, JSON]) -> str | None:
    for route in (endpoint.route, endpoint.route.removeprefix(prefix)):
        item = paths.get(route)
        operation = item.get("post") if isinstance(item, dict) else None
        if isinstance(operation, dict):
            for key in ("description", "summary"):
                text = operation.get(key)
                if isinstance(text, str) and text.strip() and is_unicode(text):
                    return text
    return None
