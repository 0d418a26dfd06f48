"""The attributes of a client that are its endpoints."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final

from bento_proto import schema
from bento_proto._guesses import did_you_mean
from bento_proto._text import is_identifier, one_line

ALIAS: Final = "api_"
"""The prefix that reaches an endpoint whose name the client uses itself: ``client.api_call`` is the endpoint ``call``.

If an endpoint has the prefixed name, the attribute is that one.
"""

RESERVED: Final = frozenset(
    {
        "aclose", "call", "close", "connect", "endpoints", "is_ready", "map", "request", "url",
        "wait_until_server_ready", "with_options",
    }
)  # fmt: skip
"""The attributes that the clients have themselves; both have all but ``aclose``."""


def endpoint_for(service: schema.Service, attribute: str, reserved: Collection[str]) -> str | None:
    """The name of the endpoint for an attribute; None if there is none.

    Args:
        service: the Service.
        attribute: the name of the attribute.
        reserved: the attributes that the client has itself.
    """
    if not attribute.startswith("_") and attribute not in reserved and attribute in service.endpoints:
        return attribute
    name = attribute.removeprefix(ALIAS)
    return name if name != attribute and name in service.endpoints else None


def unknown_endpoint(service: schema.Service, name: str) -> str:
    """The message for a name that no endpoint has: it names similar ones, or the first ones."""
    found = did_you_mean(name, service.endpoints, "endpoints")
    return f"the Service {one_line(service.name)} has no endpoint {name!r}{found}"


def attributes(service: schema.Service, reserved: Collection[str]) -> Iterator[str]:
    """The attributes for the endpoints of a Service, one for each whose name can be that of an attribute."""
    for name in service.endpoints:
        attribute = ALIAS + name if name.startswith("_") or name in reserved else name
        if is_identifier(attribute) and endpoint_for(service, attribute, reserved) == name:
            yield attribute
