"""Which attribute of a client stands for which endpoint."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from keyword import iskeyword
from typing import Final

from bento_proto import schema

ALIAS: Final = "api_"
"""Put before a name, it reaches any endpoint, also one whose name the client uses itself.

Unless another endpoint bears that longer name, which then is the one that is reached.
"""

RESERVED: Final = frozenset(
    {
        "call", "close", "connect", "endpoints", "is_ready", "map", "request", "url", "wait_until_server_ready",
        "with_options",
    }
)  # fmt: skip
"""The names that both clients use themselves."""


def endpoint_for(service: schema.Service, attribute: str, reserved: Collection[str]) -> str | None:
    """The name of the endpoint that an attribute stands for; None if it stands for none.

    Args:
        service: the Service.
        attribute: the attribute's name.
        reserved: the names that the client uses itself.
    """
    if not attribute.startswith("_") and attribute not in reserved and attribute in service.endpoints:
        return attribute
    name = attribute.removeprefix(ALIAS)
    return name if name != attribute and name in service.endpoints else None


def attributes(service: schema.Service, reserved: Collection[str]) -> Iterator[str]:
    """The attributes under which endpoints can be reached, one for each that has a name fit for an attribute."""
    for name in service.endpoints:
        attribute = ALIAS + name if name.startswith("_") or name in reserved else name
        if attribute.isidentifier() and not iskeyword(attribute) and endpoint_for(service, attribute, reserved) == name:
            yield attribute
