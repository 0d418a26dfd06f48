"""The method of an endpoint by its name, of a client that knows its Service."""

from __future__ import annotations

from bento_async import AsyncEndpointMethod, AsyncHTTPClient
from bento_proto import NotFound, Service
from bento_proto.schema import ALIAS, unknown_endpoint


def method_of(client: AsyncHTTPClient, service: Service, endpoint: str) -> AsyncEndpointMethod:
    """The method of an endpoint, also where no attribute of the client has its name.

    Args:
        client: the client of the Service.
        service: what it knows of it.
        endpoint: the endpoint's name.

    Raises:
        NotFound: there is no such endpoint; the message names similar ones.
    """
    for attribute in (endpoint, ALIAS + endpoint):
        method = getattr(client, attribute, None)
        if isinstance(method, AsyncEndpointMethod) and method.endpoint.name == endpoint:
            return method
    raise NotFound(unknown_endpoint(service, endpoint))
